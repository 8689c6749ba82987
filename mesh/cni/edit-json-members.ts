/** Edits of any JSON text, member by member: what is not named stays as it is, to the byte. */
import { type JsonNode, locateJson, memberOf, replaceText, UnreadableJson } from './json-text.ts';

/** A member of an object, or an item of an array. */
export type JsonPath = readonly (string | number)[];

/** The text of the value at a path; undefined when there is none. @throws {UnreadableJson} */
export function textAt(text: string, path: JsonPath): string | undefined {
  const node = nodeAt(locateJson(text), path);
  return node && text.slice(node.start, node.end);
}

/**
 * The text with another value at a path; objects that are missing on the way are made.
 * @param value JSON text.
 * @throws {UnreadableJson} when something on the way is no object.
 */
export function setValue(text: string, path: JsonPath, value: string): string {
  const root = locateJson(text);
  const there = nodeAt(root, path);
  if (there) return replaceText(text, there.start, there.end, value);
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const parent = nodeAt(root, path.slice(0, depth));
    if (!parent) continue;
    if (parent.kind !== 'object') throw new UnreadableJson(`${path.slice(0, depth).join('.')} is no object`);
    const inner = path
      .slice(depth + 1)
      .reduceRight<string>((nested, key) => `{${JSON.stringify(key)}:${nested}}`, value);
    return addMember(text, parent, String(path[depth]), inner);
  }
  throw new UnreadableJson('the value is no object');
}

/** One more item at the end of the array at a path, laid out like its neighbours. @throws {UnreadableJson} */
export function appendItem(text: string, path: JsonPath, value: string): string {
  const array = nodeAt(locateJson(text), path);
  if (array?.kind !== 'array') throw new UnreadableJson(`${path.join('.')} is no list`);
  const last = array.items.at(-1);
  if (!last) return replaceText(text, array.start, array.end, `[${value}]`);
  const before = array.items.at(-2);
  const separator = before
    ? text.slice(before.end, last.start)
    : `,${text.slice(array.start + 1, last.start) || (/^\s/.test(text.slice(last.end)) ? ' ' : '')}`;
  return replaceText(text, last.end, last.end, separator + value);
}

/** The array at a path without one of its items. @throws {UnreadableJson} */
export function removeItem(text: string, path: JsonPath, place: number): string {
  const array = nodeAt(locateJson(text), path);
  if (array?.kind !== 'array') throw new UnreadableJson(`${path.join('.')} is no list`);
  const { items } = array;
  const [item, before, after] = [items[place], items[place - 1], items[place + 1]];
  if (!item) return text;
  if (before) return replaceText(text, before.end, item.end, '');
  return replaceText(text, item.start, after ? after.start : item.end, '');
}

/** The items of the array at a path, as text; empty when there is no array. */
export function itemsAt(text: string, path: JsonPath): string[] {
  const array = nodeAt(locateJson(text), path);
  return array?.kind === 'array' ? array.items.map(({ start, end }) => text.slice(start, end)) : [];
}

function nodeAt(root: JsonNode, path: JsonPath): JsonNode | undefined {
  return path.reduce<JsonNode | undefined>(
    (node, part) => node && (typeof part === 'number' ? node.items[part] : memberOf(node, part)),
    root,
  );
}

function addMember(text: string, parent: JsonNode, key: string, value: string): string {
  const last = parent.members.at(-1)?.value;
  if (!last) return replaceText(text, parent.start, parent.end, `{${JSON.stringify(key)}:${value}}`);
  // What stands before the last member's name: its line end and indentation, or nothing.
  const end = parent.members.at(-2)?.value.end ?? parent.start;
  const space = /^[,{]?(\s*)/.exec(text.slice(end))![1]!;
  const colon = /:(\s*)$/.exec(text.slice(end, last.start))?.[1] ?? '';
  return replaceText(text, last.end, last.end, `,${space}${JSON.stringify(key)}:${colon}${value}`);
}
