import type { Rule } from '../../rule.ts';
import { badDefaultEndpoint } from './bad-default-endpoint.ts';
import { badEgressHost } from './bad-egress-host.ts';
import { catchAllNotLast } from './catch-all-not-last.ts';
import { duplicatePort } from './duplicate-port.ts';
import { saysNothing } from './says-nothing.ts';

/** What Istio's webhook says of one resource alone. */
export const sidecarRules: readonly Rule[] = [
  badDefaultEndpoint,
  badEgressHost,
  catchAllNotLast,
  duplicatePort,
  saysNothing,
];
