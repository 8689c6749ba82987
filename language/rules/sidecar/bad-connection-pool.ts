import { defineRefusal } from '../define-webhook-rule.ts';
import { findPoolFaults } from '../values/connection-pools.ts';

/** Limits of the connections that come in: for all ports, and for each. */
export const badConnectionPool = defineRefusal('Sidecar', {
  id: 'sidecar/bad-connection-pool',
  why: 'A connection pool sets http or tcp, its counters are not negative and its timeouts are durations of whole milliseconds; Istio refuses others.',
  *check({ spec, incomplete }) {
    const pools = [
      spec.at('inboundConnectionPool'),
      ...spec.at('ingress').items.map((ingress) => ingress.at('connectionPool')),
    ];
    for (const pool of pools) yield* findPoolFaults(pool, incomplete);
  },
});
