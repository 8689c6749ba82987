import type { Located } from './located.ts';
import { isNamespaced, podTemplatePaths } from './kinds.ts';
import type { Kind } from './kinds.ts';

/** One Kubernetes object as it is written, e.g. a document of a file or an item of a `List`. */
export interface Resource {
  kind: Kind;
  apiVersion: string;
  /** Empty while it is still to be typed. */
  name: string;
  /** The namespace it will be in: its own, else the one that files without a namespace are applied to; empty for cluster-scoped kinds. */
  namespace: string;
  /** The whole object. */
  root: Located;
  metadata: Located;
  spec: Located;
  /** Part of a document with syntax errors: what is there may be trusted, what is absent may not. */
  incomplete: boolean;
}

/** Pods that will exist: a Pod as written, or the template in a workload. Rules read them as `AnyPod`. */
export interface PodSource {
  /** The Pod itself or the workload around the template. */
  resource: Resource;
  namespace: string;
  /** The workload's name; pods made from it get a suffix. */
  name: string;
  /** The Pod, or the template: what holds `metadata` and `spec`. */
  template: Located;
  /** The pod's own metadata; not the workload's. */
  metadata: Located;
  spec: Located;
}

/** Makes a resource of an object whose kind is known. */
export function resourceAt(root: Located, kind: Kind, defaultNamespace: string, incomplete: boolean): Resource {
  const metadata = root.at('metadata');
  return {
    kind,
    apiVersion: root.at('apiVersion').string ?? '',
    name: metadata.at('name').string ?? '',
    namespace: isNamespaced(kind) ? metadata.at('namespace').string || defaultNamespace : '',
    root,
    metadata,
    spec: root.at('spec'),
    incomplete,
  };
}

/** The pods that a resource is or makes; undefined for kinds that make none, and for a workload without template. */
export function findPodSource(resource: Resource): PodSource | undefined {
  const path = podTemplatePaths[resource.kind];
  if (!path) return undefined;
  const template = resource.root.at(...path);
  if (!template.exists) return undefined;
  return {
    resource,
    namespace: resource.namespace,
    name: resource.name,
    template,
    metadata: template.at('metadata'),
    spec: template.at('spec'),
  };
}
