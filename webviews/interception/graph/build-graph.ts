import * as l10n from '@vscode/l10n';
import type { ReadingView } from '../../../contract/interception-view.ts';
import { isBuiltIn } from '../../../mesh/interception/infer-table.ts';
import { plainChain, plainTable } from '../../../mesh/interception/interception-facts.ts';
import type { IptablesRule } from '../../../mesh/interception/ruleset.ts';
import { indexRows, parseReading } from '../index-rows.ts';
import { sayConditions } from './say-conditions.ts';

export interface GraphNode {
  id: string;
  /** `hook`: a chain that the kernel itself enters; `end`: a verdict or port; `action`: done on the way, the packet goes on. */
  kind: 'hook' | 'chain' | 'end' | 'action';
  title: string;
  /** The table of a chain; what an end means. */
  subtitle: string;
  /** `table/CHAIN`, of chains. */
  chain?: string;
  /** Rules by number: of a chain its own, of an end those that lead there. */
  rules: number[];
}

export interface GraphEdge {
  id: string;
  from: string;
  to: string;
  /** `then`: the kernel goes on with the next table. */
  kind: 'rule' | 'then' | 'policy';
  /** At most three lines. */
  label: string[];
  /** By number. */
  rules: number[];
}

export interface ChainGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** Chains that were left out, because nobody can read a graph of so many. */
  leftOut: number;
}

/** More boxes than that are a picture of a picture. */
const mostChains = 120;

const graphs = new WeakMap<ReadingView, ChainGraph>();

/** Hooks → chains → verdicts and ports; rules between the same two are one edge. Made once per reading. */
export function buildGraph(reading: ReadingView): ChainGraph {
  let graph = graphs.get(reading);
  if (!graph) {
    graph = new GraphBuilder(reading).build();
    graphs.set(reading, graph);
  }
  return graph;
}

interface DrawnChain {
  id: string;
  table: string;
  name: string;
  policy?: string | undefined;
  isHook: boolean;
  rules: { rule: IptablesRule; index: number }[];
}

class GraphBuilder {
  readonly #chains = new Map<string, DrawnChain>();
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, GraphEdge & { conditions: string[] }>();
  readonly #packets: number[];
  /** Chains that nothing leads to, as far as the reading tells. */
  readonly #unnamed: ReadonlySet<string>;

  constructor(reading: ReadingView) {
    const { ruleset } = parseReading(reading);
    this.#packets = indexRows(reading).rows.map(({ row }) => row.packets ?? 0);
    this.#unnamed = new Set(
      reading.chains.filter(({ usedBy }) => usedBy?.length === 0).map(({ table, chain }) => `${table}/${chain}`),
    );
    let index = 0;
    ruleset.chains.forEach(({ name, policy, rules, table: written }, at) => {
      // The view's own name of the table: it tells IPv4 from IPv6 where one text has both.
      const table = reading.chains[at]?.table ?? written;
      const isHook = policy !== undefined || isBuiltIn(plainChain(written, name));
      const id = `${table}/${name}`;
      const before = this.#chains.get(id);
      const numbered = rules.map((rule) => ({ rule, index: index++ }));
      this.#chains.set(id, { id, table, name, policy, isHook, rules: [...(before?.rules ?? []), ...numbered] });
    });
  }

  build(): ChainGraph {
    const wanted = [...this.#chains.values()].filter(
      ({ rules, policy }) => rules.length > 0 || (policy !== undefined && policy !== 'ACCEPT'),
    );
    const drawn = this.#choose(wanted);
    for (const chain of drawn) this.#addChain(chain);
    for (const chain of drawn) this.#addRules(chain);
    this.#addOrder(drawn);
    this.#markUnreached();
    return {
      nodes: [...this.#nodes.values()],
      edges: [...this.#edges.values()].map(({ conditions, ...edge }) => ({ ...edge, label: shorten(conditions) })),
      leftOut: wanted.length - drawn.length,
    };
  }

  /** From the hooks outwards, the busiest first, as many as can be read. */
  #choose(wanted: DrawnChain[]): DrawnChain[] {
    if (wanted.length <= mostChains) return wanted;
    const chosen = new Set<DrawnChain>(wanted.filter(({ isHook }) => isHook).slice(0, mostChains));
    for (const chain of chosen) {
      const next = chain.rules
        .map(({ rule, index }) => ({ to: this.#target(chain, rule), packets: this.#packets[index] ?? 0 }))
        .sort((a, b) => b.packets - a.packets);
      for (const { to } of next) if (to && to.rules.length > 0 && chosen.size < mostChains) chosen.add(to);
    }
    return wanted.filter((chain) => chosen.has(chain));
  }

  #target(chain: DrawnChain, { target }: IptablesRule): DrawnChain | undefined {
    return target === undefined ? undefined : this.#chains.get(`${chain.table}/${target}`);
  }

  #addChain(chain: DrawnChain): void {
    this.#nodes.set(chain.id, {
      id: chain.id,
      kind: chain.isHook ? 'hook' : 'chain',
      title: chain.name,
      subtitle: chain.table,
      chain: chain.id,
      rules: chain.rules.map(({ index }) => index),
    });
  }

  #addRules(chain: DrawnChain): void {
    for (const { rule, index } of chain.rules) {
      const to = this.#target(chain, rule);
      if (to && !this.#nodes.has(to.id) && to.rules.length > 0) continue;
      if (to) {
        if (!this.#nodes.has(to.id)) this.#addChain(to);
        this.#connect(chain.id, to.id, rule, index);
        continue;
      }
      const end = endOf(chain, rule);
      const node = this.#nodes.get(end.id);
      if (node) node.rules.push(index);
      else this.#nodes.set(end.id, { ...end, rules: [index] });
      this.#connect(chain.id, end.id, rule, index);
    }
    if (chain.policy === undefined || chain.policy === 'ACCEPT') return;
    const id = `end ${chain.table} ${chain.policy}`;
    if (!this.#nodes.has(id))
      this.#nodes.set(id, { id, kind: 'end', title: chain.policy, subtitle: sayEnd(chain.policy), rules: [] });
    const conditions = [l10n.t('what no rule took')];
    const edge = `${chain.id} policy`;
    this.#edges.set(edge, { id: edge, from: chain.id, to: id, kind: 'policy', rules: [], label: [], conditions });
  }

  #connect(from: string, to: string, rule: IptablesRule, index: number): void {
    const id = `${from} → ${to}`;
    let edge = this.#edges.get(id);
    if (!edge) {
      edge = { id, from, to, kind: 'rule', rules: [], label: [], conditions: [] };
      this.#edges.set(id, edge);
    }
    edge.rules.push(index);
    edge.conditions.push(sayConditions(rule));
  }

  #markUnreached(): void {
    const reached = new Set([...this.#edges.values()].map(({ to }) => to));
    for (const node of this.#nodes.values())
      if (node.kind === 'chain' && !reached.has(node.id) && this.#unnamed.has(node.id))
        node.subtitle = l10n.t('{0} · no rule leads here', node.subtitle);
  }

  /** raw → mangle → nat → filter of one hook, as far as they hold rules. */
  #addOrder(drawn: DrawnChain[]): void {
    const order = ['raw', 'mangle', 'nat', 'filter', 'security'];
    const place = ({ table }: DrawnChain) => order.indexOf(plainTable(table).split(' ')[0] ?? '');
    const hooks = new Map<string, DrawnChain[]>();
    for (const chain of drawn) {
      if (!chain.isHook || place(chain) < 0) continue;
      const hook = `${plainChain(chain.table, chain.name)} ${chain.table.split(' · ')[1] ?? ''}`;
      hooks.set(hook, [...(hooks.get(hook) ?? []), chain]);
    }
    for (const chains of hooks.values()) {
      chains.sort((a, b) => place(a) - place(b));
      chains.slice(1).forEach((chain, at) => {
        const from = chains[at]!.id;
        const id = `${from} then ${chain.id}`;
        const conditions = [l10n.t('then')];
        this.#edges.set(id, { id, from, to: chain.id, kind: 'then', rules: [], label: [], conditions });
      });
    }
  }
}

/** Where a rule ends that leads to no chain. RETURN is of its chain alone: it goes back to where that was entered. */
function endOf({ id, table }: DrawnChain, { target, targetOptions }: IptablesRule): Omit<GraphNode, 'rules'> {
  const option = (name: string) => targetOptions.find((each) => each.option === name)?.values[0];
  const end = (title: string, subtitle: string, own = `${table} ${title}`) => ({
    id: `end ${own}`,
    kind: 'end' as const,
    title,
    subtitle,
  });
  switch (target) {
    case undefined:
      return { ...end(l10n.t('counted'), l10n.t('goes on'), `${id} counted`), kind: 'action' };
    case 'RETURN':
      return end('RETURN', l10n.t('back to the caller'), `${id} RETURN`);
    case 'ACCEPT':
    case 'DROP':
    case 'REJECT':
      return end(target, sayEnd(target));
    case 'REDIRECT':
      return end(`:${option('--to-ports') ?? '?'}`, 'REDIRECT');
    case 'TPROXY':
      return end(`:${option('--on-port') ?? '?'}`, 'TPROXY');
    case 'DNAT':
      return end(option('--to-destination') ?? '?', 'DNAT');
    case 'SNAT':
      return end(option('--to-source') ?? '?', 'SNAT');
    case 'MASQUERADE':
      return end('MASQUERADE', l10n.t('source becomes the node’s'));
    default: {
      const value = targetOptions.flatMap(({ values }) => values).join(' ');
      const known = /^(MARK|CONNMARK|CT|NOTRACK|LOG|NFLOG|TRACE|TCPMSS|DSCP|TOS|TTL|HL|CHECKSUM|CLASSIFY|SET)$/.test(
        target,
      );
      const written = `${table} ${target} ${targetOptions.map((each) => `${each.option} ${each.values.join(' ')}`).join(' ')}`;
      return { ...end(target, cut(value, 26), written), kind: known ? 'action' : 'end' };
    }
  }
}

function sayEnd(verdict: string): string {
  switch (verdict) {
    case 'ACCEPT':
      return l10n.t('passes');
    case 'DROP':
      return l10n.t('dropped');
    case 'REJECT':
      return l10n.t('refused');
    default:
      return '';
  }
}

/** Two conditions and how many more there are. */
function shorten(conditions: string[]): string[] {
  const different = [...new Set(conditions)];
  const shown = different.slice(0, different.length === 3 ? 3 : 2).map((text) => cut(text, 34));
  const more = different.length - shown.length;
  return more > 0 ? [...shown, l10n.t('and {0} more', more)] : shown;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
