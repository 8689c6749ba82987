import type { Rule } from '../../rule.ts';
import { anyHostInMesh } from './any-host-in-mesh.ts';
import { authoritySetTwice } from './authority-set-twice.ts';
import { badCorsMethod } from './bad-cors-method.ts';
import { badDestination } from './bad-destination.ts';
import { badFault } from './bad-fault.ts';
import { badGatewayName } from './bad-gateway-name.ts';
import { badHeaderOperation } from './bad-header-operation.ts';
import { badHost } from './bad-host.ts';
import { badMatch } from './bad-match.ts';
import { badPercentage } from './bad-percentage.ts';
import { badRedirect } from './bad-redirect.ts';
import { badRetries } from './bad-retries.ts';
import { badRewrite } from './bad-rewrite.ts';
import { badSubnet } from './bad-subnet.ts';
import { claimMatchInMesh } from './claim-match-in-mesh.ts';
import { delegateWithTooMuch } from './delegate-with-too-much.ts';
import { dottedGatewayName } from './dotted-gateway-name.ts';
import { incompleteRule } from './incomplete-rule.ts';
import { mirrorAndMirrors } from './mirror-and-mirrors.ts';
import { noRoutes } from './no-routes.ts';
import { notOneWayOut } from './not-one-way-out.ts';
import { overlappingHosts } from './overlapping-hosts.ts';
import { sniOutsideHosts } from './sni-outside-hosts.ts';

/** What Istio's webhook says of one resource alone. */
export const virtualServiceRules: readonly Rule[] = [
  anyHostInMesh,
  authoritySetTwice,
  badCorsMethod,
  badDestination,
  badFault,
  badGatewayName,
  badHeaderOperation,
  badHost,
  badMatch,
  badPercentage,
  badRedirect,
  badRetries,
  badRewrite,
  badSubnet,
  claimMatchInMesh,
  delegateWithTooMuch,
  dottedGatewayName,
  incompleteRule,
  mirrorAndMirrors,
  noRoutes,
  notOneWayOut,
  overlappingHosts,
  sniOutsideHosts,
];
