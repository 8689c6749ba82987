/**
 * What iptables-restore is fed, always with `--noflush`: rules of others in the netns stay. Each table is one transaction of
 * the kernel's, so at every moment a packet meets the old rules of a table or the new ones.
 */
import { isBuiltIn } from '../../mesh/interception/infer-table.ts';
import type { IptablesChain, Ruleset } from '../../mesh/interception/ruleset.ts';

type Tables = Map<string, Map<string, IptablesChain>>;

/**
 * For a netns without rules of Istio. `-N`, not a declaration: where a chain of that name is there already the table is
 * refused as a whole, and nobody had to look before.
 */
export function printFresh({ chains }: Ruleset): string {
  return print(
    [...tablesOf(chains)].map(([table, own]) => [
      table,
      [
        ...[...own.keys()].filter((name) => !isBuiltIn(name)).map((name) => `-N ${name}`),
        ...[...own.values()].flatMap(({ rules }) => rules.map(({ text }) => text)),
      ],
    ]),
  );
}

/** What makes the rules that are there those that shall be; empty when they are. Chains that stay alike are not touched. */
export function printTransition(now: Ruleset, target: Ruleset): string {
  const [from, to] = [tablesOf(now.chains), tablesOf(target.chains)];
  const names = [...new Set([...from.keys(), ...to.keys()])];
  return print(names.map((table) => [table, transitionOf(from.get(table) ?? new Map(), to.get(table) ?? new Map())]));
}

function transitionOf(from: Map<string, IptablesChain>, to: Map<string, IptablesChain>): string[] {
  const gone = [...from.keys()].filter((name) => !isBuiltIn(name) && !to.has(name));
  const emptied = [...from.values()].filter(({ name, rules }) => isBuiltIn(name) && !to.has(name) && rules.length > 0);
  const changed = [...to.values()].filter(
    (chain) => textOf(chain.name, chain) !== textOf(chain.name, from.get(chain.name)),
  );
  return [
    // Declaring a chain empties it, and makes it where it is missing.
    ...[...changed, ...emptied].map(({ name }) => (isBuiltIn(name) ? `-F ${name}` : `:${name} - [0:0]`)),
    ...gone.map((name) => `:${name} - [0:0]`),
    ...changed.flatMap(({ rules }) => rules.map(({ text }) => text)),
    ...gone.map((name) => `-X ${name}`),
  ];
}

/** A built-in chain is always there; a chain of the user's that is not there is unlike an empty one. */
function textOf(name: string, chain: IptablesChain | undefined): string | undefined {
  if (!chain) return isBuiltIn(name) ? '' : undefined;
  return chain.rules.map(({ text }) => `${text}\n`).join('');
}

/** The rules that are there without Istio's, whoever programmed them. */
export function withoutIstio(now: Ruleset, wanted?: Ruleset): Ruleset {
  if (!hasIstio(now)) return now;
  const ours = new Set(wanted?.chains.flatMap(({ table, rules }) => rules.map(({ text }) => `${table} ${text}`)));
  const chains = now.chains
    .filter(({ name }) => !isIstioChain(name))
    .map((chain) => ({
      ...chain,
      rules: chain.rules.filter(
        ({ text, target }) => !isIstioRule(text, target) && !ours.has(`${chain.table} ${text}`),
      ),
    }));
  return { ...now, chains };
}

/** The rules of others, and behind them the wanted ones. */
export function withIstio(now: Ruleset, wanted: Ruleset): Ruleset {
  const tables = tablesOf(withoutIstio(now, wanted).chains);
  for (const chain of wanted.chains) {
    const table = tables.get(chain.table) ?? new Map<string, IptablesChain>();
    const others = table.get(chain.name)?.rules ?? [];
    table.set(chain.name, { ...chain, rules: [...others, ...chain.rules] });
    tables.set(chain.table, table);
  }
  return { ...now, chains: [...tables.values()].flatMap((table) => [...table.values()]) };
}

export function hasIstio({ chains }: Ruleset): boolean {
  return chains.some(({ name }) => isIstioChain(name));
}

export function hasRules({ chains }: Ruleset): boolean {
  return chains.some(({ name, rules }) => rules.length > 0 || !isBuiltIn(name));
}

function isIstioChain(name: string): boolean {
  return name.startsWith('ISTIO_');
}

/** Of the built-in chains: the jumps, the marks of TPROXY and of ambient, interfaces that are passed by. */
function isIstioRule(text: string, target: string | undefined): boolean {
  return (
    (target !== undefined && isIstioChain(target)) ||
    /--(?:mark|set-xmark|tproxy-mark) 0x(?:539|53a|111)(?:\/|\s|$)/.test(text) ||
    /^-A (?:PREROUTING -i|OUTPUT -o) \S+ -j RETURN$/.test(text)
  );
}

function tablesOf(chains: readonly IptablesChain[]): Tables {
  const tables: Tables = new Map();
  for (const chain of chains) {
    const table = tables.get(chain.table) ?? new Map<string, IptablesChain>();
    table.set(chain.name, chain);
    tables.set(chain.table, table);
  }
  return tables;
}

function print(tables: readonly (readonly [string, readonly string[]])[]): string {
  return tables
    .filter(([, lines]) => lines.length > 0)
    .map(([table, lines]) => [`*${table}`, ...lines, 'COMMIT', ''].join('\n'))
    .join('');
}
