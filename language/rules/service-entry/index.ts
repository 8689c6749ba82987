import type { Rule } from '../../rule.ts';
import { badAddress } from './bad-address.ts';
import { badEndpoint } from './bad-endpoint.ts';
import { badHost } from './bad-host.ts';
import { badPort } from './bad-port.ts';
import { hostsShareTcpPort } from './hosts-share-tcp-port.ts';
import { selectorAndEndpoints } from './selector-and-endpoints.ts';
import { wildcardWithDns } from './wildcard-with-dns.ts';

/** What Istio's webhook says of one resource alone. */
export const serviceEntryRules: readonly Rule[] = [
  badAddress,
  badEndpoint,
  badHost,
  badPort,
  hostsShareTcpPort,
  selectorAndEndpoints,
  wildcardWithDns,
];
