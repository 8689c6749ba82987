import type { Rule } from '../../rule.ts';
import { badAddress } from './bad-address.ts';
import { badDynamicDns } from './bad-dynamic-dns.ts';
import { badEndpoint } from './bad-endpoint.ts';
import { badHost } from './bad-host.ts';
import { badPort } from './bad-port.ts';
import { endpointsUnlikeResolution } from './endpoints-unlike-resolution.ts';
import { hostsShareTcpPort } from './hosts-share-tcp-port.ts';
import { noAllocatedAddress } from './no-allocated-address.ts';
import { partialWildcard } from './partial-wildcard.ts';
import { selectorAndEndpoints } from './selector-and-endpoints.ts';
import { selectorWithoutResolution } from './selector-without-resolution.ts';
import { wildcardWithDns } from './wildcard-with-dns.ts';

/** What Istio's webhook says of one resource alone. */
export const serviceEntryRules: readonly Rule[] = [
  badAddress,
  badDynamicDns,
  badEndpoint,
  badHost,
  badPort,
  endpointsUnlikeResolution,
  hostsShareTcpPort,
  noAllocatedAddress,
  partialWildcard,
  selectorAndEndpoints,
  selectorWithoutResolution,
  wildcardWithDns,
];
