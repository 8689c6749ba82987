import type { ApiObject } from './api-object.ts';

/** One kind that the server serves, in all its versions; stored once, whichever version it was sent in. */
export interface ApiResource {
  /** `''` for the core group. */
  group: string;
  /** The preferred one first. */
  versions: string[];
  kind: string;
  plural: string;
  namespaced: boolean;
  /** What can be addressed below an object, beside the object itself. */
  subresources: string[];
}

/** Everything the server can serve: Kubernetes' own kinds, Istio's, the Gateway API's, and what a recording or a CRD adds. */
export class ApiResources {
  readonly #byPlural = new Map<string, ApiResource>();

  constructor() {
    for (const resource of wellKnown()) this.add(resource);
  }

  add(resource: ApiResource): void {
    this.#byPlural.set(`${resource.group}/${resource.plural}`, resource);
  }

  all(): ApiResource[] {
    return [...this.#byPlural.values()];
  }

  findByPath(group: string, version: string, plural: string): ApiResource | undefined {
    const resource = this.#byPlural.get(`${group}/${plural}`);
    return resource?.versions.includes(version) ? resource : undefined;
  }

  findByKind(apiVersion: string, kind: string): ApiResource | undefined {
    const { group } = splitApiVersion(apiVersion);
    return this.all().find((resource) => resource.group === group && resource.kind === kind);
  }

  /** The kind of a recorded object; one that nobody knows yet is served from now on. */
  learn(object: ApiObject): ApiResource {
    const known = this.findByKind(object.apiVersion, object.kind);
    const { group, version } = splitApiVersion(object.apiVersion);
    if (known) {
      if (!known.versions.includes(version)) known.versions.push(version);
      return known;
    }
    const resource = newResource(group, [version], object.kind, object.metadata.namespace !== undefined);
    this.add(resource);
    return resource;
  }

  /** Serves the kind that a CustomResourceDefinition defines, as soon as it is there. */
  learnFromDefinition(definition: ApiObject): void {
    const spec = definition.spec as
      | {
          group?: string;
          scope?: string;
          names?: { kind?: string; plural?: string };
          versions?: { name: string; served?: boolean }[];
        }
      | undefined;
    if (!spec?.group || !spec.names?.kind || !spec.names.plural) return;
    const versions = (spec.versions ?? []).filter(({ served }) => served !== false).map(({ name }) => name);
    const resource = newResource(spec.group, versions, spec.names.kind, spec.scope !== 'Cluster');
    this.add({ ...resource, plural: spec.names.plural });
  }
}

/** `apps/v1` → group `apps`, version `v1`; `v1` → the core group. */
export function splitApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function apiVersionOf(resource: ApiResource, version = resource.versions[0]!): string {
  return resource.group ? `${resource.group}/${version}` : version;
}

function newResource(group: string, versions: string[], kind: string, namespaced: boolean): ApiResource {
  return { group, versions, kind, plural: pluralOf(kind), namespaced, subresources: ['status'] };
}

/** As Kubernetes guesses it: Policy → policies, Ingress → ingresses, Gateway → gateways. */
function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (singular === 'endpoints') return singular;
  if (/(?:s|x|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}

/** `*` marks a kind without a namespace. */
function wellKnown(): ApiResource[] {
  const table: [group: string, versions: string, kinds: string][] = [
    [
      '',
      'v1',
      'Namespace* Node* PersistentVolume* Pod Service ConfigMap Secret ServiceAccount Event Endpoints ReplicationController PersistentVolumeClaim LimitRange ResourceQuota PodTemplate',
    ],
    ['apps', 'v1', 'Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision'],
    ['batch', 'v1', 'Job CronJob'],
    ['autoscaling', 'v2 v1', 'HorizontalPodAutoscaler'],
    ['policy', 'v1', 'PodDisruptionBudget'],
    ['discovery.k8s.io', 'v1', 'EndpointSlice'],
    ['networking.k8s.io', 'v1', 'NetworkPolicy Ingress IngressClass*'],
    ['coordination.k8s.io', 'v1', 'Lease'],
    ['scheduling.k8s.io', 'v1', 'PriorityClass*'],
    ['storage.k8s.io', 'v1', 'StorageClass*'],
    ['rbac.authorization.k8s.io', 'v1', 'Role RoleBinding ClusterRole* ClusterRoleBinding*'],
    ['admissionregistration.k8s.io', 'v1', 'MutatingWebhookConfiguration* ValidatingWebhookConfiguration*'],
    ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition*'],
    [
      'networking.istio.io',
      'v1 v1beta1 v1alpha3',
      'VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup',
    ],
    ['networking.istio.io', 'v1alpha3', 'EnvoyFilter'],
    ['networking.istio.io', 'v1beta1', 'ProxyConfig'],
    ['security.istio.io', 'v1 v1beta1', 'AuthorizationPolicy PeerAuthentication RequestAuthentication'],
    ['telemetry.istio.io', 'v1 v1alpha1', 'Telemetry'],
    ['extensions.istio.io', 'v1alpha1', 'WasmPlugin'],
    ['gateway.networking.k8s.io', 'v1 v1beta1', 'GatewayClass* Gateway HTTPRoute GRPCRoute ReferenceGrant'],
    ['k8s.cni.cncf.io', 'v1', 'NetworkAttachmentDefinition'],
  ];
  const resources = table.flatMap(([group, versions, kinds]) =>
    kinds.split(' ').map((kind) => newResource(group, versions.split(' '), kind.replace('*', ''), !kind.endsWith('*'))),
  );
  const irregular: Record<string, Partial<ApiResource>> = {
    Pod: { subresources: ['status', 'log', 'exec', 'portforward', 'ephemeralcontainers'] },
    NetworkAttachmentDefinition: { plural: 'network-attachment-definitions' },
  };
  return resources.map((resource) => ({ ...resource, ...irregular[resource.kind] }));
}
