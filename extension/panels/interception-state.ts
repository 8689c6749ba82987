/** What the node helper and the API server answer → what the interception view shows. Pure: no editor, no clock. */
import * as l10n from '@vscode/l10n';
import type { FailureView, InterceptionState, ReadingView } from '../../contract/interception-view.ts';
import type {
  HelperIdentity,
  InspectPodResult,
  IptablesTool,
  ListeningSocket,
  NodeHelperError,
} from '../../contract/node-helper.ts';
import type { KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import { findPodTrouble } from '../../mesh/pods/find-pod-trouble.ts';
import {
  describeReading,
  findDoubledBackends,
  isEmptyReading,
  summarizeReadings,
} from '../../contract/reading-view.ts';

export type PodPlace = InterceptionState['pod'];

/** One answer of a node helper, and who gave it. */
export interface PodReading {
  result: InspectPodResult;
  helper: HelperIdentity;
  node: string;
  /** Name of the helper's own pod. */
  helperPod: string;
  /** Its program is not the one that this extension ships. */
  outdated?: boolean;
  at: Date;
}

/** While reading again, what was read before stays on screen. */
export function loadingState(pod: PodPlace, before?: InterceptionState): InterceptionState {
  return before?.phase === 'failed' || !before
    ? { pod, phase: 'loading', readings: [], listening: [], notes: [] }
    : { ...before, phase: 'loading' };
}

export function failedState(pod: PodPlace, failure: FailureView): InterceptionState {
  return { pod, phase: 'failed', readings: [], listening: [], notes: [], failure };
}

/** @param extensionVersion ours: a helper of another version is named, it may see less or more than we show. */
export function readyState(place: PodPlace, reading: PodReading, extensionVersion: string): InterceptionState {
  const { result, helper, node, helperPod, outdated, at } = reading;
  const readings = sortReadings(result.readings.map((one) => describeReading(one)));
  const notes = [...result.notes];
  if (helper.version !== extensionVersion) {
    notes.unshift(
      l10n.t(
        'The node helper on {0} is of version {1}, this extension of version {2}. Run “Mesh: Deploy Node Helper” to bring them together.',
        node,
        helper.version,
        extensionVersion,
      ),
    );
  } else if (outdated) {
    notes.unshift(
      l10n.t(
        'The node helper on {0} runs another program than the one in this extension. Run “Mesh: Deploy Node Helper” to bring them together.',
        node,
      ),
    );
  }
  const doubled = findDoubledBackends(readings);
  if (doubled.length > 0) {
    notes.unshift(
      l10n.t(
        'Rules of a mesh stand in {0} at once, and the kernel runs both: something programmed this pod twice, with two kinds of iptables.',
        doubled.join(', '),
      ),
    );
  }
  return {
    pod: place,
    phase: 'ready',
    source: describeSource(result.readings, { node, helperPod, at }),
    summary: summarizeReadings(readings),
    readings,
    listening: describeSockets(result.listening),
    notes,
  };
}

/**
 * Why this pod's rules cannot be read, before anybody is asked; undefined when they can. A pod that is pending but has a
 * sandbox can: `istio-validation` failing again and again is when one most wants to see the rules.
 * @param events the pod's: without a sandbox only they tell what it waits for.
 */
export function whyNotReadable(pod: Pod, events: KubernetesEvent[] = []): FailureView | undefined {
  const name = pod.metadata?.name ?? '';
  const node = pod.spec?.nodeName;
  if (pod.spec?.hostNetwork) {
    return {
      what: l10n.t('{0} has no rules of its own: it is on the host network.', name),
      why: l10n.t(
        'With “hostNetwork: true” the pod shares the network namespace of node {0}. What one would see there are the node’s rules, not the pod’s, and Istio never injects or redirects such a pod.',
        node ?? '?',
      ),
      next: l10n.t('To bring the workload into the mesh, remove “hostNetwork” from its pod template.'),
      actions: [],
    };
  }
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') {
    return {
      what: l10n.t('{0} has ended: there is no network namespace to look into.', name),
      why:
        phase === 'Succeeded'
          ? l10n.t('All its containers have finished, and the node took its network namespace away with them.')
          : l10n.t(
              'The pod failed ({0}), and the node took its network namespace away.',
              pod.status?.reason ?? findPodTrouble(pod)?.says ?? phase,
            ),
      next: l10n.t('Choose a pod of the same workload that runs.'),
      actions: [retry()],
    };
  }
  if (hasSandbox(pod)) return undefined;
  const trouble = findPodTrouble(pod, { events });
  return {
    what: l10n.t('{0} does not run yet: it has no network namespace.', name),
    why:
      trouble?.says ||
      l10n.t('The pod is {0}; its rules are written when its sandbox is made.', phase ?? l10n.t('of unknown phase')),
    next: trouble?.next || l10n.t('Read again when the pod has started; the Workloads view shows what it waits for.'),
    actions: [retry()],
  };
}

/** The pod is gone: deleted, or replaced by one of another name. */
export function podGone({ namespace, name, context }: PodPlace): FailureView {
  return {
    what: l10n.t('The pod {0} is not there any more.', name),
    why: l10n.t(
      'Namespace {0} of cluster {1} has no pod of this name: it was deleted or replaced.',
      namespace,
      context,
    ),
    next: l10n.t('Choose another pod of the workload in the Workloads view.'),
    actions: [retry()],
  };
}

/** Nobody answers on the pod's node. `why`: whether no helper is there, or what keeps it from running. */
export function noHelper(name: string, node: string, why: string): FailureView {
  return {
    what: l10n.t('The rules of {0} cannot be read: no node helper answers on node {1}.', name, node),
    why: l10n.t('{0} Rules live in the pod’s network namespace: only a program on its node can look there.', why),
    next: l10n.t(
      'Deploy the node helper: it only reads, and you see its manifest and rights before anything is changed.',
    ),
    actions: [{ id: 'deploy-node-helper', label: l10n.t('Deploy Node Helper…') }, retry()],
  };
}

/** The helper answered that it cannot. Its own message is English and stands as it is; what it means is said in the user's language. */
export function describeRefusal(error: NodeHelperError, name: string, node: string): FailureView {
  const why = [error.message, error.hint].filter(Boolean).join(' ');
  const log = { id: 'show-log' as const, label: l10n.t('Show Log') };
  const deploy = { id: 'deploy-node-helper' as const, label: l10n.t('Deploy Node Helper…') };
  switch (error.code) {
    case 'pod-not-found':
      return {
        what: l10n.t('The node helper found no process of {0} on node {1}.', name, node),
        why,
        next: l10n.t('The pod may just have restarted: read again.'),
        actions: [retry(), log],
      };
    case 'host-network':
      return {
        what: l10n.t('{0} shares the network namespace of node {1}.', name, node),
        why,
        next: l10n.t('A pod on the host network is never redirected; there are no rules of its own to show.'),
        actions: [],
      };
    case 'sandboxed':
      return {
        what: l10n.t('{0} runs in a sandbox that node {1} cannot look into.', name, node),
        why,
        next: l10n.t(
          'Kata and gVisor keep the pod’s network inside a machine or kernel of their own: read the rules from inside the pod.',
        ),
        actions: [retry()],
      };
    case 'no-iptables':
      return {
        what: l10n.t('Node {0} has no iptables that could print the rules of {1}.', node, name),
        why,
        next: l10n.t('Use a helper image that has iptables (setting “meshloom.helper.image”), then deploy again.'),
        actions: [deploy, retry()],
      };
    case 'not-permitted':
      return {
        what: l10n.t('The node helper on {0} is not allowed to enter the network namespace of {1}.', node, name),
        why,
        next: l10n.t(
          'A security policy of the node (SELinux, AppArmor, seccomp) is the usual reason. Deploy again to renew the helper’s rights.',
        ),
        actions: [deploy, retry(), log],
      };
    case 'timeout':
      return {
        what: l10n.t('The node helper on {0} did not get through in time.', node),
        why,
        next: l10n.t('The node may be under load: read again.'),
        actions: [retry(), log],
      };
    case 'protocol':
    case 'unknown-verb':
    case 'bad-request':
      return {
        what: l10n.t('The node helper on {0} does not understand this extension.', node),
        why,
        next: l10n.t('It is of another version: deploy it again.'),
        actions: [deploy, retry()],
      };
    default:
      return {
        what: l10n.t('The node helper on {0} failed to read the rules of {1}.', node, name),
        why,
        next: l10n.t('The log has the whole answer.'),
        actions: [retry(), log],
      };
  }
}

/** What came back was no answer of a helper. */
export function describeUnreadable(message: string, name: string, node: string): FailureView {
  return {
    what: l10n.t('The answer of the node helper on {0} cannot be read, so the rules of {1} are not known.', node, name),
    why: message,
    next: l10n.t('Read again; if it stays so, deploy the node helper again. The log has what arrived.'),
    actions: [
      retry(),
      { id: 'deploy-node-helper', label: l10n.t('Deploy Node Helper…') },
      { id: 'show-log', label: l10n.t('Show Log') },
    ],
  };
}

/** The API server, or the way to it, failed. `why` and `next` are a `ClusterFailure`'s, already in words. */
export function describeClusterTrouble({ name }: PodPlace, why: string, next: string): FailureView {
  return {
    what: l10n.t('The rules of {0} could not be read.', name),
    why,
    next,
    actions: [
      retry(),
      { id: 'choose-cluster', label: l10n.t('Choose Cluster…') },
      { id: 'show-log', label: l10n.t('Show Log') },
    ],
  };
}

function retry(): FailureView['actions'][number] {
  return { id: 'retry', label: l10n.t('Read Again') };
}

/** `Read at 12:03:11 on node n1 by meshloom-node-helper-x1 in 41 ms, with the host's iptables`. */
function describeSource(
  readings: InspectPodResult['readings'],
  { node, helperPod, at }: { node: string; helperPod: string; at: Date },
): string {
  const origins = [...new Set(readings.map(({ origin }) => describeOrigin(origin)))];
  const base = l10n.t('read at {0} on node {1} by {2}', at.toLocaleTimeString(), node, helperPod);
  return origins.length > 0 ? l10n.t('{0} with {1}', base, origins.join(', ')) : base;
}

function describeOrigin(origin: IptablesTool['origin'] | 'computed'): string {
  switch (origin) {
    case 'container':
      return l10n.t('the helper’s iptables');
    case 'host':
      return l10n.t('the node’s iptables');
    case 'proxy-container':
      return l10n.t('the proxy container’s iptables');
    default:
      return String(origin);
  }
}

/** Readings with rules first, IPv4 before IPv6: the first one is what the view opens with. */
function sortReadings(readings: ReadingView[]): ReadingView[] {
  return readings
    .map((reading, at) => ({ reading, at, empty: isEmptyReading(reading) ? 1 : 0 }))
    .sort((a, b) => a.empty - b.empty || a.at - b.at)
    .map(({ reading }) => reading);
}

/** `15006/tcp`, each once, by port; loopback-only sockets say so. */
function describeSockets(sockets: ListeningSocket[]): string[] {
  const local = (address: string) => address.startsWith('127.') || address === '::1';
  const byPort = new Map<string, { port: number; loopback: boolean }>();
  for (const { port, protocol, address } of sockets) {
    const key = `${port}/${protocol}`;
    byPort.set(key, { port, loopback: (byPort.get(key)?.loopback ?? true) && local(address) });
  }
  return [...byPort]
    .sort(([a, { port: portA }], [b, { port: portB }]) => portA - portB || (a < b ? -1 : 1))
    .map(([key, { loopback }]) => (loopback ? l10n.t('{0} loopback', key) : key));
}

function hasSandbox(pod: Pod): boolean {
  const { conditions, podIP, phase, containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  if (phase === 'Running') return true;
  const condition = conditions?.find(({ type }) => type === 'PodReadyToStartContainers');
  if (condition) return condition.status === 'True';
  return (
    Boolean(podIP) ||
    [...initContainerStatuses, ...containerStatuses].some(({ state }) => state?.running ?? state?.terminated)
  );
}
