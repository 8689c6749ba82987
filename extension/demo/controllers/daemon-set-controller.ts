import { createHash, randomUUID } from 'node:crypto';
import type { Node, PodSpec } from '../../../mesh/kubernetes.ts';
import { matchesLabels } from '../../../mesh/selectors.ts';
import { isEqual, isObject, valueAt, type ApiObject, type JsonObject } from '../api-object.ts';
import type { Change } from '../api-store.ts';
import { beginDeletion, now, randomSuffix } from '../api-writes.ts';
import { findPodSecurityViolation } from '../pod-security.ts';
import { recordEvent, resourceOf, type ControllerContext } from './controller-context.ts';

const syncAfterMs = 300;
/** Somebody may make room: a service account that is created, a label on the namespace. */
const retryAfterMs = 2000;

/** Keeps one pod of each DaemonSet on each node that it may run on, and its status true. */
export function daemonSetController(context: ControllerContext): (change: Change) => void {
  const daemonSets = resourceOf(context, 'apps/v1', 'DaemonSet');
  const pods = resourceOf(context, 'v1', 'Pod');
  return ({ type, resource, object, previous }) => {
    if (resource === daemonSets && type !== 'DELETED' && !isEqual(object.spec, previous?.spec)) {
      if (!previous) updateStatus(context, object);
      const renew = previous !== undefined && !isEqual(object.spec?.template, previous.spec?.template);
      context.after(syncAfterMs, () => sync(context, object, renew));
    }
    if (resource !== pods) return;
    const owner = findOwner(context, object);
    if (!owner) return;
    updateStatus(context, owner);
    if (type === 'DELETED') context.after(syncAfterMs, () => sync(context, owner, false));
  };
}

/** @param renew pods of an older template go; their deletion brings the new ones. */
function sync(context: ControllerContext, { metadata }: ApiObject, renew: boolean): void {
  const daemonSet = live(context, metadata);
  if (!daemonSet) return;
  const hash = templateHash(daemonSet);
  const pods = podsOf(context, daemonSet);
  const outdated = renew ? pods.filter((pod) => pod.metadata.labels?.['controller-revision-hash'] !== hash) : [];
  for (const pod of outdated) beginDeletion(context, resourceOf(context, 'v1', 'Pod'), pod);
  for (const node of suitableNodes(context, daemonSet)) {
    if (!pods.some(({ spec }) => spec?.nodeName === node.metadata.name)) createPod(context, daemonSet, node, hash);
  }
  updateStatus(context, daemonSet);
}

function createPod(context: ControllerContext, daemonSet: ApiObject, node: ApiObject, hash: string): void {
  const template = daemonSet.spec?.template as { metadata?: ApiObject['metadata']; spec?: JsonObject } | undefined;
  const { namespace, name, uid } = daemonSet.metadata;
  const podName = `${name}-${randomSuffix()}`;
  const refusal = findRefusal(context, namespace, template?.spec);
  if (refusal) {
    recordEvent(
      context,
      daemonSet,
      'Warning',
      'FailedCreate',
      `Error creating: pods "${podName}" is forbidden: ${refusal}`,
      'daemonset-controller',
    );
    context.after(retryAfterMs, () => sync(context, daemonSet, false));
    return;
  }
  const pod: ApiObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: podName,
      generateName: `${name}-`,
      ...(namespace && { namespace }),
      uid: randomUUID(),
      creationTimestamp: now(),
      labels: { ...template?.metadata?.labels, 'controller-revision-hash': hash },
      ...(template?.metadata?.annotations && { annotations: template.metadata.annotations }),
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, ...(uid && { uid }), controller: true }],
    },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      serviceAccountName: 'default',
      ...template?.spec,
      nodeName: node.metadata.name,
    },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  };
  context.store.put(resourceOf(context, 'v1', 'Pod'), pod);
  recordEvent(context, daemonSet, 'Normal', 'SuccessfulCreate', `Created pod: ${podName}`, 'daemonset-controller');
}

function findRefusal(
  context: ControllerContext,
  namespace: string | undefined,
  spec: JsonObject | undefined,
): string | undefined {
  const account = spec?.serviceAccountName ?? 'default';
  const known =
    account === 'default' || context.store.get(resourceOf(context, 'v1', 'ServiceAccount'), namespace, String(account));
  if (!known)
    return `error looking up service account ${namespace ?? ''}/${String(account)}: serviceaccount "${String(account)}" not found`;
  const enclosing = context.store.get(resourceOf(context, 'v1', 'Namespace'), undefined, namespace ?? '');
  return findPodSecurityViolation(enclosing, spec as PodSpec | undefined);
}

function updateStatus(context: ControllerContext, { metadata }: ApiObject): void {
  const daemonSet = live(context, metadata);
  if (!daemonSet) return;
  const hash = templateHash(daemonSet);
  const desired = suitableNodes(context, daemonSet).length;
  const pods = podsOf(context, daemonSet).filter((pod) => !pod.metadata.deletionTimestamp);
  const ready = pods.filter(isReady).length;
  const updated = pods.filter((pod) => pod.metadata.labels?.['controller-revision-hash'] === hash).length;
  const status: JsonObject = {
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: desired,
    numberMisscheduled: 0,
    numberReady: ready,
    updatedNumberScheduled: updated,
    ...(ready > 0 && { numberAvailable: ready }),
    ...(desired > ready && { numberUnavailable: desired - ready }),
    observedGeneration: daemonSet.metadata.generation ?? 1,
  };
  if (!isEqual(status, daemonSet.status))
    context.store.put(resourceOf(context, 'apps/v1', 'DaemonSet'), { ...daemonSet, status });
}

function live(context: ControllerContext, { namespace, name, uid }: ApiObject['metadata']): ApiObject | undefined {
  const daemonSet = context.store.get(resourceOf(context, 'apps/v1', 'DaemonSet'), namespace, name);
  return daemonSet && daemonSet.metadata.uid === uid && !daemonSet.metadata.deletionTimestamp ? daemonSet : undefined;
}

function podsOf(context: ControllerContext, { metadata }: ApiObject): ApiObject[] {
  const pods = context.store.list(resourceOf(context, 'v1', 'Pod'), metadata.namespace);
  return pods.filter((pod) =>
    pod.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid),
  );
}

function findOwner(context: ControllerContext, { metadata }: ApiObject): ApiObject | undefined {
  const owner = metadata.ownerReferences?.find(({ kind, controller }) => controller && kind === 'DaemonSet');
  if (!owner) return undefined;
  const daemonSet = context.store.get(resourceOf(context, 'apps/v1', 'DaemonSet'), metadata.namespace, owner.name);
  return daemonSet?.metadata.uid === owner.uid ? daemonSet : undefined;
}

/** By the node selector and by taints; affinity is not looked at. */
function suitableNodes(context: ControllerContext, daemonSet: ApiObject): ApiObject[] {
  const spec = valueAt(daemonSet, 'spec.template.spec');
  const selector =
    isObject(spec) && isObject(spec.nodeSelector) ? (spec.nodeSelector as Record<string, string>) : undefined;
  const tolerations = isObject(spec) && Array.isArray(spec.tolerations) ? spec.tolerations.filter(isObject) : [];
  return context.store.list(resourceOf(context, 'v1', 'Node')).filter((node) => {
    const taints = ((node as Node).spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule');
    // A DaemonSet's pods come to nodes that are not ready or under pressure, too: Kubernetes adds those tolerations itself.
    const tolerated = taints.every(
      (taint) =>
        taint.key.startsWith('node.kubernetes.io/') || tolerations.some((toleration) => tolerates(toleration, taint)),
    );
    return tolerated && matchesLabels(selector, node.metadata.labels);
  });
}

function tolerates(
  { key, operator, value, effect }: JsonObject,
  taint: { key: string; effect: string; value?: string },
): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (operator === 'Exists') return key === undefined || key === '' || key === taint.key;
  return key === taint.key && (value ?? '') === (taint.value ?? '');
}

function isReady({ status }: ApiObject): boolean {
  const conditions = Array.isArray(status?.conditions) ? status.conditions.filter(isObject) : [];
  return conditions.some(({ type, status: isTrue }) => type === 'Ready' && isTrue === 'True');
}

function templateHash({ spec }: ApiObject): string {
  return createHash('sha256')
    .update(JSON.stringify(spec?.template ?? {}))
    .digest('hex')
    .slice(0, 10);
}
