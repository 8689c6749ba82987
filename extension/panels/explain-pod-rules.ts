import type { DriftView, TraceHints } from '../../contract/interception-view.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { gatherExpectedInputs } from '../node-helper/expected-inputs.ts';
import { driftOf, driftOfComputed } from './drift-state.ts';
import type { PodRules } from './read-pod-rules.ts';
import { traceHints, type CalledService } from './trace-hints.ts';

/**
 * What takes longer than reading: the drift, and the presets of the trace form. A cluster that does not answer leaves them
 * out or says so, for the rules are on screen already.
 */
export async function explainPodRules(
  cluster: Cluster,
  { pod, way, inputs: known, state }: PodRules & { pod: Pod },
  signal: AbortSignal,
): Promise<{ drift: DriftView; trace?: TraceHints }> {
  try {
    const [inputs, services] = await Promise.all([
      known ?? gatherExpectedInputs(cluster, pod, signal),
      listServices(cluster, pod, signal),
    ]);
    const drift = way === 'computed' ? driftOfComputed() : driftOf(inputs, state.readings);
    return { drift, trace: traceHints(pod, inputs, services) };
  } catch (error) {
    const why = error instanceof ClusterFailure ? `${error.message} ${error.next}` : String(error);
    return { drift: { comparisons: [], whyUnknown: why.trim() }, trace: traceHints(pod, {}) };
  }
}

/** None where they may not be read: they only make a preset. */
async function listServices(cluster: Cluster, pod: Pod, signal: AbortSignal): Promise<CalledService[]> {
  const namespace = pod.metadata?.namespace ?? 'default';
  try {
    return (await cluster.list<CalledService>(resourceTypes.services, { namespace, signal })).items;
  } catch (error) {
    if (error instanceof ClusterFailure) return [];
    throw error;
  }
}
