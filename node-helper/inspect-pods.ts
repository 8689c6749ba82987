/** `inspect-pods`: many pods of this node in one request; what is common to all of them is found once. */
import type { InspectedPod, InspectPodsResult, NodeHelperRequest, PodTarget } from '../contract/node-helper.ts';
import { asAnswer } from './failure.ts';
import { findPodNetns, lookAround } from './find-pod.ts';
import type { Host } from './host.ts';
import { inspectNetns } from './inspect-pod.ts';
import { listPodUids } from './processes.ts';
import { findHostPlace, ownPlace, type Tools } from './tools.ts';

/** Pods that are read at the same time: one child each. Nodes have two cores at least; more would only cost memory. */
const atOnce = 2;
/** Milliseconds after which no further pod is begun: what was read until then is the answer. */
const defaultTimeout = 20_000;

type Request = Extract<NodeHelperRequest, { verb: 'inspect-pods' }>;

/** Never fails as a whole for one of the pods: each has its result or its error. */
export async function inspectPods(host: Host, { pods, timeoutMs }: Request): Promise<InspectPodsResult> {
  const started = host.now();
  const surroundings = lookAround(host);
  const targets = pods ?? listPodUids(surroundings.index).map((uid) => ({ uid, namespace: '', name: '', ips: [] }));
  const hostPlace = findHostPlace(host, surroundings.hostProcesses);
  const tools: Tools = { places: [ownPlace(), ...(hostPlace ? [hostPlace] : [])], known: new Map() };
  const deadline = started + Math.min(timeoutMs ?? defaultTimeout, defaultTimeout);
  const read = async (pod: PodTarget): Promise<InspectedPod> => {
    const named = { uid: pod.uid, namespace: pod.namespace, name: pod.name };
    const left = deadline - host.now();
    if (left <= 0) return { ...named, ok: false, error: outOfTime };
    try {
      const begun = host.now();
      const found = findPodNetns(host, pod, surroundings);
      return { ...named, ok: true, result: await inspectNetns(host, found, begun, { tools, patience: left }) };
    } catch (error) {
      return { ...named, ok: false, error: asAnswer(error) };
    }
  };
  try {
    return { pods: await inParallel(targets, atOnce, read), tookMs: Math.round(host.now() - started) };
  } finally {
    for (const file of hostPlace?.files ?? []) file.close();
  }
}

const outOfTime = {
  code: 'timeout' as const,
  message: 'The time was up before this pod was read.',
  hint: 'Ask for fewer pods at once.',
};

/** As many at the same time as allowed; results in the order of the inputs. */
async function inParallel<In, Out>(
  inputs: readonly In[],
  limit: number,
  work: (input: In) => Promise<Out>,
): Promise<Out[]> {
  const results = new Array<Out>(inputs.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < inputs.length; at = next++) results[at] = await work(inputs[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(limit, inputs.length) }, worker));
  return results;
}
