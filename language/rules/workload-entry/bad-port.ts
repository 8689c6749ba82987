import { defineRefusal } from '../define-webhook-rule.ts';
import { findPortFaults } from '../values/endpoints.ts';

/** Ports by name: those of the ServiceEntry (or Service) that selects the workload. */
export const badPort = defineRefusal('WorkloadEntry', {
  id: 'workload-entry/bad-port',
  why: 'The ports of a workload are numbers from 1 to 65535 by the name of a port, which is a DNS label; a unix socket has none. Istio refuses the rest.',
  *check({ spec }) {
    yield* findPortFaults(spec);
  },
});
