import { lookUp } from '../lookup.ts';
import type { Located } from '../located.ts';
import type { PodSource, Resource } from '../resource.ts';
import { labelsOf } from './pods.ts';

/**
 * Whether Istio's analysis takes a pod for one of the mesh: it has a proxy, or its label, else its annotation
 * `sidecar.istio.io/inject` says so, else its namespace does. A namespace's `istio.io/rev` is not looked at.
 */
export function isInMesh(pod: PodSource, namespace: Resource | undefined): boolean {
  if (hasProxy(pod.spec)) return true;
  const said = labelsOf(pod)['sidecar.istio.io/inject'] ?? annotation(pod, 'sidecar.istio.io/inject');
  if (said !== undefined) return said === 'true';
  return namespaceLabel(namespace, 'istio-injection') === 'enabled';
}

/** Whether a pod's traffic goes through ztunnel, by what it and its namespace say. */
export function isAmbient(pod: PodSource, namespace: Resource | undefined): boolean {
  if (annotation(pod, 'ambient.istio.io/redirection') === 'enabled') return true;
  if (hasProxy(pod.spec) || pod.spec.at('hostNetwork').boolean) return false;
  const said = labelsOf(pod)['istio.io/dataplane-mode'];
  return said === 'ambient' || (said !== 'none' && isAmbientNamespace(namespace));
}

export function isAmbientNamespace(namespace: Resource | undefined): boolean {
  return namespaceLabel(namespace, 'istio.io/dataplane-mode') === 'ambient';
}

export function namespaceLabel(namespace: Resource | undefined, label: string): string | undefined {
  return namespace?.metadata.at('labels', label).string;
}

const byName = ({ name }: Resource) => [name];

/** The Namespaces that are at hand. */
export function namespacesByName(namespaces: readonly Resource[]): { get: (name: string) => Resource | undefined } {
  const found = lookUp(namespaces, byName, { clusterDomain: '' });
  return { get: (name) => found.get(name).at(-1) };
}

/** Whether a pod (or template) has a proxy, as a container or as an init container that stays. */
export function hasProxy(spec: Located): boolean {
  return ['containers', 'initContainers'].some((list) =>
    spec
      .at(list)
      .items.some((container) => container.at('name').string === 'istio-proxy' && container.at('image').string),
  );
}

function annotation({ metadata }: PodSource, name: string): string | undefined {
  return metadata.at('annotations', name).string;
}

/** Whether a pod may have a proxy: for all that its labels and its namespace say, which may be unknown. A revision's label counts, too. */
export function mayBeInMesh(pod: PodSource, namespace: Resource | undefined): boolean {
  if (!namespace || isInMesh(pod, namespace) || isAmbient(pod, namespace)) return true;
  return (
    namespaceLabel(namespace, 'istio.io/rev') !== undefined && labelsOf(pod)['sidecar.istio.io/inject'] !== 'false'
  );
}
