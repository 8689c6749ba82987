import type { PlainObject } from '../../contract/cluster-layer.ts';
import { isNamespaced } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import { Located, Source } from '../located.ts';
import type { LocatedEntry, ScalarValue } from '../located.ts';
import type { PodSource, Resource } from '../resource.ts';
import { keepWhatRulesRead } from './keep-what-rules-read.ts';

/**
 * A resource of a cluster: kept as plain data, of which pods of one workload share nearly all, and turned into located
 * values only while rules look at it. Its text is JSON, its address `cluster:<name>/<kind>/<namespace>/<name>`.
 */
export class PlainResource implements Resource {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly name: string;
  readonly namespace: string;
  readonly incomplete = false;
  readonly uri: string;
  private readonly object: PlainObject;
  private readonly located = new Map<string, WeakRef<Located>>();

  constructor(object: PlainObject, kind: Kind, cluster: string, share: (part: unknown) => unknown) {
    const kept = keepWhatRulesRead(object, kind);
    const metadata = asMap(kept['metadata']);
    this.kind = kind;
    this.apiVersion = textOf(kept['apiVersion']);
    this.name = textOf(metadata?.['name']);
    this.namespace = isNamespaced(kind) ? textOf(metadata?.['namespace']) || 'default' : '';
    this.uri = clusterUri(cluster, textOf(kept['kind']), this.namespace, this.name);
    this.object = Object.fromEntries(
      Object.entries(kept).map(([field, value]) => [
        field,
        field === 'metadata' ? shareParts(value, share) : share(value),
      ]),
    );
  }

  get root(): Located {
    return this.locate('', this.object);
  }

  /** Located by itself: labels are asked of every pod, its containers of few. */
  get metadata(): Located {
    return this.locate('metadata', this.object['metadata']);
  }

  get spec(): Located {
    return this.object['spec'] === undefined ? this.root.at('spec') : this.locate('spec', this.object['spec']);
  }

  /** Whether rules would read the same in both. */
  isLike(other: PlainResource): boolean {
    return JSON.stringify(this.object) === JSON.stringify(other.object);
  }

  private locate(part: string, value: unknown): Located {
    let located = this.located.get(part)?.deref();
    if (!located) this.located.set(part, new WeakRef((located = locatePlain(value, this.uri))));
    return located;
  }
}

/** The pods of a resource in a cluster; they hold on to nothing located, either. */
export class PlainPodSource implements PodSource {
  readonly resource: PlainResource;
  private readonly path: readonly string[];

  constructor(resource: PlainResource, path: readonly string[]) {
    this.resource = resource;
    this.path = path;
  }

  get namespace(): string {
    return this.resource.namespace;
  }

  get name(): string {
    return this.resource.name;
  }

  get template(): Located {
    return this.resource.root.at(...this.path);
  }

  get metadata(): Located {
    return this.path.length === 0 ? this.resource.metadata : this.template.at('metadata');
  }

  get spec(): Located {
    return this.path.length === 0 ? this.resource.spec : this.template.at('spec');
  }
}

/** The address of something in a cluster. */
export function clusterUri(cluster: string, kind: string, namespace: string, name: string): string {
  return `cluster:${[cluster, kind, namespace, name].map(encodeURIComponent).join('/')}`;
}

/** Located values over plain data, as if it were written in JSON on one line. */
export function locatePlain(value: unknown, uri: string): Located {
  const text = JSON.stringify(value) ?? 'null';
  return new PlainWriter(new Source(uri, text, 0)).locate(value);
}

/** Walks a value in the order in which `JSON.stringify` writes it, and so knows where each part stands. */
class PlainWriter {
  private readonly source: Source;
  private at = 0;

  constructor(source: Source) {
    this.source = source;
  }

  locate(value: unknown, key?: Located): Located {
    const { source, at: start } = this;
    const more = key && { key };
    if (Array.isArray(value)) {
      const items = this.list(value.length, (index) => this.locate(value[index]));
      return new Located({
        source,
        type: 'list',
        start,
        end: this.at,
        items,
        flow: true,
        size: sizeOf(items),
        ...more,
      });
    }
    if (typeof value === 'object' && value !== null) {
      const written = Object.entries(value).filter(([, inner]) => inner !== undefined);
      const entries = this.list(written.length, (index) => this.entry(written[index]!));
      const size = sizeOf(entries.map((entry) => entry.value));
      return new Located({ source, type: 'map', start, end: this.at, entries, flow: true, size, ...more });
    }
    return this.scalar(value as ScalarValue, key);
  }

  private list<T>(length: number, locate: (index: number) => T): T[] {
    const parts: T[] = [];
    this.at++;
    for (let index = 0; index < length; index++) {
      if (index > 0) this.at++;
      parts.push(locate(index));
    }
    this.at++;
    return parts;
  }

  private entry([name, value]: [string, unknown]): LocatedEntry {
    const key = this.scalar(name);
    this.at++;
    return { key, value: this.locate(value, key) };
  }

  private scalar(value: ScalarValue, key?: Located): Located {
    const { source, at: start } = this;
    this.at += JSON.stringify(value).length;
    const type = value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean');
    const quoted = typeof value === 'string';
    return new Located({ source, type, value, start, end: this.at, quoted, ...(key && { key }) });
  }
}

function sizeOf(parts: readonly Located[]): number {
  return parts.reduce((sum, { size }) => sum + size, 1);
}

function shareParts(value: unknown, share: (part: unknown) => unknown): unknown {
  return Object.fromEntries(Object.entries(asMap(value) ?? {}).map(([field, part]) => [field, share(part)]));
}

function asMap(value: unknown): PlainObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as PlainObject) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
