/** What the node helper and the API server answer → what the interception view shows. Pure: no editor, no clock. */
import * as l10n from '@vscode/l10n';
import type { FailureView, InterceptionState, OriginView, ReadingView } from '../../contract/interception-view.ts';
import type { HelperIdentity, InspectPodResult, IptablesTool, ListeningSocket } from '../../contract/node-helper.ts';
import { isCutOff } from './drift-state.ts';
import type { KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import { findPodTrouble } from '../../mesh/pods/find-pod-trouble.ts';
import {
  describeReading,
  findDoubledBackends,
  isEmptyReading,
  summarizeReadings,
} from '../../contract/reading-view.ts';

export type PodPlace = InterceptionState['pod'];

/** One answer of a node helper, and who gave it; or of a debug container; or what was computed. */
export interface PodReading {
  result: InspectPodResult;
  /** Who read on the node. Absent: nobody did. */
  helper?: HelperIdentity;
  node?: string;
  /** Name of the helper's own pod. */
  helperPod?: string;
  /** Its program is not the one that this extension ships. */
  outdated?: boolean;
  at: Date;
  /** Not by a helper: how, and in words. */
  origin?: OriginView;
  says?: string;
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
  const { result, origin } = reading;
  const readings = sortReadings(result.readings.map((one) => describeReading(one)));
  const notes = [...describeVersions(reading, extensionVersion), ...result.notes];
  const gaps = readings
    .filter(({ raw }) => isCutOff(raw))
    .map(({ label }) => ({
      what: l10n.t('The end of {0}', label),
      why: l10n.t('The text was cut off: read again.'),
    }));
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
    source: describeSource(reading),
    ...(origin && { origin }),
    summary: summarizeReadings(readings),
    readings,
    ...(gaps.length > 0 && { gaps }),
    listening: describeSockets(result.listening),
    notes,
  };
}

/** What there is to say of a helper that is not of this extension. */
function describeVersions({ helper, node = '', outdated }: PodReading, extensionVersion: string): string[] {
  if (!helper) return [];
  if (helper.version !== extensionVersion) {
    return [
      l10n.t(
        'The node helper on {0} is of version {1}, this extension of version {2}. Run “Mesh: Deploy Node Helper” to bring them together.',
        node,
        helper.version,
        extensionVersion,
      ),
    ];
  }
  return outdated
    ? [
        l10n.t(
          'The node helper on {0} runs another program than the one in this extension. Run “Mesh: Deploy Node Helper” to bring them together.',
          node,
        ),
      ]
    : [];
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

/**
 * The better ways to the rules, as buttons, where they were not read: deploy the helper, look from inside the pod once, or
 * show what Istio would program. What each way says of itself stays below.
 */
export function offerFallbacks(
  failure: FailureView,
  { canReadInside, canCompute }: { canReadInside: boolean; canCompute: boolean },
): FailureView {
  const offers: FailureView['actions'] = [
    ...(canReadInside ? [{ id: 'read-inside' as const, label: l10n.t('Read from Inside the Pod…') }] : []),
    ...(canCompute ? [{ id: 'show-computed' as const, label: l10n.t('Show Computed Rules') }] : []),
  ];
  const known = new Set(failure.actions.map(({ id }) => id));
  const added = offers.filter(({ id }) => !known.has(id));
  const at = failure.actions.findIndex(({ id }) => id === 'deploy-node-helper') + 1;
  return { ...failure, actions: [...failure.actions.slice(0, at), ...added, ...failure.actions.slice(at)] };
}

/** The panel is one of a cluster that is not connected: a window was reloaded, or the person has chosen another. */
export function otherCluster({ name, context }: PodPlace, chosen: string): FailureView {
  return {
    what: l10n.t('The rules of {0} were not read: its cluster {1} is not the chosen one.', name, context),
    why: l10n.t('Chosen is {0}, and a pod of that name there would be another pod.', chosen),
    next: l10n.t('Choose {0} to read again, or close this view.', context),
    actions: [{ id: 'choose-cluster', label: l10n.t('Choose Cluster…') }, retry()],
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
function describeSource({ result, node = '', helperPod = '', at, origin, says }: PodReading): string {
  const time = at.toLocaleTimeString();
  if (origin?.kind === 'computed') return l10n.t('computed at {0}, read by nobody', time);
  if (origin?.kind === 'ephemeral') return l10n.t('{0} At {1}.', says ?? '', time);
  const origins = [...new Set(result.readings.map((one) => describeOrigin(one.origin)))];
  const base = l10n.t('read at {0} on node {1} by {2}', time, node, helperPod);
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
