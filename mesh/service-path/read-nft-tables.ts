import type { KubeChain, KubeRuleset, MapElement, NamedSet } from './kube-rules.ts';
import { chainKey } from './kube-rules.ts';
import { readNftRule, readVerdict, splitElements, splitPair, unquote } from './read-nft-rule.ts';

/** kube-proxy's own tables in the output of `nft list ruleset` or `nft list table`: one per family. */
export function readNftTables(text: string): KubeRuleset[] {
  const tables = new Map<string, KubeRuleset>();
  let table: KubeRuleset | undefined;
  let block: Block | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const opened = /^table (ip6?) kube-proxy \{/.exec(line);
    if (opened) {
      const family = opened[1] === 'ip6' ? '6' : '4';
      table = tables.get(family) ?? emptyTable(family);
      tables.set(family, table);
    } else if (/^table /.test(line)) table = undefined;
    if (!table) continue;
    const begun = /^(chain|set|map) ("[^"]*"|\S+) \{/.exec(line);
    if (begun) block = { kind: begun[1]!, name: unquote(begun[2]!), lines: [] };
    else if (line === '}' && block) {
      closeBlock(table, block);
      block = undefined;
    } else if (block && line !== '') block.lines.push(line);
  }
  // Cut off in the middle: what is there still counts.
  if (table && block) {
    closeBlock(table, block);
    table.warnings.push(block.name);
  }
  return [...tables.values()];
}

interface Block {
  kind: string;
  name: string;
  lines: string[];
}

function emptyTable(family: '4' | '6'): KubeRuleset {
  return { mode: 'nftables', family, chains: new Map(), sets: new Map(), maps: new Map(), warnings: [] };
}

function closeBlock(table: KubeRuleset, { kind, name, lines }: Block): void {
  if (kind === 'chain') table.chains.set(chainKey('kube-proxy', name), readChain(name, lines));
  else if (kind === 'set') table.sets.set(name, readSet(lines));
  else table.maps.set(name, readMap(lines));
}

function readChain(name: string, lines: string[]): KubeChain {
  const chain: KubeChain = { table: 'kube-proxy', name, rules: [] };
  for (const line of lines) {
    const hook = /^type (\w+) hook (\w+) .*?priority ([^;]+);/.exec(line);
    if (hook) Object.assign(chain, { type: hook[1], hook: hook[2], priority: readPriority(hook[3] ?? '') });
    else if (!/^comment "/.test(line)) chain.rules.push(readNftRule('kube-proxy', name, line));
  }
  return chain;
}

const namedPriorities: Record<string, number> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** `dstnat - 10`, `-110`, `filter` */
function readPriority(written: string): number {
  const [, word = '', sign = '+', number = '0'] = /^([a-z]+)?\s*([+-])?\s*(\d+)?$/.exec(written.trim()) ?? [];
  return (namedPriorities[word] ?? 0) + (sign === '-' ? -1 : 1) * Number(number);
}

function elementsOf(lines: string[]): string[] {
  const from = lines.findIndex((line) => line.startsWith('elements = {'));
  if (from < 0) return [];
  const text = lines
    .slice(from)
    .join(' ')
    .replace(/^elements = /, '')
    .replace(/\}[^}]*$/, '}');
  return splitElements(text.endsWith('}') ? text : `${text}}`);
}

function readSet(lines: string[]): NamedSet {
  const timeout = lines.map((line) => /^timeout (\S+)/.exec(line)?.[1]).find((found) => found !== undefined);
  return {
    elements: elementsOf(lines).map((element) => element.split(/\s/)[0] ?? ''),
    ...(timeout !== undefined && { timeout: readDuration(timeout) }),
  };
}

function readMap(lines: string[]): MapElement[] {
  return elementsOf(lines).flatMap((entry) => {
    const [left, right] = splitPair(entry);
    const verdict = readVerdict(right);
    if (!verdict) return [];
    const comment = /comment ("(?:\\.|[^"\\])*")/.exec(left);
    const key = left.replace(/\s+(comment|counter|timeout|expires)\b.*$/, '');
    return [{ key, verdict, ...(comment && { comment: unquote(comment[1]!) }) }];
  });
}

/** `3h`, `2h46m40s`, `1d` → seconds. */
function readDuration(written: string): number {
  const units: Record<string, number> = { d: 86400, h: 3600, m: 60, s: 1, ms: 0.001 };
  return [...written.matchAll(/(\d+)(ms|d|h|m|s)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0),
    0,
  );
}
