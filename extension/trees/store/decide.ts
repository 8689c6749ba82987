import { decideInjection } from '../../../mesh/injection/decide-injection.ts';
import type { Decide } from './mesh-model.ts';

/** The injector's decision about a pod, from what could be read of the cluster; what could not counts as a default installation has it. */
export const decideForPod: Decide = (pod, namespace, { webhooks, configMaps }) =>
  decideInjection({
    pod,
    ...(namespace && { namespace }),
    ...(webhooks && { webhooks }),
    ...(configMaps && { configMaps }),
  });
