import type { ClusterChange, ClusterReference, ClusterSnapshot, PlainObject } from '../../contract/cluster-layer.ts';
import { findKind, isNamespaced } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import type { Resource } from '../resource.ts';
import { structuresOfCrds } from '../schema/structure-of-crd.ts';
import type { Structures } from '../schema/structure.ts';
import { PlainResource } from './plain-resource.ts';

/** What a connected cluster holds, of the kinds that rules read. */
export class ClusterLayer {
  /** By {@link keyOf}. */
  private readonly resources = new Map<string, PlainResource>();
  private readonly byUri = new Map<string, PlainResource>();
  private readonly parts = new Map<string, unknown>();
  private readonly crds = new Map<string, PlainObject>();
  private readonly onChange: (before: PlainResource | undefined, after: PlainResource | undefined) => void;
  private name = '';
  private known: Structures | undefined;

  constructor(onChange: (before: PlainResource | undefined, after: PlainResource | undefined) => void) {
    this.onChange = onChange;
  }

  /** Puts a snapshot in place of everything; what stays as it was is no change. @returns the kinds that it lists completely. */
  set(snapshot: ClusterSnapshot | undefined): ReadonlySet<Kind> {
    const name = snapshot?.name ?? '';
    const isOther = name !== this.name;
    this.name = name;
    this.parts.clear();
    this.crds.clear();
    this.known = undefined;
    const gone = new Set(this.resources.keys());
    for (const object of snapshot?.resources ?? []) {
      const key = this.put(object, isOther);
      if (key !== undefined) gone.delete(key);
    }
    for (const key of gone) this.drop(key);
    return new Set((snapshot?.complete ?? []).flatMap(readKind));
  }

  /** @returns whether what CRDs say may have changed. */
  change({ changed, removed }: ClusterChange): boolean {
    for (const object of changed) this.put(object, false);
    for (const reference of removed) this.remove(reference);
    return [...changed, ...removed].some(isCrd);
  }

  get clusterName(): string | undefined {
    return this.name || undefined;
  }

  all(): Iterable<PlainResource> {
    return this.resources.values();
  }

  find(key: string): PlainResource | undefined {
    return this.resources.get(key);
  }

  findByUri(uri: string): PlainResource | undefined {
    return this.byUri.get(uri);
  }

  /** What the cluster's own CRDs say; undefined when it told of none. */
  structures(): Structures | undefined {
    return this.crds.size > 0 ? (this.known ??= structuresOfCrds(this.crds.values())) : undefined;
  }

  private put(object: PlainObject, isOther: boolean): string | undefined {
    const { apiVersion, kind: name } = object;
    if (isCrd(object)) {
      this.crds.set(nameOf(object), object);
      this.known = undefined;
    }
    const kind = findKind(String(apiVersion), String(name));
    if (!kind) return undefined;
    const resource = new PlainResource(object, kind, this.name, this.share);
    const key = keyOf(resource);
    const before = this.resources.get(key);
    if (!isOther && before?.isLike(resource)) return key;
    this.resources.set(key, resource);
    if (before) this.byUri.delete(before.uri);
    this.byUri.set(resource.uri, resource);
    this.onChange(before, resource);
    return key;
  }

  private remove({ apiVersion, kind: name, namespace, name: own }: ClusterReference): void {
    if (name === 'CustomResourceDefinition' && this.crds.delete(own)) this.known = undefined;
    const kind = findKind(apiVersion, name);
    if (kind) this.drop(keyOf({ kind, namespace: isNamespaced(kind) ? namespace || 'default' : '', name: own }));
  }

  private drop(key: string): void {
    const before = this.resources.get(key);
    if (!before) return;
    this.resources.delete(key);
    this.byUri.delete(before.uri);
    this.onChange(before, undefined);
  }

  /** Pods of one workload differ in their names only: what is alike is kept once. */
  private readonly share = (part: unknown): unknown => {
    if (typeof part !== 'object' || part === null) return part;
    const text = JSON.stringify(part);
    const known = this.parts.get(text);
    if (known === undefined) this.parts.set(text, part);
    return known ?? part;
  };
}

/** One name for the same object in a file and in a cluster. */
export function keyOf({ kind, namespace, name }: Pick<Resource, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

/** `apps/Deployment`, `/Pod` */
function readKind(text: string): Kind[] {
  const slash = text.lastIndexOf('/');
  const group = text.slice(0, Math.max(0, slash));
  const kind = findKind(group === '' ? 'v1' : `${group}/v1`, text.slice(slash + 1));
  return kind ? [kind] : [];
}

function isCrd({ kind }: PlainObject | ClusterReference): boolean {
  return kind === 'CustomResourceDefinition';
}

function nameOf({ metadata }: PlainObject): string {
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata ? String(metadata.name) : '';
}
