import type { NamedSet } from './ruleset.ts';

interface Taken {
  /** The text without ipset's lines; blanks stand for them, so that lines and offsets stay true. */
  rest: string;
  ipset?: { lines: string[]; before: boolean };
  sets: NamedSet[];
}

/** `create hosts hash:ip family inet …` and `add hosts 10.0.0.1` of `ipset save`, which people paste beside their rules. */
export function takeIpset(text: string): Taken {
  if (!/^create \S+ (?:hash|bitmap|list):/m.test(text)) return { rest: text, sets: [] };
  const sets = new Map<string, NamedSet & { lines: string[] }>();
  const lines: string[] = [];
  let rules = 0;
  let before = true;
  const elements = new Map<string, string[]>();
  const rest = text.replace(/^.*$/gm, (raw) => {
    const line = raw.trimEnd();
    const [, verb, name = '', more = ''] = /^(create|add) (\S+) (.+)$/.exec(line) ?? [];
    const known = verb === 'create' ? /^(?:hash|bitmap|list):/.test(more) : sets.has(name);
    if (verb === undefined || !known) {
      if (/^(?:\*|-A |\[|Chain |table )/.test(line)) rules++;
      return raw;
    }
    if (lines.length === 0) before = rules === 0;
    lines.push(line);
    if (verb === 'create') {
      sets.set(name, { name, type: more.split(' ')[0] ?? '', elements: '', lines: [line] });
      elements.set(name, []);
    } else {
      sets.get(name)?.lines.push(line);
      elements.get(name)?.push(more);
    }
    return ' '.repeat(raw.length);
  });
  for (const set of sets.values()) set.elements = (elements.get(set.name) ?? []).join('\n');
  return { rest, ipset: { lines, before }, sets: [...sets.values()] };
}
