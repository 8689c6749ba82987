/**
 * A node's rules cut down to what decides about one Service: fifty thousand rules stay on the node, a hundred come over.
 * Works on lines, without parsing them whole.
 */
import { chainKind } from './chain-kind.ts';
import { serviceOfChain, serviceOfComment } from './find-frontends.ts';

export interface WantedService {
  namespace: string;
  name: string;
}

/** @param text `iptables-save` or `ip6tables-save`. @param wanted absent: all of kube-proxy's rules, and no others. */
export function filterSavedRules(text: string, wanted?: WantedService): string {
  return text
    .split(/^(?=\*)/m)
    .filter((table) => /^:KUBE-/m.test(table))
    .map((table) => filterTable(table.split('\n'), wanted))
    .join('');
}

function filterTable(lines: string[], wanted: WantedService | undefined): string {
  const rules = new Map<string, string[]>();
  for (const line of lines) {
    const chain = /^(?:\[\d+:\d+\] )?-A (\S+)/.exec(line)?.[1];
    if (chain === undefined) continue;
    const list = rules.get(chain);
    if (list) list.push(line);
    else rules.set(chain, [line]);
  }
  const kept = new Map<string, string[]>();
  const roots = [...rules.keys()].filter((chain) => chainKind(chain) === 'base');
  for (let chain = roots.pop(); chain !== undefined; chain = roots.pop()) {
    if (kept.has(chain)) continue;
    const own = (rules.get(chain) ?? []).filter((line) => isWanted(line, chain!, wanted));
    kept.set(chain, own);
    for (const line of own) roots.push(...(/ -[jg] (KUBE-\S+)/.exec(line)?.slice(1) ?? []));
  }
  // One rule of another Service may be all that tells which addresses are pods'.
  const telling = findTelling(rules, kept);
  if (telling) kept.set(telling.chain, [telling.line]);
  const heads = lines.filter((line) => {
    const [, chain, policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    return chain !== undefined && (policy !== '-' || kept.has(chain));
  });
  const body = [...rules.keys()].flatMap((chain) => kept.get(chain) ?? []);
  return [lines[0], ...heads, ...body, 'COMMIT', ''].join('\n');
}

/** A rule that treats clients outside the pod network apart, where none of those that were kept does. */
function findTelling(
  rules: ReadonlyMap<string, string[]>,
  kept: ReadonlyMap<string, string[]>,
): { chain: string; line: string } | undefined {
  const tells = (line: string) => / ! -[si] \S+ .*-j KUBE-MARK-MASQ/.test(line);
  if ([...kept.values()].some((own) => own.some(tells))) return undefined;
  for (const [chain, own] of rules) {
    const line = /^KUBE-SV[CL]-/.test(chain) ? own.find(tells) : undefined;
    if (line !== undefined) return { chain, line };
  }
  return undefined;
}

/** Of the kernel's chains what leads to kube-proxy's, of the lists of all Services this one. */
function isWanted(line: string, chain: string, wanted: WantedService | undefined): boolean {
  const kind = chainKind(chain);
  if (kind === 'base') return / -[jg] KUBE-/.test(line);
  if (!wanted || (kind !== 'services' && kind !== 'node-ports' && kind !== 'check')) return true;
  const said = serviceOfComment(/--comment (?:"([^"]*)"|(\S+))/.exec(line)?.slice(1).find(Boolean) ?? '');
  return !said || (said.namespace === wanted.namespace && said.name === wanted.name);
}

/** @param text `nft list table ip kube-proxy`, or several tables of that name. */
export function filterNftTable(text: string, wanted?: WantedService): string {
  if (!wanted) return text;
  return text
    .split(/^(?=table )/m)
    .map((table) => filterOneTable(table, wanted))
    .join('');
}

function filterOneTable(text: string, wanted: WantedService): string {
  const isOther = (name: string) => {
    const own = serviceOfChain(name);
    return own !== undefined && (own.namespace !== wanted.namespace || own.name !== wanted.name);
  };
  const out: string[] = [];
  const tells = (line: string) => /^\t\t.*(saddr|iifname) != .*jump mark-for-masquerade/.test(line);
  // One rule of another Service may be all that tells which addresses are pods'.
  let telling: string[] | undefined;
  let block: { lines: string[]; drop: boolean; isMap: boolean } | undefined;
  for (const line of text.split('\n')) {
    const [, kind, name = ''] = /^\t(chain|set|map) (\S+) \{/.exec(line) ?? [];
    if (kind) block = { lines: [line], drop: isOther(name.replace(/"/g, '')), isMap: kind === 'map' };
    else if (block) block.lines.push(line);
    else out.push(line);
    if (block && line === '\t}') {
      const told = block.lines.find(tells);
      if (!block.drop) out.push(...(block.isMap ? keepElements(block.lines, wanted) : block.lines));
      else if (told !== undefined && !telling) telling = [block.lines[0]!, told, '\t}'];
      block = undefined;
    }
  }
  // Cut off in the middle.
  if (block && !block.drop) out.push(...block.lines);
  const end = out.lastIndexOf('}');
  if (telling && end >= 0 && !out.some(tells)) out.splice(end, 0, ...telling);
  return out.join('\n');
}

/** A map's elements that name the Service, by the chain they lead to or by their comment. */
function keepElements(lines: string[], { namespace, name }: WantedService): string[] {
  const start = lines.findIndex((line) => /^\t\telements = \{/.test(line));
  if (start < 0) return lines;
  const inner = lines
    .slice(start, -1)
    .join('\n')
    .replace(/^\t\telements = \{|\}$/g, '');
  const elements = (inner.match(/(?:"(?:\\.|[^"\\])*"|[^,"])+/g) ?? []).map((each) => each.trim());
  const full = `${namespace}/${name}`;
  const kept = elements.filter((each) => new RegExp(`[-"]${full.replace(/[.]/g, '\\.')}(?=[/:"])`).test(each));
  const head = lines.slice(0, start);
  return kept.length ? [...head, `\t\telements = { ${kept.join(',\n\t\t\t     ')} }`, '\t}'] : [...head, '\t}'];
}
