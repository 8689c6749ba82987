/** What mutual TLS depends on, read from a cluster and from the files of the window. No editor here. */
import * as l10n from '@vscode/l10n';
import { parse } from 'yaml';
import type {
  ConfigMap,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Pod,
  Workload,
} from '../../mesh/kubernetes.ts';
import type {
  ApiServerCall,
  DestinationRule,
  PeerAuthentication,
  ServiceEntryObject,
  WorkloadEntryObject,
} from '../../mesh/security/security-objects.ts';
import type { EndpointSliceObject, ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { readMeshSettings, type MeshSettings } from '../../mesh/mesh-settings.ts';
import { analysisTypes, inVersion } from '../cluster/analysis-types.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { controlPlaneNamespaces } from '../cluster/control-plane-namespaces.ts';

/** The objects themselves, from wherever they came. */
export interface SecurityObjects {
  pods: Pod[];
  /** Whatever has a pod template. */
  workloads: Workload[];
  services: ServiceObject[];
  namespaces: Namespace[];
  peerAuthentications: PeerAuthentication[];
  destinationRules: DestinationRule[];
  serviceEntries: ServiceEntryObject[];
  workloadEntries: WorkloadEntryObject[];
  /** Of Services without a selector. */
  endpointSlices: EndpointSliceObject[];
  /** Whom the API server calls, beside mutating webhooks. */
  callers: ApiServerCall[];
  /** Absent: they could not be read, and a default installation counts. */
  webhooks?: MutatingWebhookConfiguration[];
  configMaps: ConfigMap[];
  /** What could not be read, for a person. */
  missing: string[];
}

/** Reads it all at once. What may not be read is named instead; what the cluster does not know is not there. */
export async function readSecurityObjects(cluster: Cluster, signal?: AbortSignal): Promise<SecurityObjects> {
  const missing: string[] = [];
  const reader = new Reader(cluster, missing, signal);
  const [pods, services, namespaces, webhooks, callers, ...workloads] = await Promise.all([
    reader.list<Pod>(resourceTypes.pods),
    reader.list<ServiceObject>(resourceTypes.services),
    reader.list<Namespace>(resourceTypes.namespaces),
    reader.list<MutatingWebhookConfiguration>(resourceTypes.mutatingWebhooks),
    readCallers(reader),
    ...workloadTypes.map((type) => reader.list<Workload>(type)),
  ]);
  const [peerAuthentications, destinationRules, serviceEntries, workloadEntries, endpointSlices] = await Promise.all([
    reader.listCustom<PeerAuthentication>('PeerAuthentication'),
    reader.listCustom<DestinationRule>('DestinationRule'),
    reader.listCustom<ServiceEntryObject>('ServiceEntry'),
    reader.listCustom<WorkloadEntryObject>('WorkloadEntry'),
    (services ?? []).some(isWithoutSelector)
      ? reader.listIfServed<EndpointSliceObject>(resourceTypes.endpointSlices, handMade)
      : [],
  ]);
  const configMaps = await Promise.all(
    controlPlaneNamespaces(webhooks ?? []).map((namespace) =>
      reader.list<ConfigMap>(resourceTypes.configMaps, namespace),
    ),
  );
  return {
    pods: pods ?? [],
    workloads: workloads.flatMap((some) => some ?? []),
    services: services ?? [],
    namespaces: namespaces ?? [],
    peerAuthentications: peerAuthentications ?? [],
    destinationRules: destinationRules ?? [],
    serviceEntries: serviceEntries ?? [],
    workloadEntries: workloadEntries ?? [],
    endpointSlices,
    callers,
    ...(webhooks && { webhooks }),
    configMaps: configMaps.flatMap((some) => some ?? []),
    missing,
  };
}

const workloadTypes = [
  resourceTypes.deployments,
  resourceTypes.statefulSets,
  resourceTypes.daemonSets,
  // Those that wait for their time have no pod to look at.
  resourceTypes.cronJobs,
];

/** There is a slice for every Service, and those of Kubernetes' own making say what the selector says. */
const handMade = 'endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io';

/** The API server's own Service has none either, and nobody asks about that. */
function isWithoutSelector({ metadata, spec }: ServiceObject): boolean {
  return (
    Object.keys(spec?.selector ?? {}).length === 0 && spec?.type !== 'ExternalName' && metadata?.name !== 'kubernetes'
  );
}

/** What the API server calls Services for: validating webhooks, and APIs that others serve for it. */
async function readCallers(reader: Reader): Promise<ApiServerCall[]> {
  const [webhooks, apis] = await Promise.all([
    reader.listIfServed<MutatingWebhookConfiguration>(resourceTypes.validatingWebhooks),
    reader.listIfServed<KubernetesObject & { spec?: { service?: { namespace?: string; name?: string } } }>(
      resourceTypes.apiServices,
    ),
  ]);
  const call = (object: KubernetesObject, service: { namespace?: string; name?: string } | null | undefined) =>
    service?.namespace !== undefined && service.name !== undefined
      ? [
          {
            by: `${object.kind} ${object.metadata?.name ?? ''}`,
            service: { namespace: service.namespace, name: service.name },
          },
        ]
      : [];
  return [
    ...webhooks.flatMap((one) => (one.webhooks ?? []).flatMap(({ clientConfig }) => call(one, clientConfig?.service))),
    ...apis.flatMap((one) => call(one, one.spec?.service)),
  ];
}

/** The settings of the mesh that most of the cluster follows: ConfigMap `istio`, else that of some revision. */
export function settingsOf(configMaps: readonly ConfigMap[]): MeshSettings | undefined {
  return settingsByRevision(configMaps)[0]?.settings;
}

/** What each control plane was told, that of most of the cluster first. `revision`: `default` for ConfigMap `istio`. */
export function settingsByRevision(
  configMaps: readonly ConfigMap[],
): { revision: string; namespace: string; settings: MeshSettings }[] {
  return configMaps
    .filter(({ metadata, data }) => /^istio(-|$)/.test(metadata?.name ?? '') && data?.['mesh'] !== undefined)
    .sort((a, b) => (a.metadata?.name ?? '').length - (b.metadata?.name ?? '').length)
    .map(({ metadata, data }) => ({
      revision: /^istio-(.+)$/.exec(metadata?.name ?? '')?.[1] ?? 'default',
      namespace: metadata?.namespace ?? 'istio-system',
      settings: parseSettings(data?.['mesh'] ?? ''),
    }));
}

/** What cannot be read counts as not said. */
export function parseSettings(text: string): MeshSettings {
  try {
    const config: unknown = parse(text);
    return typeof config === 'object' && config !== null ? readMeshSettings(config as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

class Reader {
  readonly #cluster: Cluster;
  readonly #missing: string[];
  readonly #options: { signal?: AbortSignal };

  constructor(cluster: Cluster, missing: string[], signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#missing = missing;
    this.#options = signal ? { signal } : {};
  }

  /** Of all namespaces, else of the one that the user may read; undefined when not even that. */
  async list<T extends KubernetesObject>(type: ResourceType, namespace?: string): Promise<T[] | undefined> {
    try {
      return await this.#ask<T>(type, namespace);
    } catch (error) {
      if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
      return type.namespaced && namespace === undefined ? this.#listHere(type) : this.#leaveOut(type.plural);
    }
  }

  /** What only some clusters serve, or let be read: none then. Nobody is told, as nothing rests on it alone. */
  async listIfServed<T extends KubernetesObject>(type: ResourceType, labelSelector?: string): Promise<T[]> {
    try {
      return await this.#ask<T>(type, undefined, labelSelector);
    } catch (error) {
      if (error instanceof ClusterFailure && ['forbidden', 'not-found'].includes(error.reason)) return [];
      throw error;
    }
  }

  /** In the version that the cluster serves; none, where Istio's definitions are not there. */
  async listCustom<T extends KubernetesObject>(kind: string): Promise<T[] | undefined> {
    const type = analysisTypes.find((one) => one.kind === kind && one.isCustom);
    for (const version of type?.versions ?? []) {
      try {
        return await this.list<T>(inVersion(type!, version));
      } catch (error) {
        if (!(error instanceof ClusterFailure) || error.reason !== 'not-found') throw error;
      }
    }
    return [];
  }

  async #listHere<T extends KubernetesObject>(type: ResourceType): Promise<T[] | undefined> {
    const namespace = this.#cluster.context.namespace ?? 'default';
    const found = await this.list<T>(type, namespace);
    if (found) this.#missing.push(l10n.t('{0} of other namespaces than {1}', type.plural, namespace));
    return found;
  }

  async #ask<T extends KubernetesObject>(type: ResourceType, namespace?: string, labelSelector?: string): Promise<T[]> {
    const within = {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
    };
    const { items } = await this.#cluster.list<T>(type, { ...this.#options, ...within });
    // Objects in a list do not name their kind.
    return items.map((item) => ({ kind: type.kind, apiVersion: type.apiVersion, ...item }));
  }

  #leaveOut(what: string): undefined {
    this.#missing.push(what);
    return undefined;
  }
}
