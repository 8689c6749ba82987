import type { Rule } from '../../rule.ts';
import { badConnectionPool } from './bad-connection-pool.ts';
import { badDefaultEndpoint } from './bad-default-endpoint.ts';
import { badEgressHost } from './bad-egress-host.ts';
import { badEgressProxy } from './bad-egress-proxy.ts';
import { badIngressTls } from './bad-ingress-tls.ts';
import { badPort } from './bad-port.ts';
import { catchAllNotLast } from './catch-all-not-last.ts';
import { duplicateEgressHost } from './duplicate-egress-host.ts';
import { duplicatePort } from './duplicate-port.ts';
import { saysNothing } from './says-nothing.ts';

/** What Istio's webhook says of one resource alone. */
export const sidecarRules: readonly Rule[] = [
  badConnectionPool,
  badDefaultEndpoint,
  badEgressHost,
  badEgressProxy,
  badIngressTls,
  badPort,
  catchAllNotLast,
  duplicateEgressHost,
  duplicatePort,
  saysNothing,
];
