import type { ResourceType } from './cluster.ts';

/** A kind that analysis reads, in every version in which a cluster may serve it, the one to ask for first in front. */
export interface AnalysisType extends Omit<ResourceType, 'apiVersion'> {
  /** Empty for the core group. */
  group: string;
  versions: readonly string[];
  /** Of Istio or of the Gateway API: a cluster without its definition has none of it. */
  isCustom: boolean;
}

/**
 * Of the kinds with a pod template only those that somebody writes; the pods themselves are here, so what Kubernetes makes
 * in between (ReplicaSets, Jobs) would say nothing new and is many.
 */
export const analysisTypes: readonly AnalysisType[] = [
  ...types('', 'v1', 'Node* Pod Service ServiceAccount'),
  ...types('apps', 'v1', 'Deployment StatefulSet DaemonSet'),
  ...types('admissionregistration.k8s.io', 'v1', 'MutatingWebhookConfiguration* ValidatingWebhookConfiguration*'),
  ...types(
    'networking.istio.io',
    'v1 v1beta1 v1alpha3',
    'VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup',
  ),
  ...types('networking.istio.io', 'v1alpha3', 'EnvoyFilter'),
  ...types('networking.istio.io', 'v1beta1', 'ProxyConfig'),
  ...types('security.istio.io', 'v1 v1beta1', 'AuthorizationPolicy PeerAuthentication RequestAuthentication'),
  ...types('telemetry.istio.io', 'v1 v1alpha1', 'Telemetry'),
  ...types('extensions.istio.io', 'v1alpha1', 'WasmPlugin TrafficExtension'),
  ...types('gateway.networking.k8s.io', 'v1 v1beta1', 'Gateway'),
];

/** Asked for with care: only what its reader may see leaves the process, see trim-object.ts. */
export const secretType: AnalysisType = types('', 'v1', 'Secret')[0]!;

/** Of Istio's own kinds: their definitions say which fields this cluster's Istio has. */
export function definitionNames(): string[] {
  return analysisTypes
    .filter(({ group }) => group.endsWith('.istio.io'))
    .map(({ plural, group }) => `${plural}.${group}`);
}

/** `apps/Deployment`, `/Pod`: how the layer's contract names a kind. */
export function kindName({ group, kind }: Pick<AnalysisType, 'group' | 'kind'>): string {
  return `${group}/${kind}`;
}

/** The type in one of its versions, as requests need it. */
export function inVersion({ group, kind, plural, namespaced }: AnalysisType, version: string): ResourceType {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind, plural, namespaced };
}

/** `*` marks a kind without a namespace. */
function types(group: string, versions: string, kinds: string): AnalysisType[] {
  return kinds.split(' ').map((marked) => {
    const kind = marked.replace('*', '');
    return {
      group,
      versions: versions.split(' '),
      kind,
      plural: pluralOf(kind),
      namespaced: kind === marked,
      isCustom: /\.istio\.io$|^gateway\./.test(group),
    };
  });
}

function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  return /[^aeiou]y$/.test(singular) ? `${singular.slice(0, -1)}ies` : `${singular}s`.replace(/ss$/, 'ses');
}
