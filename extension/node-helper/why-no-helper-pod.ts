/** Why no helper runs on one node: nothing is deployed, or this node is one that it cannot run on. */
import * as l10n from '@vscode/l10n';
import type { KubernetesEvent, Node, PodSpec, Workload } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { helperName, helperNamespace } from './manifest.ts';

export interface NoHelperPod {
  why: string;
  /** Absent: deploying can help. */
  next?: string;
}

/**
 * Asks the cluster what is known about it; a right that is missing leaves out its part of the answer.
 * @returns undefined when nothing speaks against the node: no helper is deployed at all, as far as one may know.
 */
export async function whyNoHelperPod(
  cluster: Cluster,
  nodeName: string,
  signal?: AbortSignal,
): Promise<NoHelperPod | undefined> {
  const context = cluster.context.name;
  const options = signal ? { signal } : {};
  const get = async <T extends object>(type: ResourceType, name: string, namespace?: string) =>
    await known(cluster.get<T>(type, name, { ...options, ...(namespace && { namespace }) }));
  const [daemonSet, node] = await Promise.all([
    get<Workload>(resourceTypes.daemonSets, helperName, helperNamespace),
    get<Node>(resourceTypes.nodes, nodeName),
  ]);
  const unfit = node && whyUnfit(node, nodeName);
  if (unfit) return unfit;
  if (!daemonSet) return undefined;
  const untolerated = node && findUntolerated(node, daemonSet.spec?.template?.spec);
  if (untolerated) {
    return {
      why: l10n.t('The taint {0} of node “{1}” keeps the node helper away.', untolerated, nodeName),
      next: l10n.t('Deploy the node helper again, which tolerates every taint, or read from inside the pod.'),
    };
  }
  const refusal = await findRefusal(cluster, options);
  if (refusal) {
    return {
      why: l10n.t('The cluster refuses the node helper’s pod for node “{0}”: {1}', nodeName, refusal),
      next: l10n.t('Ask who administers the cluster to allow it in namespace “{0}”.', helperNamespace),
    };
  }
  return {
    why: l10n.t(
      'The node helper is deployed in context “{0}”, but node “{1}” has no pod of it (yet).',
      context,
      nodeName,
    ),
  };
}

function whyUnfit({ metadata, spec, status }: Node, name: string): NoHelperPod | undefined {
  const labels = metadata?.labels ?? {};
  if (labels['kubernetes.io/os'] === 'windows') {
    return {
      why: l10n.t('Node “{0}” runs Windows: it has no iptables, and the node helper runs on Linux alone.', name),
      next: l10n.t('Choose a pod on a Linux node; Istio does not redirect the traffic of Windows pods.'),
    };
  }
  if (labels['type'] === 'virtual-kubelet' || spec?.taints?.some(({ key }) => key === 'virtual-kubelet.io/provider')) {
    return {
      why: l10n.t('Node “{0}” is a virtual one: its pods run elsewhere, where no helper can look.', name),
      next: l10n.t('Read from inside the pod, or look at a pod on another node.'),
    };
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready && ready.status !== 'True') {
    return {
      why: l10n.t(
        'Node “{0}” is not ready: {1}',
        name,
        [ready.reason, ready.message].filter(Boolean).join(': ') || ready.status,
      ),
      next: l10n.t('Look at the node’s kubelet and its network; what is read below does not come from the node.'),
    };
  }
  return undefined;
}

interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

/** The first taint of the node that keeps pods of this template away, as `key=value:NoSchedule`. */
function findUntolerated({ spec }: Node, template: PodSpec | undefined): string | undefined {
  const tolerations = (template as { tolerations?: Toleration[] } | undefined)?.tolerations ?? [];
  const taint = spec?.taints?.find(
    ({ key, value = '', effect }) =>
      effect !== 'PreferNoSchedule' &&
      // The DaemonSet controller adds these by itself.
      !key.startsWith('node.kubernetes.io/') &&
      !tolerations.some(
        (one) =>
          (!one.effect || one.effect === effect) &&
          (one.operator === 'Exists' ? !one.key || one.key === key : one.key === key && (one.value ?? '') === value),
      ),
  );
  return taint && `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`;
}

/** A pod that was refused does not exist: only the DaemonSet's events tell of it. */
async function findRefusal(cluster: Cluster, options: { signal?: AbortSignal }): Promise<string | undefined> {
  const events = await known(
    cluster.list<KubernetesEvent>(resourceTypes.events, {
      ...options,
      namespace: helperNamespace,
      fieldSelector: `involvedObject.name=${helperName}`,
    }),
  );
  return events?.items.findLast(
    ({ reason, involvedObject }) => reason === 'FailedCreate' && involvedObject?.name === helperName,
  )?.message;
}

/** Undefined for what is not there or may not be read. @throws when the cluster cannot be asked at all. */
async function known<T>(ask: Promise<T>): Promise<T | undefined> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof ClusterFailure && (error.reason === 'forbidden' || error.reason === 'not-found'))
      return undefined;
    throw error;
  }
}
