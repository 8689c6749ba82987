import type { Container, ContainerStatus, PodSpec, PodStatus } from '../../../mesh/kubernetes.ts';
import { isObject, type ApiObject, type JsonObject } from '../api-object.ts';
import type { Change } from '../api-store.ts';
import { now } from '../api-writes.ts';
import { onNetworkChange } from '../node-network.ts';
import { recordEvent, resourceOf, type ControllerContext } from './controller-context.ts';

/** Milliseconds after which a pod takes its next step: slow enough to be seen, fast enough not to be waited for. */
const pace = { create: 120, start: 350, ready: 250, retry: 500, stop: 300 };

/** Starts and stops the pods that come and go while the server runs; the recorded ones stay as they were recorded. */
export function kubelet(context: ControllerContext): (change: Change) => void {
  const pods = resourceOf(context, 'v1', 'Pod');
  onNetworkChange(context.node, () => context.after(pace.retry, () => tryAgain(context)));
  return ({ type, resource, object, previous }) => {
    if (resource !== pods) return;
    if (type === 'ADDED') context.after(pace.create, () => createContainers(context, object));
    if (type === 'MODIFIED' && hasNewDebugContainer(object))
      context.after(pace.start, () => startDebugContainers(context, object));
    if (type === 'MODIFIED' && object.metadata.deletionTimestamp && !previous?.metadata.deletionTimestamp) {
      context.after(pace.stop, () => stopPod(context, object));
    }
  };
}

/** A kubelet tries again by itself what its node's network kept from starting and from ending. */
function tryAgain(context: ControllerContext): void {
  if (context.node.podNetworkError !== undefined) return;
  for (const pod of context.store.list(resourceOf(context, 'v1', 'Pod'))) {
    const { name } = context.node;
    if (pod.spec?.hostNetwork || pod.spec?.nodeName === undefined || (name && pod.spec.nodeName !== name)) continue;
    const statuses = (pod.status as PodStatus | undefined)?.containerStatuses ?? [];
    if (pod.metadata.deletionTimestamp) context.after(pace.stop, () => stopPod(context, pod));
    else if (statuses.some(({ state }) => state?.waiting?.reason === 'ContainerCreating'))
      context.after(pace.start, () => startContainers(context, pod));
  }
}

function createContainers(context: ControllerContext, { metadata }: ApiObject): void {
  const pod = livePod(context, metadata);
  if (!pod) return;
  const node = pod.spec?.nodeName ?? firstNode(context)?.metadata.name;
  if (node === undefined) return;
  const placed = put(
    context,
    { ...pod, spec: { ...pod.spec, nodeName: node } },
    { containerStatuses: statuses(pod, waiting), ...conditions(false) },
  );
  recordEvent(
    context,
    placed,
    'Normal',
    'Scheduled',
    `Successfully assigned ${metadata.namespace ?? ''}/${metadata.name} to ${String(node)}`,
    'default-scheduler',
  );
  context.after(pace.start, () => startContainers(context, placed));
}

function startContainers(context: ControllerContext, { metadata }: ApiObject): void {
  const pod = livePod(context, metadata);
  if (!pod) return;
  const missing = findMissingConfigMap(context, pod);
  if (missing) {
    recordEvent(
      context,
      pod,
      'Warning',
      'FailedMount',
      `MountVolume.SetUp failed for volume "${missing.volume}" : configmap "${missing.configMap}" not found`,
      'kubelet',
    );
    context.after(pace.retry, () => startContainers(context, pod));
    return;
  }
  const podNetworkError = networkErrorOf(context, pod);
  if (podNetworkError && !pod.spec?.hostNetwork) {
    const why = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${hex()}": ${podNetworkError.replace('{verb}', 'add')}`;
    recordEvent(context, pod, 'Warning', 'FailedCreatePodSandBox', why, 'kubelet');
    return;
  }
  const ip = pod.spec?.hostNetwork ? nodeAddress(context, pod) : freeAddress(context);
  const running = put(context, pod, {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    hostIP: nodeAddress(context, pod),
    startTime: now(),
    ...conditions(false),
    containerStatuses: statuses(pod, (container) => started(container, false)),
    ...initStatuses(pod),
  });
  recordEvent(context, running, 'Normal', 'Started', 'Started containers', 'kubelet');
  context.after(pace.ready, () => becomeReady(context, running));
}

/** The recorded node's trouble is not another node's. */
function networkErrorOf({ node }: ControllerContext, { spec }: ApiObject): string | undefined {
  return node.name === undefined || spec?.nodeName === node.name ? node.podNetworkError : undefined;
}

function hasNewDebugContainer({ spec, status }: ApiObject): boolean {
  const wanted = (spec as PodSpec | undefined)?.ephemeralContainers ?? [];
  const known = (status as PodStatus | undefined)?.ephemeralContainerStatuses ?? [];
  return wanted.some(({ name }) => !known.some((each) => each.name === name));
}

function startDebugContainers(context: ControllerContext, { metadata }: ApiObject): void {
  const pod = livePod(context, metadata);
  if (!pod || !hasNewDebugContainer(pod)) return;
  const wanted = (pod.spec as PodSpec | undefined)?.ephemeralContainers ?? [];
  put(context, pod, { ephemeralContainerStatuses: wanted.map((container) => started(container, false)) });
}

function becomeReady(context: ControllerContext, { metadata }: ApiObject): void {
  const pod = livePod(context, metadata);
  if (!pod) return;
  const before = (pod.status as PodStatus | undefined)?.containerStatuses ?? [];
  put(context, pod, { containerStatuses: before.map((status) => ({ ...status, ready: true })), ...conditions(true) });
}

function stopPod(context: ControllerContext, { metadata }: ApiObject): void {
  const pods = resourceOf(context, 'v1', 'Pod');
  const pod = context.store.get(pods, metadata.namespace, metadata.name);
  if (pod?.metadata.uid !== metadata.uid || pod === undefined) return;
  const podNetworkError = networkErrorOf(context, pod);
  if (podNetworkError && !pod.spec?.hostNetwork) {
    const why = `error killing pod: failed to "KillPodSandbox" for "${metadata.uid ?? ''}" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox: ${podNetworkError.replace('{verb}', 'delete')}"`;
    recordEvent(context, pod, 'Warning', 'FailedKillPod', why, 'kubelet');
    return;
  }
  if (pod.metadata.finalizers?.length) return;
  context.store.remove(pods, metadata.namespace, metadata.name);
}

/** The pod as it stands now, unless it went away, was made anew, or is being deleted. */
function livePod(context: ControllerContext, { namespace, name, uid }: ApiObject['metadata']): ApiObject | undefined {
  const pod = context.store.get(resourceOf(context, 'v1', 'Pod'), namespace, name);
  return pod && pod.metadata.uid === uid && !pod.metadata.deletionTimestamp ? pod : undefined;
}

function put(context: ControllerContext, pod: ApiObject, status: JsonObject): ApiObject {
  return context.store.put(resourceOf(context, 'v1', 'Pod'), { ...pod, status: { ...pod.status, ...status } });
}

function conditions(ready: boolean): { conditions: object[] } {
  const states = { PodScheduled: true, Initialized: true, ContainersReady: ready, Ready: ready };
  return {
    conditions: Object.entries(states).map(([type, isTrue]) => ({
      type,
      status: isTrue ? 'True' : 'False',
      lastProbeTime: null,
      lastTransitionTime: now(),
      ...(!isTrue && { reason: 'ContainersNotReady', message: 'containers with unready status' }),
    })),
  };
}

function statuses(pod: ApiObject, of: (container: Container) => ContainerStatus): ContainerStatus[] {
  return ((pod.spec as PodSpec | undefined)?.containers ?? []).map(of);
}

function initStatuses(pod: ApiObject): { initContainerStatuses?: ContainerStatus[] } {
  const containers = (pod.spec as PodSpec | undefined)?.initContainers ?? [];
  if (containers.length === 0) return {};
  return {
    initContainerStatuses: containers.map((container) => {
      if (container.restartPolicy === 'Always') return started(container, true);
      return { ...started(container, true), state: { terminated: { exitCode: 0, reason: 'Completed' } } };
    }),
  };
}

function waiting({ name, image }: Container): ContainerStatus {
  return {
    name,
    ...(image && { image }),
    ready: false,
    restartCount: 0,
    state: { waiting: { reason: 'ContainerCreating' } },
  };
}

function started({ name, image }: Container, ready: boolean): ContainerStatus {
  const containerID = `containerd://${hex()}`;
  return {
    name,
    ...(image && { image }),
    ready,
    restartCount: 0,
    containerID,
    state: { running: { startedAt: now() } },
  };
}

function findMissingConfigMap(
  context: ControllerContext,
  pod: ApiObject,
): { volume: string; configMap: string } | undefined {
  const configMaps = resourceOf(context, 'v1', 'ConfigMap');
  const volumes = Array.isArray(pod.spec?.volumes) ? pod.spec.volumes.filter(isObject) : [];
  for (const { name, configMap } of volumes) {
    if (!isObject(configMap) || configMap.optional === true || typeof configMap.name !== 'string') continue;
    if (!context.store.get(configMaps, pod.metadata.namespace, configMap.name))
      return { volume: String(name), configMap: configMap.name };
  }
  return undefined;
}

function firstNode(context: ControllerContext): ApiObject | undefined {
  return context.store.list(resourceOf(context, 'v1', 'Node'))[0];
}

function nodeAddress(context: ControllerContext, pod: ApiObject): string {
  const node = context.store.get(resourceOf(context, 'v1', 'Node'), undefined, String(pod.spec?.nodeName));
  const addresses = node?.status?.addresses;
  const internal = Array.isArray(addresses)
    ? addresses.filter(isObject).find(({ type }) => type === 'InternalIP')
    : undefined;
  return typeof internal?.address === 'string' ? internal.address : '192.0.2.1';
}

/** The next one of the /24 in which the recorded pods are. */
function freeAddress(context: ControllerContext): string {
  const used = context.store.list(resourceOf(context, 'v1', 'Pod')).map(({ status }) => String(status?.podIP));
  const onPodNetwork = context.store
    .list(resourceOf(context, 'v1', 'Pod'))
    .find(({ spec, status }) => !spec?.hostNetwork && typeof status?.podIP === 'string');
  const prefix = /^(\d+\.\d+\.\d+)\./.exec(String(onPodNetwork?.status?.podIP))?.[1] ?? '10.88.0';
  for (let host = 2; host < 255; host++) if (!used.includes(`${prefix}.${host}`)) return `${prefix}.${host}`;
  return `${prefix}.255`;
}

/** 64 digits, as a runtime names its sandboxes and containers. */
function hex(): string {
  return Array.from({ length: 64 }, () => Math.floor(Math.random() * 16).toString(16)).join('');
}
