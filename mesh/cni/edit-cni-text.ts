/** Edits of a CNI configuration’s text: what is not named stays as it is, to the byte. */
import { compareCniVersions } from './cni-versions.ts';
import { itemsAt, removeItem } from './edit-json-members.ts';
import { type JsonNode, locateJson, memberOf, replaceText, UnreadableJson } from './json-text.ts';

/** The list with one more plugin at its end, laid out like its neighbours. @param entry JSON text of the plugin. */
export function insertPlugin(text: string, entry: string): string {
  const plugins = pluginsOf(text);
  const last = plugins.items.at(-1);
  if (!last) throw new UnreadableJson('the list has no plugins');
  const separator = separatorOf(text, plugins);
  const multiline = separator.includes('\n') && /\n/.test(text.slice(last.start, last.end));
  return replaceText(
    text,
    last.end,
    last.end,
    separator + layOut(entry, multiline ? indentOf(separator) : undefined, text),
  );
}

/** The list without the plugins at these places. Undoes {@link insertPlugin}, whoever edited around it in between. */
export function removePlugins(text: string, places: readonly number[]): string {
  let result = text;
  for (const place of [...places].sort((a, b) => b - a)) {
    const { items } = pluginsOf(result);
    const [item, before, after] = [items[place]!, items[place - 1], items[place + 1]];
    if (before) result = replaceText(result, before.end, item.end, '');
    else if (after) result = replaceText(result, item.start, after.start, '');
    else throw new UnreadableJson('no plugin would remain');
  }
  return result;
}

/** The text of one plugin in a list. */
export function pluginText(text: string, place: number): string {
  const { start, end } = pluginsOf(text).items[place]!;
  return text.slice(start, end);
}

/** A list around a single configuration, whose text stands in it byte for byte. @param entry JSON text of the plugin that follows. */
export function wrapInList(conf: string, cniVersion: string, name: string, entry: string): string {
  const eol = conf.includes('\r\n') ? '\r\n' : '\n';
  const plugin = conf.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  const second = layOut(entry, plugin.includes('\n') ? '    ' : undefined, conf);
  return [
    '{',
    `  "cniVersion": ${JSON.stringify(cniVersion)},`,
    `  "name": ${JSON.stringify(name)},`,
    '  "plugins": [',
    `    ${plugin},`,
    `    ${second}`,
    '  ]',
    '}',
    '',
  ].join(eol);
}

/**
 * The configuration with another version; with one, where it had none. Versions offered beside it (`cniVersions`) that would
 * win over it are taken out.
 */
export function setCniVersion(text: string, cniVersion: string): string {
  const lower = withoutHigher(text, cniVersion);
  const root = locateJson(lower);
  const value = memberOf(root, 'cniVersion');
  const offered = memberOf(root, 'cniVersions')?.items.map(({ start, end }) => lower.slice(start, end)) ?? [];
  if (!value && offered.includes(JSON.stringify(cniVersion))) return lower;
  if (value && isLower(JSON.parse(lower.slice(value.start, value.end)), cniVersion, offered)) return lower;
  if (value) return replaceText(lower, value.start, value.end, JSON.stringify(cniVersion));
  const space = /^[ \t\r\n]*/.exec(lower.slice(root.start + 1))![0];
  const member = `${space}"cniVersion":${space === '' ? '' : ' '}${JSON.stringify(cniVersion)},`;
  return replaceText(lower, root.start + 1, root.start + 1, member);
}

/** Older runtimes know `cniVersion` alone: where the wanted one is offered beside it, that stays as it is. */
function isLower(value: unknown, cniVersion: string, offered: readonly string[]): boolean {
  return (
    typeof value === 'string' &&
    compareCniVersions(value, cniVersion) < 0 &&
    offered.includes(JSON.stringify(cniVersion))
  );
}

function withoutHigher(text: string, cniVersion: string): string {
  const items = itemsAt(text, ['cniVersions']);
  const isHigher = (item: string | undefined) => compareCniVersions(String(JSON.parse(item ?? '""')), cniVersion) > 0;
  return items.reduceRight(
    (result, item, place) => (isHigher(item) ? removeItem(result, ['cniVersions'], place) : result),
    text,
  );
}

function pluginsOf(text: string): JsonNode {
  const plugins = memberOf(locateJson(text), 'plugins');
  if (plugins?.kind !== 'array') throw new UnreadableJson('there is no list of plugins');
  return plugins;
}

/** What stands between two plugins of this list. */
function separatorOf(text: string, { start, items }: JsonNode): string {
  const [first] = items;
  const [before, last] = items.slice(-2);
  if (before && last) return text.slice(before.end, last.start);
  return `,${text.slice(start + 1, first!.start)}`;
}

function indentOf(separator: string): string {
  return /[ \t]*$/.exec(separator)![0];
}

/** No text in JSON holds a line end, so that lines may be moved as they are. @param indent undefined: all in one line. */
function layOut(entry: string, indent: string | undefined, like: string): string {
  const lines = entry.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '').split(/\r?\n|\r/);
  if (indent === undefined) return lines.map((line, at) => (at === 0 ? line : line.replace(/^[ \t]+/, ''))).join('');
  const deepestCommon = Math.min(
    ...lines.slice(1).map((line) => (line.trim() === '' ? Infinity : /^[ \t]*/.exec(line)![0].length)),
    200,
  );
  return lines
    .map((line, at) => (at === 0 ? line : indent + line.slice(deepestCommon)))
    .join(like.includes('\r\n') ? '\r\n' : '\n');
}
