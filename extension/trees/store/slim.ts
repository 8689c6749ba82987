import type { KubernetesObject } from '../../../mesh/kubernetes.ts';

/**
 * A copy without what the trees never read and what makes up most of an object: volumes, probes, managed fields. A copy,
 * because taking properties out of an object turns it into a hash table, which costs more memory than it saves.
 */
export function slim<T extends KubernetesObject>(object: T): T {
  const { metadata, spec, status, ...rest } = object as T & { spec?: Loose; status?: Loose };
  return {
    ...rest,
    ...(metadata && { metadata: slimMetadata(metadata as Loose) }),
    ...(spec && { spec: slimSpec(spec) }),
    ...(status && { status: slimStatus(status) }),
  } as T;
}

type Loose = Record<string, unknown>;

function slimMetadata(metadata: Loose): Loose {
  const { annotations } = metadata as { annotations?: Loose };
  return {
    ...without(metadata, unread.metadata),
    ...(annotations && { annotations: without(annotations, unread.annotations) }),
  };
}

/** Of a pod, or of a workload with a template in it. */
function slimSpec(spec: Loose): Loose {
  const template = spec.template as { spec?: Loose } | undefined;
  return {
    ...without(spec, unread.spec),
    ...(template?.spec && {
      template: { ...template, spec: { ...slimSpec(template.spec), ...hostPathsOf(template.spec) } },
    }),
    ...mapLists(spec, ['initContainers', 'containers'], slimContainer),
  };
}

/** Where a workload reaches into the node; of its pods nobody asks, and there are many more of them. */
function hostPathsOf({ volumes }: Loose): Loose {
  const mounted = Array.isArray(volumes) ? volumes.filter((volume: Loose) => volume.hostPath !== undefined) : [];
  return mounted.length > 0 ? { volumes: mounted } : {};
}

function slimContainer(container: Loose): Loose {
  const { env } = container;
  return {
    ...without(container, unread.container),
    // Values that come from elsewhere (a field, a Secret) say nothing here.
    ...(Array.isArray(env) && { env: env.filter((entry: Loose) => 'value' in entry) }),
  };
}

function slimStatus(status: Loose): Loose {
  const slimContainerStatus = (container: Loose) => without(container, unread.containerStatus);
  return {
    ...without(status, unread.status),
    ...mapLists(status, ['conditions'], (condition) => without(condition, unread.condition)),
    ...mapLists(status, ['initContainerStatuses', 'containerStatuses'], slimContainerStatus),
  };
}

/** As sets: looked up for every property of every object. */
const setsOf = <K extends string>(lists: Record<K, string[]>) =>
  Object.fromEntries(Object.entries<string[]>(lists).map(([name, list]) => [name, new Set(list)])) as Record<
    K,
    Set<string>
  >;

const unread = setsOf({
  spec: [
    'volumes',
    'tolerations',
    'affinity',
    'topologySpreadConstraints',
    'imagePullSecrets',
    'ephemeralContainers',
    'dnsPolicy',
    'enableServiceLinks',
    'schedulerName',
    'preemptionPolicy',
    'priority',
    'serviceAccount',
    'terminationGracePeriodSeconds',
  ],
  container: [
    'volumeMounts',
    'resources',
    'livenessProbe',
    'readinessProbe',
    'startupProbe',
    'lifecycle',
    'imagePullPolicy',
    'terminationMessagePath',
    'terminationMessagePolicy',
  ],
  status: ['images', 'volumesInUse', 'volumesAttached', 'hostIPs', 'ephemeralContainerStatuses', 'observedGeneration'],
  condition: ['lastProbeTime', 'lastTransitionTime', 'lastHeartbeatTime', 'observedGeneration'],
  containerStatus: ['volumeMounts', 'allocatedResources', 'resources', 'imageID', 'user', 'started'],
  metadata: ['managedFields', 'selfLink', 'generation'],
  annotations: ['kubectl.kubernetes.io/last-applied-configuration'],
});

function without(object: Loose, keys: ReadonlySet<string>): Loose {
  const kept: Loose = {};
  for (const key of Object.keys(object)) if (!keys.has(key)) kept[key] = object[key];
  return kept;
}

function mapLists(object: Loose, names: readonly string[], slimOne: (entry: Loose) => Loose): Loose {
  const lists: Loose = {};
  for (const name of names) {
    const list = object[name];
    if (Array.isArray(list)) lists[name] = list.map((entry) => slimOne(entry as Loose));
  }
  return lists;
}
