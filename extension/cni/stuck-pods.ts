/** Pods that a node's network keeps from starting or ending, and what to do about each. Pure. */
import * as l10n from '@vscode/l10n';
import type { KubernetesEvent, Node, Pod } from '../../mesh/kubernetes.ts';
import { describeNode, type HangingPod } from '../../mesh/pods/describe-node.ts';

export interface StuckPod {
  node: string;
  namespace: string;
  name: string;
  uid: string;
  /** The end of a line: `hangs: CNI version`. */
  short: string;
  says: string;
  object: Pod;
}

export interface SortedPods {
  /** Somebody makes a new one when it is deleted. */
  recreatable: (StuckPod & { owner: string })[];
  /** Terminating: as soon as the node's network works, the kubelet finishes by itself. */
  ending: StuckPod[];
  /** Not ours to delete, with the reason. */
  left: (StuckPod & { why: string })[];
}

export interface StuckInputs {
  nodes: readonly Node[];
  pods: readonly Pod[];
  events: readonly KubernetesEvent[];
  now?: number;
}

/** Those that hang now, by node. Events are what tells a pod that hangs from one that is on its way. */
export function findStuckPods({ nodes, pods, events, now }: StuckInputs): StuckPod[] {
  return nodes.flatMap((node) => {
    const inputs = { pods, daemonSets: [], events, ...(now !== undefined && { now }) };
    return describeNode(node, inputs).hanging.map((pod) => asStuck(node.metadata?.name ?? '', pod));
  });
}

function asStuck(node: string, { namespace, name, trouble, object }: HangingPod): StuckPod {
  return { node, namespace, name, uid: object.metadata?.uid ?? '', short: trouble.short, says: trouble.says, object };
}

/** Decides for each what may be done. */
export function sortStuckPods(stuck: readonly StuckPod[]): SortedPods {
  const sorted: SortedPods = { recreatable: [], ending: [], left: [] };
  for (const pod of stuck) {
    const { metadata } = pod.object;
    const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
    if (metadata?.deletionTimestamp) sorted.ending.push(pod);
    else if (metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined || owner?.kind === 'Node')
      sorted.left.push({ ...pod, why: l10n.t('a static pod: its node makes it from a file') });
    else if (!owner) sorted.left.push({ ...pod, why: l10n.t('nobody would make it again: no controller owns it') });
    else sorted.recreatable.push({ ...pod, owner: `${owner.kind} ${owner.name}` });
  }
  return sorted;
}

/** What is left alone, in a sentence or two; empty when nothing is. */
export function describeLeft({ ending, left }: SortedPods): string {
  const names = (pods: readonly StuckPod[]) => pods.map(({ namespace, name }) => `${namespace}/${name}`);
  const shown = (list: string[]) => (list.length > 5 ? `${list.slice(0, 5).join(', ')}, …` : list.join(', '));
  return [
    ...(ending.length > 0
      ? [
          l10n.t(
            'Terminating, and ends by itself once the node’s network works; forcing it would leak its address: {0}.',
            shown(names(ending)),
          ),
        ]
      : []),
    ...left.map(({ namespace, name, why }) => l10n.t('Left alone: {0} ({1}).', `${namespace}/${name}`, why)),
  ].join(' ');
}
