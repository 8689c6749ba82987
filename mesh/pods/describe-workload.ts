import * as l10n from '@vscode/l10n';
import type { KubernetesEvent, Namespace, Workload } from '../kubernetes.ts';
import { asReason, eventsAbout } from './events.ts';
import type { EventReason } from './events.ts';
import { isInMesh } from './describe-pod.ts';
import type { PodMeshState } from './describe-pod.ts';
import type { Trouble } from './find-pod-trouble.ts';
import type { PodGroup } from './group-pods.ts';

export interface WorkloadMeshState {
  /** Without those that have ended. */
  pods: number;
  /** Those that have ended and are still there. */
  ended: number;
  inMesh: number;
  /** Pods without an error or a warning. */
  healthy: number;
  /** How many pods it wants; absent when only its pods are known. */
  wanted?: number;
  /** Pods that would be otherwise if they were created again. */
  differing: number;
  /** Why it may not create its pods. There is no pod to look at then. */
  refusal?: Trouble;
  /** The first error, the refusal before its pods'; else the first warning. */
  worst?: Trouble;
}

/**
 * A workload as the mesh sees it.
 * @param states the state of each of the group's pods, in the same order.
 */
export function describeWorkload(
  group: PodGroup,
  states: readonly PodMeshState[],
  inputs: { events?: Iterable<KubernetesEvent>; namespace?: Namespace } = {},
): WorkloadMeshState {
  const refusal = findRefusal(group, inputs);
  const troubles = states.flatMap(({ trouble }) => (trouble && trouble.severity !== 'info' ? [trouble] : []));
  const worst = worstTrouble(refusal ? [refusal, ...troubles] : troubles);
  const wanted = wantedPods(group);
  const alive = states.filter(({ over }) => !over);
  return {
    pods: alive.length,
    ended: states.length - alive.length,
    inMesh: alive.filter(isInMesh).length,
    healthy: states.length - troubles.length,
    differing: states.filter(({ differs }) => differs !== undefined).length,
    ...(wanted !== undefined && { wanted }),
    ...(refusal && { refusal }),
    ...(worst && { worst }),
  };
}

/** The first error, else the first warning. */
export function worstTrouble(troubles: readonly Trouble[]): Trouble | undefined {
  return (
    troubles.find(({ severity }) => severity === 'error') ?? troubles.find(({ severity }) => severity === 'warning')
  );
}

/**
 * What keeps a workload from creating its pods. The API server refuses the pod itself, so the only trace is the owner's
 * FailedCreate event, and, once events have expired after an hour, the ReplicaSet's condition.
 */
function findRefusal(
  group: PodGroup,
  { events = [], namespace }: { events?: Iterable<KubernetesEvent>; namespace?: Namespace },
): Trouble | undefined {
  const known = [...events];
  for (const creator of creatorsOf(group)) {
    if (!lacksPods(creator)) continue;
    const event = eventsAbout(creator, known).find(({ reason }) => reason === 'FailedCreate');
    const condition = creator.status?.conditions?.find(
      ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
    );
    const message = event?.message ?? condition?.message;
    if (message === undefined) continue;
    return describeRefusal(message, {
      kind: group.kind,
      name: group.name,
      namespace: group.namespace,
      ...(namespace?.metadata?.labels && { namespaceLabels: namespace.metadata.labels }),
      ...(event && { event: asReason(event) }),
    });
  }
  return undefined;
}

/**
 * What a refusal to create pods means.
 * @param message of the FailedCreate event: `Error creating: pods "api-6898…" is forbidden: violates PodSecurity …`.
 */
export function describeRefusal(
  message: string,
  workload: {
    kind: string;
    namespace: string;
    name: string;
    namespaceLabels?: Record<string, string>;
    event?: EventReason;
  },
): Trouble {
  const { kind, name, namespace, namespaceLabels } = workload;
  const event = workload.event && { event: workload.event };
  if (/because it is being terminated/.test(message))
    return {
      kind: 'refused',
      severity: 'warning',
      short: l10n.t('its namespace is being deleted'),
      says: l10n.t('{0} {1} gets no new pods: namespace {2} is being deleted.', kind, name, namespace),
      next: l10n.t('Nothing is to be done, unless the namespace hangs: see its status.'),
      ...event,
    };
  const podSecurity = /violates PodSecurity "([^":]+)(?::([^"]+))?": ([\s\S]*)$/.exec(message);
  if (podSecurity) {
    const level = podSecurity[1] ?? '';
    const violations = podSecurity[3] ?? '';
    const init = /"istio-init"/.test(violations);
    const capabilities = init
      ? [...new Set(violations.match(/\b(?:NET_ADMIN|NET_RAW)\b/g) ?? [])].join(l10n.t(' and '))
      : '';
    const label = namespaceLabels?.['pod-security.kubernetes.io/enforce'];
    const enforced = label ? `pod-security.kubernetes.io/enforce: ${label}` : l10n.t('the cluster’s default');
    return {
      kind: 'pod-security',
      severity: 'error',
      short: l10n.t('refused by Pod Security ({0})', level),
      says: capabilities
        ? l10n.t(
            '{0} {1} has no pods: namespace {2} enforces Pod Security “{3}” ({4}), and istio-init asks for {5} to program the redirect rules.',
            kind,
            name,
            namespace,
            level,
            enforced,
            capabilities,
          )
        : l10n.t(
            '{0} {1} has no pods: namespace {2} enforces Pod Security “{3}” ({4}), which refuses {5}',
            kind,
            name,
            namespace,
            level,
            enforced,
            violations.trim(),
          ),
      next: init
        ? l10n.t(
            'Install Istio’s CNI plugin: the pod then needs no istio-init and no such capability. Or lower the level of the namespace.',
          )
        : l10n.t('Change the pod template as the message says, or lower the level of the namespace.'),
      ...event,
    };
  }
  const quota = /exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: (.+)$/.exec(message);
  if (quota) {
    return {
      kind: 'quota',
      severity: 'error',
      short: l10n.t('refused by quota {0}', quota[1] ?? ''),
      says: l10n.t(
        '{0} {1} cannot create its pods: quota {2} of namespace {3} is used up (asks for {4}, used {5} of {6}).',
        kind,
        name,
        quota[1] ?? '',
        namespace,
        quota[2] ?? '',
        quota[3] ?? '',
        quota[4] ?? '',
      ),
      next: l10n.t('Raise the quota, or ask for less; an injected proxy asks for CPU and memory of its own.'),
      ...event,
    };
  }
  const unset = /failed quota: ([^:]+): must specify (.+)$/.exec(message);
  if (unset) {
    return {
      kind: 'quota',
      severity: 'error',
      short: l10n.t('refused by quota {0}', unset[1] ?? ''),
      says: l10n.t(
        '{0} {1} cannot create its pods: quota {2} of namespace {3} asks every container for {4}.',
        kind,
        name,
        unset[1] ?? '',
        namespace,
        unset[2] ?? '',
      ),
      next: l10n.t(
        'Set them in the pod template, or as defaults in a LimitRange; an injected proxy takes its own from the injector’s values or sidecar.istio.io/proxyCPU and the like.',
      ),
      ...event,
    };
  }
  if (/security context constraint/i.test(message)) {
    return {
      kind: 'pod-security',
      severity: 'error',
      short: l10n.t('refused by SecurityContextConstraints'),
      says: l10n.t(
        '{0} {1} cannot create its pods: no security context constraint that service accounts of namespace {2} may use allows them. {3}',
        kind,
        name,
        namespace,
        message.replace(/^.*?security context constraint:?\s*/i, ''),
      ),
      next: /istio-init|NET_ADMIN|1337/.test(message)
        ? l10n.t(
            'Install Istio’s CNI plugin: the pod then needs no istio-init and no such capability. Or let the service account use a constraint that allows it.',
          )
        : l10n.t('Change the pod template, or let its service account use a constraint that allows it.'),
      ...event,
    };
  }
  const account = /serviceaccount "([^"]+)" not found/i.exec(message);
  if (account) {
    return {
      kind: 'refused',
      severity: 'error',
      short: l10n.t('no service account {0}', account[1] ?? ''),
      says: l10n.t(
        '{0} {1} cannot create its pods: service account {2} does not exist in namespace {3}.',
        kind,
        name,
        account[1] ?? '',
        namespace,
      ),
      next: l10n.t('Create the service account, or correct its name in the pod template.'),
      ...event,
    };
  }
  const called = /failed calling webhook "([^"]+)": ([\s\S]*)$/.exec(message);
  if (called) {
    const injector = /istio\.io$/.test(called[1] ?? '');
    return {
      kind: 'webhook',
      severity: 'error',
      short: injector ? l10n.t('the injector does not answer') : l10n.t('webhook {0} does not answer', called[1] ?? ''),
      says: l10n.t(
        '{0} {1} cannot create its pods: the API server could not call webhook {2}. {3}',
        kind,
        name,
        called[1] ?? '',
        called[2] ?? '',
      ),
      next: injector
        ? l10n.t(
            'See whether istiod runs and its Service has endpoints; until then no pod that is to be injected can start.',
          )
        : l10n.t('See whether the program behind the webhook runs.'),
      ...event,
    };
  }
  const denied = /admission webhook "([^"]+)" denied the request: ([\s\S]*)$/.exec(message);
  if (denied) {
    return {
      kind: 'webhook',
      severity: 'error',
      short: l10n.t('refused by webhook {0}', denied[1] ?? ''),
      says: l10n.t(
        '{0} {1} cannot create its pods: webhook {2} refuses them. {3}',
        kind,
        name,
        denied[1] ?? '',
        denied[2] ?? '',
      ),
      next: l10n.t('Change the pod template as the message says.'),
      ...event,
    };
  }
  return {
    kind: 'refused',
    severity: 'error',
    short: l10n.t('cannot create pods'),
    says: l10n.t('{0} {1} cannot create its pods: {2}', kind, name, message),
    next: l10n.t('Change the pod template as the message says.'),
    ...event,
  };
}

/** A Deployment leaves the creating to its ReplicaSets, a CronJob to its Jobs; the others create pods themselves. */
function creatorsOf(group: PodGroup): Workload[] {
  if (group.jobs) return group.jobs;
  return group.workload && group.replicaSets.length === 0 ? [group.workload] : group.replicaSets;
}

/** An event stays for an hour after its reason is gone: only who still lacks pods is still refused. */
function lacksPods({ kind, spec, status }: Workload): boolean {
  if (kind === 'Job') return !spec?.suspend && (status?.active ?? 0) === 0;
  if (kind === 'CronJob') return !spec?.suspend;
  if (status?.desiredNumberScheduled !== undefined)
    return status.desiredNumberScheduled > (status.currentNumberScheduled ?? 0);
  return (spec?.replicas ?? 1) > (status?.replicas ?? 0);
}

function wantedPods({ workload, replicaSets }: PodGroup): number | undefined {
  if (workload) return workload.status?.desiredNumberScheduled ?? workload.spec?.replicas;
  return replicaSets.length > 0 ? replicaSets.reduce((sum, { spec }) => sum + (spec?.replicas ?? 0), 0) : undefined;
}
