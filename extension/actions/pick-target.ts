/** Lets a person choose what a command is about, when nothing pointed at it. */
import * as vscode from 'vscode';
import type { Pod } from '../../mesh/kubernetes.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { pickPod } from '../panels/pick-pod.ts';
import { notThere, readTarget, scopeOf, type ObjectReference, type TreeTarget } from './pod-targets.ts';
import { pick, pickName } from '../pick.ts';

/** @returns what was pointed at, else the pod that the person picks; undefined: Escape. */
export async function chooseObject(
  cluster: Cluster,
  target: TreeTarget | undefined,
  placeHolder: string,
): Promise<(ObjectReference & { container?: string }) | undefined> {
  const pointed = readTarget(target);
  if (pointed) return { ...pointed, namespace: pointed.namespace || (cluster.context.namespace ?? 'default') };
  const pod = await pickPod(cluster, { placeHolder });
  return pod && { kind: 'Pod', namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
}

/** The pods of an object as they are now; never empty. @throws ClusterFailure */
export async function podsOf(cluster: Cluster, reference: ObjectReference): Promise<Pod[]> {
  const { kind, namespace, name } = reference;
  if (kind === 'Pod') {
    const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace });
    if (!pod) throw notThere(cluster, reference);
    return [pod];
  }
  const { labelSelector = '' } = await scopeOf(cluster, reference);
  return (await cluster.list<Pod>(resourceTypes.pods, { namespace, labelSelector })).items;
}

/** One pod of an object: the only one, or the person's choice. @returns undefined: Escape, or there is none (which is told). */
export async function chooseOnePod(
  cluster: Cluster,
  reference: ObjectReference,
  placeHolder: string,
): Promise<Pod | undefined> {
  const pods = await podsOf(cluster, reference);
  const title = `${reference.kind} ${reference.namespace}/${reference.name}`;
  if (pods.length === 0) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('{0} in “{1}” has no pod now; the Workloads view shows why.', title, cluster.context.name),
    );
    return undefined;
  }
  if (pods.length === 1) return pods[0];
  const items = pods.map((pod) => ({
    label: pod.metadata?.name ?? '',
    description: pod.status?.phase ?? '',
    pod,
  }));
  return (await pick(items, { title, placeHolder }))?.pod;
}

/** A container among `names`, the most likely one first. */
export async function chooseContainer(
  pod: Pod,
  names: readonly string[],
  placeHolder: string,
): Promise<string | undefined> {
  if (names.length <= 1) return names[0];
  return await pickName(names, {
    title: vscode.l10n.t('Containers of pod {0}', pod.metadata?.name ?? ''),
    placeHolder,
  });
}
