import { parse } from 'yaml';
import type { ConfigMap, KubernetesObject, Namespace, Pod } from '../../mesh/kubernetes.ts';
import type { ExpectedInputs, ServiceAddress } from '../../mesh/interception/expected-rules.ts';
import { ClusterFailure, resourceTypes, type CallOptions, type Cluster } from '../cluster/cluster.ts';

/**
 * All that computing a running pod's rules can use, from its cluster: the mesh's configuration and injector settings, the
 * labels of its namespace, the address of the cluster's DNS. What may not be read is left out: the pod alone tells most.
 */
export async function gatherExpectedInputs(cluster: Cluster, pod: Pod, signal?: AbortSignal): Promise<ExpectedInputs> {
  const options = signal ? { signal } : {};
  const namespaceName = pod.metadata?.namespace ?? 'default';
  const controlPlane = findControlPlaneNamespace(pod);
  const [namespace, configMaps, ...services] = await Promise.all([
    ifAllowed(cluster.get<Namespace>(resourceTypes.namespaces, namespaceName, options)),
    ifAllowed(listConfigMaps(cluster, controlPlane, options)),
    ifAllowed(findService(cluster, 'kube-system', 'kube-dns', options)),
    ifAllowed(findService(cluster, 'default', 'kubernetes', options)),
  ]);
  const meshConfig = findMeshConfig(configMaps ?? [], revisionOf(pod));
  return {
    pod,
    parseYaml: (text) => parse(text) as unknown,
    ...(namespace && { namespace }),
    ...(configMaps && { configMaps }),
    ...(meshConfig && { meshConfig }),
    services: services.filter((service) => service !== undefined),
  };
}

function listConfigMaps(cluster: Cluster, namespace: string, options: CallOptions): Promise<ConfigMap[]> {
  return cluster.list<ConfigMap>(resourceTypes.configMaps, { ...options, namespace }).then(({ items }) => items);
}

async function findService(
  cluster: Cluster,
  namespace: string,
  name: string,
  options: CallOptions,
): Promise<(ServiceAddress & KubernetesObject) | undefined> {
  return await cluster.get<ServiceAddress & KubernetesObject>(resourceTypes.services, name, { ...options, namespace });
}

/** An injected proxy names its control plane: `istiod.istio-system.svc:15012`. */
function findControlPlaneNamespace({ spec }: Pod): string {
  const env = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].flatMap(
    (container) => container.env ?? [],
  );
  const address = env.find(({ name }) => name === 'CA_ADDR')?.value ?? '';
  return /^[^.:]+\.([^.:]+)\.svc/.exec(address)?.[1] ?? 'istio-system';
}

function revisionOf({ metadata }: Pod): string {
  const { labels = {}, annotations = {} } = metadata ?? {};
  const own = annotations['istio.io/rev'] ?? labels['istio.io/rev'] ?? 'default';
  return own;
}

/** The ConfigMap `istio` of the default revision, `istio-REVISION` of another one. */
function findMeshConfig(configMaps: readonly ConfigMap[], revision: string): Record<string, unknown> | undefined {
  const named = (name: string) => configMaps.find(({ metadata }) => metadata?.name === name)?.data?.['mesh'];
  const text = (revision === 'default' ? undefined : named(`istio-${revision}`)) ?? named('istio');
  if (text === undefined) return undefined;
  try {
    const value = parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined where a right is missing, or the thing. @throws whatever else goes wrong. */
async function ifAllowed<T>(ask: Promise<T>): Promise<T | undefined> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof ClusterFailure && (error.reason === 'forbidden' || error.reason === 'not-found'))
      return undefined;
    throw error;
  }
}
