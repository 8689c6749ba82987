/**
 * Text edits on located values, for quick fixes. They keep comments, order and style of what is around: the file is a
 * person's, and a fix that rewrites it is worse than the fault.
 */
import type { Located, LocatedEntry } from './located.ts';
import type { TextEdit } from './finding.ts';

/** Writes something else where the value (or key) stands. `text` is YAML as it shall appear, quotes included. */
export function replaceValue(at: Located, text: string): TextEdit[] {
  const gap = at.start === at.end && at.source.text[at.start - 1] === ':' ? ' ' : '';
  return [{ uri: at.source.uri, range: at.range, newText: gap + text }];
}

/** The name as YAML, in the quotes that the key or value has now. */
export function rename(at: Located, name: string): TextEdit[] {
  const quote = at.text[0] === '"' || at.text[0] === "'" ? at.text[0] : '';
  return replaceValue(at, quote ? `${quote}${name}${quote}` : quoteIfNeeded(name));
}

/** Text as a YAML string: in quotes when it would be read as something else without them. */
export function quoteIfNeeded(text: string): string {
  const plain =
    /^[A-Za-z_/.][\w./-]*$/.test(text) && !/^(true|false|yes|no|on|off|y|n|null|~|\.|\.\.|\.inf|\.nan)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

/** Takes a key and its value out of a map; when it was the last one, the map's own key goes too (given as `owner`). */
export function removeEntry(map: Located, key: string, owner?: { map: Located; key: string }): TextEdit[] {
  const index = map.entries.findIndex((entry) => entry.key.value === key);
  const entry = map.entries[index];
  if (!entry) return [];
  if (map.entries.length === 1 && owner) return removeEntry(owner.map, owner.key);
  const { text } = map.source;
  if (!map.flow && map.entries.length === 1) return [edit(map, map.start, entryEnd(entry), '{}')];
  if (map.flow) {
    const next = map.entries[index + 1];
    const previous = map.entries[index - 1];
    if (next) return [edit(map, entry.key.start, next.key.start, '')];
    return [edit(map, previous ? entryEnd(previous) : entry.key.start, entryEnd(entry), '')];
  }
  // A block entry owns its lines whole, unless it follows a list dash: then the next entry moves up behind the dash.
  const lineStart = text.lastIndexOf('\n', entry.key.start - 1) + 1;
  if (text.slice(lineStart, entry.key.start).trim() === '')
    return [edit(map, lineStart, nextLine(text, entryEnd(entry)), '')];
  const next = map.entries[index + 1];
  return [edit(map, entry.key.start, next ? next.key.start : entryEnd(entry), '')];
}

/** Takes an item out of a list, with its line; nothing when it is the last one left, or shares its line with another dash. */
export function removeItem(list: Located, item: Located): TextEdit[] {
  const index = list.items.indexOf(item);
  if (index === -1 || list.items.length === 1) return [];
  const next = list.items[index + 1];
  if (list.flow) {
    if (next) return [edit(list, item.start, next.start, '')];
    return [edit(list, list.items[index - 1]!.end, item.end, '')];
  }
  const { text } = list.source;
  const lineStart = text.lastIndexOf('\n', item.start - 1) + 1;
  if (!/^\s*-\s+$/.test(text.slice(lineStart, item.start))) return [];
  return [edit(list, lineStart, nextLine(text, item.end), '')];
}

/**
 * Writes `key: value` into the map at `path` below `root`, making the maps on the way that are not there yet.
 * @param value YAML as it shall appear on the key's line.
 */
export function insertEntry(root: Located, path: string[], key: string, value: string): TextEdit[] {
  let map = root;
  let depth = 0;
  for (; depth < path.length; depth++) {
    const next = map.at(path[depth]!);
    if (!next.isSet || next.type !== 'map') break;
    map = next;
  }
  const missing = path.slice(depth);
  const empty = missing.length > 0 ? map.entry(missing[0]!) : undefined;
  const lines = [...missing, key].map((name, level) => ({ level, text: `${quoteIfNeeded(name)}:` }));
  if (map.flow) {
    const inner = `${lines.map(({ text }) => text).join(' { ')} ${value}${' }'.repeat(missing.length)}`;
    if (empty) return replaceValue(empty.value, inner.slice(inner.indexOf(':') + 1).trim());
    return [edit(map, map.start + 1, map.start + 1, map.entries.length > 0 ? ` ${inner},` : ` ${inner} `)];
  }
  const first = map.entries[0];
  if (!first) return [];
  const eol = map.source.text.includes('\r\n') ? '\r\n' : '\n';
  const column = first.key.start - (map.source.text.lastIndexOf('\n', first.key.start - 1) + 1);
  if (empty) {
    // `annotations:` is there and empty: what is below it is written behind it.
    const below = block(lines.slice(1), column + 2, value, eol);
    return [edit(map, empty.value.start, empty.value.end, eol + ' '.repeat(column + 2) + below)];
  }
  const before = depth === path.length ? first : (map.entries.find((entry) => entry.key.value === 'spec') ?? first);
  return [edit(map, before.key.start, before.key.start, block(lines, column, value, eol) + eol + ' '.repeat(column))];
}

/**
 * Writes one more item behind the last one of a list, in its style. Nothing for a list without items: its style is unknown.
 * @param flow the item as it stands in one line.
 * @param lines the item over several lines, its own indentation included.
 */
export function appendItem(list: Located, flow: string, lines: readonly string[]): TextEdit[] {
  const last = list.items.at(-1);
  if (!last || last.source !== list.source) return [];
  const { text } = list.source;
  if (list.flow) return [edit(list, last.end, last.end, `, ${flow}`)];
  const dash = text.lastIndexOf('-', last.start - 1);
  const indent = text.slice(text.lastIndexOf('\n', dash) + 1, dash);
  if (indent.trim() !== '') return [];
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const lineEnd = text.indexOf('\n', last.end - (text[last.end - 1] === '\n' ? 1 : 0));
  const at = lineEnd === -1 ? text.length : lineEnd + 1;
  const item = (last.flow ? [flow] : lines)
    .map((line, index) => `${indent}${index === 0 ? '- ' : '  '}${line}`)
    .join(eol);
  return [edit(list, at, at, lineEnd === -1 ? eol + item : item + eol)];
}

function block(lines: { level: number; text: string }[], column: number, value: string, eol: string): string {
  const base = lines[0]?.level ?? 0;
  const texts = lines.map(({ level, text }) => ' '.repeat(level === base ? 0 : column + (level - base) * 2) + text);
  return `${texts.join(eol)} ${value}`;
}

function edit(near: Located, start: number, end: number, newText: string): TextEdit {
  return { uri: near.source.uri, range: near.source.range(start, end), newText };
}

function entryEnd({ key, value }: LocatedEntry): number {
  return Math.max(value.source === key.source && value.start >= key.end ? value.end : 0, keyEnd(key));
}

function keyEnd(key: Located): number {
  const colon = key.source.text.indexOf(':', key.end);
  return colon === -1 ? key.end : colon + 1;
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', text[from - 1] === '\n' ? from - 1 : from);
  return end === -1 ? text.length : end + 1;
}
