/** The kinds that rules read, each with its API group: a Knative `Service` is not ours, and there are two `Gateway`s. */
const groups = {
  AuthorizationPolicy: 'security.istio.io',
  DestinationRule: 'networking.istio.io',
  EnvoyFilter: 'networking.istio.io',
  /** Istio's own. */
  Gateway: 'networking.istio.io',
  PeerAuthentication: 'security.istio.io',
  ProxyConfig: 'networking.istio.io',
  RequestAuthentication: 'security.istio.io',
  ServiceEntry: 'networking.istio.io',
  Sidecar: 'networking.istio.io',
  Telemetry: 'telemetry.istio.io',
  TrafficExtension: 'extensions.istio.io',
  VirtualService: 'networking.istio.io',
  WasmPlugin: 'extensions.istio.io',
  WorkloadEntry: 'networking.istio.io',
  WorkloadGroup: 'networking.istio.io',
  /** The Gateway API's. */
  K8sGateway: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
  HTTPRoute: 'gateway.networking.k8s.io',
  ConfigMap: '',
  Namespace: '',
  Node: '',
  Pod: '',
  ReplicationController: '',
  Secret: '',
  Service: '',
  ServiceAccount: '',
  CronJob: 'batch',
  DaemonSet: 'apps',
  Deployment: 'apps',
  Job: 'batch',
  ReplicaSet: 'apps',
  StatefulSet: 'apps',
  MutatingWebhookConfiguration: 'admissionregistration.k8s.io',
  ValidatingWebhookConfiguration: 'admissionregistration.k8s.io',
  CustomResourceDefinition: 'apiextensions.k8s.io',
} as const;

export type Kind = keyof typeof groups;

export const kinds = Object.keys(groups) as Kind[];

const names: Partial<Record<Kind, string>> = { K8sGateway: 'Gateway' };
const byName = new Map<string, Kind>(
  (Object.keys(groups) as Kind[]).map((kind) => [`${groups[kind]}/${names[kind] ?? kind}`, kind]),
);
const clusterScoped = new Set<Kind>([
  'Namespace',
  'Node',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'CustomResourceDefinition',
]);

/** Where a kind keeps the template of its pods. A Pod is its own. */
export const podTemplatePaths: Partial<Record<Kind, string[]>> = {
  Pod: [],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Deployment: ['spec', 'template'],
  Job: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
};

/** The kind that an object's `apiVersion` and `kind` name, whatever the version; undefined for one that no rule reads. */
export function findKind(apiVersion: string, kind: string): Kind | undefined {
  const slash = apiVersion.indexOf('/');
  return byName.get(`${slash === -1 ? '' : apiVersion.slice(0, slash)}/${kind}`);
}

export function isNamespaced(kind: Kind): boolean {
  return !clusterScoped.has(kind);
}

/** The group of a kind of Istio's; undefined for any other name. */
export function findIstioGroup(name: string): string | undefined {
  const group = Object.hasOwn(groups, name) ? groups[name as Kind] : '';
  return group.endsWith('.istio.io') ? group : undefined;
}

/** The kinds of an API group, by the names that users write. */
export function kindsOfGroup(group: string): string[] {
  return (Object.keys(groups) as Kind[]).filter((kind) => groups[kind] === group).map((kind) => names[kind] ?? kind);
}
