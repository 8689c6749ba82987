import * as l10n from '@vscode/l10n';
import type { ContainerStatus, KubernetesEvent, Pod } from '../kubernetes.ts';
import { asReason, eventsAbout, timeOf } from './events.ts';
import type { EventReason } from './events.ts';
import {
  adviseOnCniFailure,
  breaksDelete,
  describeCniFailure,
  parseCniFailure,
  summarizeCniFailure,
} from './parse-cni-failure.ts';
import type { CniFailure } from './parse-cni-failure.ts';

export type TroubleKind =
  | 'cni'
  | 'sandbox'
  | 'volume'
  | 'scheduling'
  | 'image'
  | 'configuration'
  | 'validation'
  | 'crash'
  | 'not-ready'
  | 'failed'
  | 'terminating'
  | 'starting'
  /** The pod may not be created; told about its workload. */
  | 'pod-security'
  | 'quota'
  | 'webhook'
  | 'refused';

/** Why a pod is not where it should be. */
export interface Trouble {
  kind: TroubleKind;
  /** `info`: on its way, nothing is wrong yet. */
  severity: 'error' | 'warning' | 'info';
  /** The end of a line: `hangs: CNI version`. */
  short: string;
  /** What happened and why, with the names. */
  says: string;
  /** What to do; empty when there is nothing to do but wait. */
  next: string;
  /** The event that explains it. */
  event?: EventReason;
  cni?: CniFailure;
  /** The container that is to blame. */
  container?: string;
}

export interface TroubleInputs {
  /** Any events; those of other objects are left aside. */
  events?: Iterable<KubernetesEvent>;
  /** What keeps other pods of this pod's node from starting or ending; explains a hang that has no event of its own yet. */
  nodeFailure?: { failure: CniFailure; pod: string };
  /** Milliseconds since 1970. Absent: nothing is judged by how long it lasts. */
  now?: number;
}

/** How long after its grace period a pod may still need to go away before that is worth a warning, in milliseconds. */
const terminationSlack = 60_000;

/** @returns undefined for a pod that is ready, or that did its work. */
export function findPodTrouble(pod: Pod, inputs: TroubleInputs = {}): Trouble | undefined {
  const events = eventsAbout({ ...pod, kind: 'Pod' }, inputs.events ?? []);
  if (pod.metadata?.deletionTimestamp) return terminating(pod, events, inputs);
  if (pod.status?.phase === 'Succeeded') return undefined;
  if (pod.status?.phase === 'Failed') return failed(pod);
  return unscheduled(pod, events) ?? blockedContainer(pod, events) ?? notReady(pod, events);
}

function terminating(pod: Pod, events: KubernetesEvent[], { nodeFailure, now }: TroubleInputs): Trouble {
  const node = pod.spec?.nodeName ?? '?';
  const event = events.find(({ reason }) => reason === 'FailedKillPod' || reason === 'KillPodSandboxError');
  const failure = event && parseCniFailure(event.message ?? '');
  if (event && failure) {
    return {
      kind: 'cni',
      severity: 'error',
      short: l10n.t('hangs in Terminating: {0}', summarizeCniFailure(failure)),
      says: l10n.t(
        'The pod cannot end: node {0} fails to take down its network. {1}',
        node,
        describeCniFailure(failure),
      ),
      next: adviseOnCniFailure(failure),
      event: asReason(event),
      cni: failure,
    };
  }
  if (event) {
    return {
      kind: 'terminating',
      severity: 'error',
      short: l10n.t('hangs in Terminating'),
      says: l10n.t('The pod cannot end: node {0} fails to stop it.', node),
      next: l10n.t('The event says what the node’s runtime answered.'),
      event: asReason(event),
    };
  }
  const finalizers = pod.metadata?.finalizers ?? [];
  if (finalizers.length > 0) {
    return {
      kind: 'terminating',
      severity: 'warning',
      short: l10n.t('Terminating: finalizer'),
      says: l10n.t('The pod waits for its finalizers: {0}.', finalizers.join(', ')),
      next: l10n.t('Look at the controller that owns the finalizer.'),
    };
  }
  if (nodeFailure && breaksDelete(nodeFailure.failure) && !pod.spec?.hostNetwork) {
    const { failure, pod: other } = nodeFailure;
    return {
      kind: 'cni',
      severity: 'error',
      short: l10n.t('hangs in Terminating: {0}', summarizeCniFailure(failure)),
      says: l10n.t(
        'The pod is ending and has no event of its own yet, but node {0} cannot take down any pod’s network; {1} shows why. {2}',
        node,
        other,
        describeCniFailure(failure),
      ),
      next: adviseOnCniFailure(failure),
      cni: failure,
    };
  }
  const since = Date.parse(pod.metadata?.deletionTimestamp ?? '');
  if (now !== undefined && now - since > terminationSlack) {
    return {
      kind: 'terminating',
      severity: 'warning',
      short: l10n.t('hangs in Terminating'),
      says: l10n.t(
        'The pod should have been gone {0} min ago, and no event says why it is not.',
        Math.floor((now - since) / 60_000),
      ),
      next: l10n.t('See whether node {0} is ready and its kubelet answers.', node),
    };
  }
  return {
    kind: 'terminating',
    severity: 'info',
    short: l10n.t('Terminating'),
    says: l10n.t('The pod is ending.'),
    next: '',
  };
}

function failed(pod: Pod): Trouble {
  // A Job's pod is not restarted: it fails for good where another one would try again.
  const validation = pod.status?.initContainerStatuses?.find(({ name }) => name === 'istio-validation');
  const validationCode = validation?.state?.terminated?.exitCode ?? 0;
  if (validation && validationCode !== 0) return validationFailed(validation.name, validationCode);
  const reason = pod.status?.reason ?? l10n.t('failed');
  if (isReplaced(pod))
    return {
      kind: 'failed',
      severity: 'info',
      short: reason,
      says: l10n
        .t(
          'The pod has ended ({0}), and its controller makes another one in its place. {1}',
          reason,
          pod.status?.message ?? '',
        )
        .trim(),
      next: l10n.t('What is left of it can be deleted.'),
    };
  const status = allStatuses(pod).find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  return {
    kind: 'failed',
    severity: 'error',
    short: reason,
    says:
      pod.status?.message ??
      (status
        ? l10n.t('Container {0} ended with exit code {1}.', status.name, status.state?.terminated?.exitCode ?? '?')
        : l10n.t('The pod failed.')),
    next: '',
    ...(status && { container: status.name }),
  };
}

const replacing = new Set(['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController', 'CloneSet']);

/**
 * Evicted, preempted, shut down with its node, refused by the kubelet: a ReplicaSet, StatefulSet or DaemonSet goes on with
 * another pod, and this one stays as a note, often hundreds of them. A Job counts its failed pods.
 */
function isReplaced({ metadata }: Pod): boolean {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller);
  return owner !== undefined && replacing.has(owner.kind);
}

/** Somebody holds it back on purpose, and takes the gate away. */
function gated(message: string | undefined): Trouble {
  return {
    kind: 'scheduling',
    severity: 'info',
    short: l10n.t('held back by a scheduling gate'),
    says: l10n.t('The pod waits for whoever set its scheduling gates. {0}', message ?? '').trim(),
    next: l10n.t('See spec.schedulingGates: the program that set a gate takes it away.'),
  };
}

function unscheduled(pod: Pod, events: KubernetesEvent[]): Trouble | undefined {
  const condition = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (!condition) return undefined;
  if (condition.reason === 'SchedulingGated') return gated(condition.message);
  const event = events.find(({ reason }) => reason === 'FailedScheduling');
  return {
    kind: 'scheduling',
    severity: 'warning',
    short: l10n.t('no node fits'),
    says: l10n.t('No node takes the pod: {0}', condition.message ?? event?.message ?? condition.reason ?? ''),
    next: l10n.t('Free what it asks for on a node, or ask for less.'),
    ...(event && { event: asReason(event) }),
  };
}

/** The first container, in the order in which kubelet starts them, that does not get on. */
function blockedContainer(pod: Pod, events: KubernetesEvent[]): Trouble | undefined {
  for (const status of allStatuses(pod)) {
    const trouble = containerTrouble(pod, status, events);
    if (trouble) return { ...trouble, container: status.name };
  }
  // Bound to a node, but kubelet has not reported any container yet.
  return allStatuses(pod).length === 0 && pod.status?.phase === 'Pending' && pod.spec?.nodeName
    ? creating(pod, events)
    : undefined;
}

function containerTrouble(pod: Pod, status: ContainerStatus, events: KubernetesEvent[]): Trouble | undefined {
  const waiting = status.state?.waiting;
  const ended = status.state?.terminated ?? status.lastState?.terminated;
  const failedExit = (ended?.exitCode ?? 0) !== 0;
  if (isPlainInit(pod, status.name) && failedExit && (waiting ?? status.state?.terminated))
    return initFailed(status, ended?.exitCode ?? -1, events);
  if (!waiting) return undefined;
  const reason = waiting.reason ?? '';
  if (reason === 'ContainerCreating' || reason === 'PodInitializing') {
    // The containers behind an init container wait for it: that one is to blame, or still at work.
    return hasSandbox(pod) ? undefined : creating(pod, events);
  }
  if (/Image|ErrPull|RegistryUnavailable/.test(reason)) {
    return {
      kind: 'image',
      severity: 'error',
      short: l10n.t('{0}: image', status.name),
      says: l10n.t(
        'The image {0} of container {1} cannot be had: {2}',
        status.image ?? imageOf(pod, status.name),
        status.name,
        waiting.message ?? reason,
      ),
      next: l10n.t('Correct the image’s name, or give the pod a pull secret for its registry.'),
    };
  }
  if (reason === 'CrashLoopBackOff') {
    const code = status.lastState?.terminated?.exitCode;
    return {
      kind: 'crash',
      severity: 'error',
      short: l10n.t('{0} crashes', status.name),
      says:
        code === undefined
          ? l10n.t('Container {0} crashes again and again.', status.name)
          : l10n.t('Container {0} crashes again and again, last with exit code {1}.', status.name, code),
      next: l10n.t(
        'Its previous log says why: kubectl logs -n {0} {1} -c {2} --previous',
        pod.metadata?.namespace ?? '',
        pod.metadata?.name ?? '',
        status.name,
      ),
      ...eventOf(events, ['BackOff']),
    };
  }
  return {
    kind: 'configuration',
    severity: 'error',
    short: l10n.t('{0}: {1}', status.name, reason),
    says: l10n.t('Container {0} cannot be started: {1}', status.name, waiting.message ?? reason),
    next: l10n.t('Correct what the message names in the pod template.'),
    ...eventOf(events, ['Failed']),
  };
}

function initFailed(status: ContainerStatus, exitCode: number, events: KubernetesEvent[]): Trouble {
  const event = eventOf(events, ['BackOff', 'Failed']);
  if (status.name === 'istio-validation') return { ...validationFailed(status.name, exitCode), ...event };
  if (status.name === 'istio-init') {
    return {
      kind: 'crash',
      severity: 'error',
      short: l10n.t('istio-init failed'),
      says: l10n.t('istio-init could not program the pod’s redirect rules (exit code {0}).', exitCode),
      next: l10n.t(
        'Its log says which rule the kernel refused; missing kernel modules and capabilities are the usual reasons.',
      ),
      ...event,
    };
  }
  return {
    kind: 'crash',
    severity: 'error',
    short: l10n.t('{0} failed', status.name),
    says: l10n.t('The init container {0} ended with exit code {1}, so the pod does not start.', status.name, exitCode),
    next: l10n.t('Its log says why.'),
    ...event,
  };
}

/** What istio-validation ends with when a connection that should be redirected was not (Istio's ValidationErrorCode). */
const notRedirected = 126;

/** It holds the pod on purpose: without its rules the application would talk past the mesh, in plain text. */
function validationFailed(container: string, exitCode: number): Trouble {
  return {
    kind: 'validation',
    severity: 'error',
    short: l10n.t('not redirected: istio-validation failed'),
    says:
      exitCode === notRedirected
        ? l10n.t(
            'istio-validation holds the pod, as its traffic is not redirected to the proxy (exit code {0}): no CNI plugin of the mesh has programmed this pod. It was not yet in the chain when the pod started, or the runtime uses another configuration.',
            exitCode,
          )
        : l10n.t(
            'istio-validation could not make sure that the pod’s traffic is redirected to the proxy (exit code {0}), so the pod does not start.',
            exitCode,
          ),
    next:
      exitCode === notRedirected
        ? l10n.t(
            'See the CNI chain of the node, then delete the pod so that it starts anew: restarting its containers alone programs nothing.',
          )
        : l10n.t('Its log says what it tried; then see the CNI chain of the node.'),
    container,
  };
}

/** Between the node's choice and the first container: sandbox, network, volumes. */
function creating(pod: Pod, events: KubernetesEvent[]): Trouble {
  const node = pod.spec?.nodeName ?? '?';
  const event = events.find(
    ({ reason }) =>
      reason === 'FailedCreatePodSandBox' ||
      reason === 'FailedMount' ||
      reason === 'FailedAttachVolume' ||
      reason === 'NetworkNotReady',
  );
  const later = events.find(
    ({ reason }) => reason === 'Pulling' || reason === 'Pulled' || reason === 'Created' || reason === 'Started',
  );
  if (!event || (later && timeOf(later) > timeOf(event))) {
    return {
      kind: 'starting',
      severity: 'info',
      short: l10n.t('starting'),
      says: l10n.t('Node {0} is about to start the pod.', node),
      next: '',
    };
  }
  const failure = parseCniFailure(event.message ?? '');
  if (failure) {
    return {
      kind: 'cni',
      severity: 'error',
      short: l10n.t('hangs: {0}', summarizeCniFailure(failure)),
      says: l10n.t(
        'The pod hangs in ContainerCreating: node {0} cannot set up its network. {1}',
        node,
        describeCniFailure(failure),
      ),
      next: adviseOnCniFailure(failure),
      event: asReason(event),
      cni: failure,
    };
  }
  if (event.reason === 'FailedMount' || event.reason === 'FailedAttachVolume') {
    return {
      kind: 'volume',
      severity: 'error',
      short: l10n.t('hangs: volume'),
      says: l10n.t('The pod hangs in ContainerCreating: a volume cannot be mounted. {0}', event.message ?? ''),
      next: l10n.t('Create what the volume names, or correct the name.'),
      event: asReason(event),
    };
  }
  return {
    kind: 'sandbox',
    severity: 'error',
    short: l10n.t('hangs: sandbox'),
    says: l10n.t(
      'The pod hangs in ContainerCreating: the runtime of node {0} cannot create its sandbox. {1}',
      node,
      event.message ?? '',
    ),
    next: l10n.t('Look at the container runtime of the node.'),
    event: asReason(event),
  };
}

function notReady(pod: Pod, events: KubernetesEvent[]): Trouble | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'False') return undefined;
  const statuses = allStatuses(pod).filter(({ name, ready: isReady }) => !isReady && !isPlainInit(pod, name));
  const names = statuses.map(({ name }) => name).join(', ');
  const event = events.find(({ reason }) => reason === 'Unhealthy');
  return {
    kind: 'not-ready',
    severity: 'warning',
    short: names ? l10n.t('not ready: {0}', names) : l10n.t('not ready'),
    says: names
      ? l10n.t('These containers are not ready: {0}.', names)
      : (ready.message ?? l10n.t('The pod is not ready.')),
    next: '',
    ...(event && { event: asReason(event) }),
    ...(statuses[0] && { container: statuses[0].name }),
  };
}

function allStatuses(pod: Pod): ContainerStatus[] {
  return [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
}

function hasSandbox(pod: Pod): boolean {
  const condition = pod.status?.conditions?.find(({ type }) => type === 'PodReadyToStartContainers');
  if (condition) return condition.status === 'True';
  // Older kubelets do not tell; a container that ran or an address prove it.
  return Boolean(pod.status?.podIP) || allStatuses(pod).some(({ state }) => state?.running ?? state?.terminated);
}

/** A native sidecar is an init container that goes on running. */
function isPlainInit(pod: Pod, name: string): boolean {
  return (
    pod.spec?.initContainers?.some((container) => container.name === name && container.restartPolicy !== 'Always') ??
    false
  );
}

function imageOf(pod: Pod, name: string): string {
  return (
    [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((container) => container.name === name)
      ?.image ?? '?'
  );
}

function eventOf(events: KubernetesEvent[], reasons: string[]): { event?: EventReason } {
  const event = events.find(({ reason }) => reasons.includes(reason ?? ''));
  return event ? { event: asReason(event) } : {};
}
