/**
 * A pod as the agent keeps it. The API server's own objects have some ten kilobytes each, and a hundred of them would be
 * most of what the agent weighs: only what the decision, the rules and the finding of the pod's netns take stays.
 */
import type { Container, ContainerStatus, Pod } from '../../mesh/kubernetes.ts';

/** @returns undefined for what is no pod with a name and a UID. */
export function slimPod(value: unknown): Pod | undefined {
  const { metadata, spec, status } = recordOf(value);
  const { name, namespace, uid, labels, annotations, deletionTimestamp, creationTimestamp, ownerReferences } =
    recordOf(metadata);
  if (typeof name !== 'string' || typeof namespace !== 'string' || typeof uid !== 'string') return undefined;
  const controller = recordsIn(ownerReferences).find((owner) => owner.controller === true);
  return {
    metadata: {
      name: name,
      namespace: namespace,
      uid: uid,
      labels: textsOf(labels, isOurs),
      annotations: textsOf(annotations, isOurs),
      ...(typeof deletionTimestamp === 'string' && { deletionTimestamp: deletionTimestamp }),
      ...(typeof creationTimestamp === 'string' && { creationTimestamp: creationTimestamp }),
      ...(controller && {
        ownerReferences: [{ kind: String(controller.kind), name: String(controller.name), controller: true }],
      }),
    },
    spec: slimSpec(recordOf(spec)),
    status: slimStatus(recordOf(status)),
  };
}

/** The UID under which the kubelet runs a static pod: the API server's mirror of it has another one. */
export const staticPodUid = 'kubernetes.io/config.hash';

function isOurs(key: string): boolean {
  return key.includes('istio.io/') || key === staticPodUid;
}

function slimSpec(spec: Fields): NonNullable<Pod['spec']> {
  const containers = (value: unknown) => recordsIn(value).flatMap((container) => slimContainer(container) ?? []);
  return {
    ...(spec.hostNetwork === true && { hostNetwork: true }),
    ...(spec.hostUsers === false && { hostUsers: false }),
    ...(typeof spec.runtimeClassName === 'string' && { runtimeClassName: spec.runtimeClassName }),
    containers: containers(spec.containers),
    initContainers: containers(spec.initContainers),
    ...(isFilled(spec.securityContext) && { securityContext: users(recordOf(spec.securityContext)) }),
  };
}

/** Of all but the proxy only the name counts, and whether it stays. */
function slimContainer(container: Fields): Container | undefined {
  const { name, restartPolicy, securityContext, args, env } = container;
  if (typeof name !== 'string') return undefined;
  const isLasting = typeof restartPolicy === 'string' && { restartPolicy };
  if (name !== 'istio-proxy') return { name, ...isLasting };
  return {
    name,
    ...isLasting,
    ...(isFilled(securityContext) && { securityContext: users(securityContext) }),
    // `proxy sidecar`; what follows are addresses and log levels.
    args: textList(args).slice(0, 2),
    env: recordsIn(env).flatMap(({ name: key, value }) =>
      typeof key === 'string' && typeof value === 'string' && deciding.has(key) ? [{ name: key, value }] : [],
    ),
  };
}

/** What the plugin reads of the proxy's environment, whose rest is its whole configuration. */
const deciding = new Set(['DISABLE_ENVOY', 'INVALID_DROP', 'ISTIO_DUAL_STACK', 'ISTIO_META_DNS_CAPTURE']);

function users({ runAsUser, runAsGroup }: Fields): NonNullable<Container['securityContext']> {
  return {
    ...(typeof runAsUser === 'number' && { runAsUser }),
    ...(typeof runAsGroup === 'number' && { runAsGroup }),
  };
}

function slimStatus(status: Fields): NonNullable<Pod['status']> {
  const { phase, podIP, podIPs, containerStatuses, initContainerStatuses } = status;
  const statuses = (value: unknown) => recordsIn(value).flatMap((container) => slimContainerStatus(container) ?? []);
  return {
    ...(typeof phase === 'string' && { phase: phase }),
    ...(typeof podIP === 'string' && { podIP: podIP }),
    podIPs: recordsIn(podIPs).flatMap(({ ip }) => (typeof ip === 'string' ? [{ ip: ip }] : [])),
    containerStatuses: statuses(containerStatuses),
    initContainerStatuses: statuses(initContainerStatuses),
  };
}

function slimContainerStatus({
  name,
  containerID,
  restartCount,
  state,
  lastState,
}: Fields): ContainerStatus | undefined {
  if (typeof name !== 'string') return undefined;
  return {
    name: name,
    ...(typeof containerID === 'string' && { containerID: containerID }),
    // How it ended says something only of the one that checks the rules.
    ...(name === 'istio-validation' && {
      ...(typeof restartCount === 'number' && { restartCount }),
      state: slimState(recordOf(state)),
      lastState: slimState(recordOf(lastState)),
    }),
  };
}

function slimState({ waiting, running, terminated }: Fields): NonNullable<ContainerStatus['state']> {
  const { reason } = recordOf(waiting);
  const { exitCode } = recordOf(terminated);
  return {
    ...(isFilled(waiting) && { waiting: typeof reason === 'string' ? { reason: reason } : {} }),
    ...(isFilled(running) && { running: {} }),
    ...(typeof exitCode === 'number' && { terminated: { exitCode } }),
  };
}

type Fields = Record<string, unknown>;

function isFilled(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Fields {
  return isFilled(value) ? value : {};
}

function recordsIn(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFilled) : [];
}

function textList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function textsOf(value: unknown, wanted: (key: string) => boolean): Record<string, string> {
  const texts = Object.entries(recordOf(value)).filter(
    (entry): entry is [string, string] => wanted(entry[0]) && typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts.map(([key, text]) => [key, text]));
}
