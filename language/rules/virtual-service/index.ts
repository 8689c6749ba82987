import type { Rule } from '../../rule.ts';
import { anyHostInMesh } from './any-host-in-mesh.ts';
import { authoritySetTwice } from './authority-set-twice.ts';
import { badCorsMethod } from './bad-cors-method.ts';
import { badCorsPolicy } from './bad-cors-policy.ts';
import { badDestination } from './bad-destination.ts';
import { badDirectResponse } from './bad-direct-response.ts';
import { badFault } from './bad-fault.ts';
import { badGatewayName } from './bad-gateway-name.ts';
import { badHeaderOperation } from './bad-header-operation.ts';
import { badHeaderValue } from './bad-header-value.ts';
import { badHost } from './bad-host.ts';
import { badMatch } from './bad-match.ts';
import { badPercentage } from './bad-percentage.ts';
import { badRedirect } from './bad-redirect.ts';
import { badRetries } from './bad-retries.ts';
import { badRewrite } from './bad-rewrite.ts';
import { badSniHost } from './bad-sni-host.ts';
import { badSubnet } from './bad-subnet.ts';
import { claimMatchInMesh } from './claim-match-in-mesh.ts';
import { delegateWithTooMuch } from './delegate-with-too-much.ts';
import { dottedGatewayName } from './dotted-gateway-name.ts';
import { incompleteRule } from './incomplete-rule.ts';
import { largeDirectResponse } from './large-direct-response.ts';
import { mirrorAndMirrors } from './mirror-and-mirrors.ts';
import { noRoutes } from './no-routes.ts';
import { notOneWayOut } from './not-one-way-out.ts';
import { overlappingHosts } from './overlapping-hosts.ts';
import { sniAddress } from './sni-address.ts';
import { sniOutsideHosts } from './sni-outside-hosts.ts';
import { unsupportedFault } from './unsupported-fault.ts';

/** What Istio's webhook says of one resource alone. */
export const virtualServiceRules: readonly Rule[] = [
  anyHostInMesh,
  authoritySetTwice,
  badCorsMethod,
  badCorsPolicy,
  badDestination,
  badDirectResponse,
  badFault,
  badGatewayName,
  badHeaderOperation,
  badHeaderValue,
  badHost,
  badMatch,
  badPercentage,
  badRedirect,
  badRetries,
  badRewrite,
  badSniHost,
  badSubnet,
  claimMatchInMesh,
  delegateWithTooMuch,
  dottedGatewayName,
  incompleteRule,
  largeDirectResponse,
  mirrorAndMirrors,
  noRoutes,
  notOneWayOut,
  overlappingHosts,
  sniAddress,
  sniOutsideHosts,
  unsupportedFault,
];
