import * as l10n from '@vscode/l10n';
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { Located } from './located.ts';
import type { LocatedEntry, Source } from './located.ts';
import { resolvePlainScalar } from './scalar.ts';

/** Something about a document's YAML itself, before anybody knows what it describes. */
export interface YamlProblem {
  kind: 'syntax' | 'duplicate-key' | 'too-large' | 'unknown-kind';
  at: Located;
  message: string;
}

/** More values than this, with every alias written out, is an attack or an accident: walking it would stall the editor. */
export const mostValues = 1_000_000;

/** Turns a composed document into located values. Aliases are shared, not copied, so a bomb costs nothing until it is walked. */
export function locateDocument(document: Document.Parsed, source: Source): { root: Located; problems: YamlProblem[] } {
  const locator = new Locator(source);
  const root = locator.locate(document.contents, undefined, 0);
  if (root.size <= mostValues) return { root, problems: locator.problems };
  const at = new Located({
    source,
    type: 'null',
    start: root.start,
    end: Math.min(root.end, root.start + 1),
    value: null,
  });
  return {
    root: at,
    problems: [{ kind: 'too-large', at, message: l10n.t('its aliases expand to more than {0} values', mostValues) }],
  };
}

class Locator {
  readonly problems: YamlProblem[] = [];
  private readonly anchors = new Map<string, Located>();
  private readonly source: Source;

  constructor(source: Source) {
    this.source = source;
  }

  locate(node: Node | null | undefined, key: Located | undefined, fallback: number): Located {
    if (!node) return this.make({ type: 'null', value: null, start: fallback, end: fallback, key });
    const [start = fallback, end = start] = node.range ?? [];
    if (isAlias(node)) return this.alias(node.source, start, end, key);
    const located = isMap(node)
      ? this.map(node, start, end, key)
      : isSeq(node)
        ? this.list(node, start, end, key)
        : isScalar(node)
          ? this.scalar(node, start, end, key)
          : this.make({ type: 'null', value: null, start, end, key });
    if ('anchor' in node && node.anchor) this.anchors.set(node.anchor, located);
    return located;
  }

  private make(parts: Omit<ConstructorParameters<typeof Located>[0], 'source'>): Located {
    return new Located({ source: this.source, ...parts });
  }

  /** The value stands where its alias is written; what is inside of it stands where the anchor is. */
  private alias(name: string, start: number, end: number, key: Located | undefined): Located {
    const target = this.anchors.get(name);
    if (!target) return this.make({ type: 'null', value: null, start, end, key });
    const { type, value, entries, items, flow, quoted, size } = target;
    return this.make({
      type,
      start,
      end,
      key,
      entries: [...entries],
      items: [...items],
      flow,
      quoted,
      size,
      ...(value !== undefined && { value }),
    });
  }

  private scalar(node: Scalar, start: number, end: number, key: Located | undefined): Located {
    const text = typeof node.value === 'string' ? node.value : String(node.source ?? '');
    const quoted = node.type !== 'PLAIN';
    const value = quoted || node.tag === 'tag:yaml.org,2002:str' || node.tag === '!' ? text : resolvePlainScalar(text);
    const type = value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean');
    return this.make({ type, value, start, end, key, quoted });
  }

  private list(node: YAMLSeq, start: number, end: number, key: Located | undefined): Located {
    const items: Located[] = [];
    let size = 1;
    for (const item of node.items) {
      const value = isPairLike(item) ? this.pairItem(item, start) : this.locate(item as Node, undefined, start);
      items.push(value);
      size += value.size;
    }
    const flow = node.flow === true;
    const last = flow ? end : this.trim(start, items.at(-1)?.end ?? end);
    return this.make({ type: 'list', start, end: last, key, items, size, flow });
  }

  /** `[a: 1]` is a list of one-entry maps. */
  private pairItem(pair: Pair, fallback: number): Located {
    const entry = this.entry(pair, fallback);
    const end = Math.max(entry.key.end, entry.value.end);
    return this.make({
      type: 'map',
      start: entry.key.start,
      end,
      entries: [entry],
      size: 1 + entry.value.size,
      flow: true,
    });
  }

  private map(node: YAMLMap, start: number, end: number, key: Located | undefined): Located {
    const entries = new Map<string, LocatedEntry>();
    const merged: Located[] = [];
    let size = 1;
    let lastEnd = start;
    for (const pair of node.items) {
      const entry = this.entry(pair, start);
      lastEnd = Math.max(entry.key.end, entry.value.end);
      const name = String(entry.key.value);
      if (name === '<<' && !entry.key.quoted) {
        merged.push(...(entry.value.type === 'list' ? entry.value.items : [entry.value]));
        continue;
      }
      if (entries.has(name)) {
        this.problems.push({ kind: 'duplicate-key', at: entry.key, message: name });
        entries.delete(name);
      }
      entries.set(name, entry);
    }
    for (const entry of merged.flatMap((map) => map.entries)) {
      const name = String(entry.key.value);
      if (!entries.has(name)) entries.set(name, entry);
    }
    for (const { value } of entries.values()) size += value.size;
    const flow = node.flow === true;
    return this.make({
      type: 'map',
      start,
      end: flow ? end : this.trim(start, lastEnd),
      key,
      entries: [...entries.values()],
      size,
      flow,
    });
  }

  private entry(pair: Pair, fallback: number): LocatedEntry {
    const key = this.key(pair.key as Node | null, fallback);
    return { key, value: this.locate(pair.value as Node | null, key, key.end) };
  }

  /** To Kubernetes every key is a string: `8080:` under portLevelMtls is `"8080"`. */
  private key(node: Node | null, fallback: number): Located {
    const [start = fallback, end = start] = node?.range ?? [];
    const written = isScalar(node) ? String(node.value ?? '') : this.source.text.slice(start, end);
    // A bare `on:` or `y:` is a boolean first, and then the key "true".
    const isBoolean = isScalar(node) && node.type === 'PLAIN' && typeof resolvePlainScalar(written) === 'boolean';
    const text = isBoolean ? String(resolvePlainScalar(written)) : written;
    return this.make({ type: 'string', value: text, start, end, quoted: isScalar(node) && node.type !== 'PLAIN' });
  }

  /** A block collection ends with its last value, not with the comments and blank lines behind it. */
  private trim(start: number, end: number): number {
    const { text } = this.source;
    let at = end;
    while (at > start && ' \t\r\n'.includes(text[at - 1]!)) at--;
    return at;
  }
}

function isPairLike(item: unknown): item is Pair {
  return typeof item === 'object' && item !== null && 'key' in item && !('range' in item);
}
