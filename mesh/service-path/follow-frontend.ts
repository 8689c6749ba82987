/** One frontend and one kind of client → where its connections go, through the kernel's hooks in their order. */
import { parseRange } from '../interception/address-range.ts';
import type { Client } from './clients.ts';
import type { Frontend } from './find-frontends.ts';
import type { KubeChain, KubeRule, KubeRuleset } from './kube-rules.ts';
import { findChain } from './kube-rules.ts';
import type { FirstPacket, Outcome, WalkedStep } from './walk-chains.ts';
import { Walk } from './walk-chains.ts';

export interface Followed {
  /** Sent to an endpoint, refused or dropped; what is missing to 1 no rule took. */
  outcomes: Outcome[];
  steps: WalkedStep[];
  /** Part of what reaches an endpoint that does so with the node's address as its source. */
  masqueraded: number;
  undecided: ReadonlySet<string>;
}

export interface FollowOptions {
  /** An address of the node to which node ports are bound. */
  nodeAddress?: string;
  remembered?: string;
}

export function followFrontend(
  rules: KubeRuleset,
  frontend: Frontend,
  client: Client,
  options: FollowOptions = {},
): Followed {
  const packet = makePacket(rules, frontend, client, options);
  const walk = new Walk(rules, packet);
  let streams = [{ weight: 1, mark: 0 }] as ReturnType<Walk['through']>;
  for (const chain of chainsBeforeNat(rules, packet)) streams = walk.through(chain, streams);
  const sent = walk.takeOutcomes();
  // What is on its way to an endpoint passes the filter as that: only what kept its destination is still looked at here.
  for (const chain of chainsAfterNat(rules, packet)) streams = walk.through(chain, streams);
  const refused = walk.takeOutcomes().filter(({ kind }) => kind === 'drop' || kind === 'reject');
  const outcomes = [...sent.filter(({ kind }) => kind !== 'accept'), ...refused];
  const reached = outcomes.filter(({ kind }) => kind === 'endpoint');
  let masqueraded = 0;
  for (const outcome of reached) {
    walk.through(postrouting(rules), [outcome]);
    masqueraded += walk
      .takeOutcomes()
      .filter(({ by }) => by.actions.some(({ kind }) => kind === 'masquerade'))
      .reduce((sum, { weight }) => sum + weight, 0);
  }
  const total = reached.reduce((sum, { weight }) => sum + weight, 0);
  return { outcomes, steps: walk.steps, masqueraded: total > 0 ? masqueraded / total : 0, undecided: walk.undecided };
}

const anyNode = { '4': '198.51.100.1', '6': '2001:db8:1::1' };

function makePacket(rules: KubeRuleset, frontend: Frontend, { packet }: Client, options: FollowOptions): FirstPacket {
  const { family, sets } = rules;
  const isNode = frontend.kind === 'node-port';
  const text = isNode
    ? (options.nodeAddress ?? sets.get('nodeport-ips')?.elements[0] ?? anyNode[family])
    : frontend.address;
  return {
    ...packet,
    destination: parseRange(text)?.first ?? 0n,
    destinationText: text,
    destinationLocal: isNode,
    protocol: frontend.service.protocol,
    port: frontend.port,
    ...(options.remembered !== undefined && { remembered: options.remembered }),
  };
}

function hooked(
  { chains }: KubeRuleset,
  hook: string,
  wanted: (chain: KubeChain) => boolean = () => true,
): KubeChain[] {
  return [...chains.values()]
    .filter((chain) => chain.hook === hook && wanted(chain))
    .sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
}

const natPriority = -100;

function chainsBeforeNat(rules: KubeRuleset, { sourceLocal }: FirstPacket): KubeChain[] {
  const hook = sourceLocal ? 'output' : 'prerouting';
  if (rules.mode === 'nftables') return hooked(rules, hook, ({ priority = 0 }) => priority <= natPriority);
  // A text cut down to kube-proxy's own chains may lack the kernel's: then begin where they would have led.
  const services = findChain(rules, 'nat', 'KUBE-SERVICES');
  const chains = hooked(rules, hook, ({ table, rules: own }) => table === 'nat' && own.some(leadsToKube));
  return chains.length > 0 ? chains : services ? [services] : [];
}

function leadsToKube({ actions }: KubeRule): boolean {
  return actions.some((action) => 'chain' in action && action.chain === 'KUBE-SERVICES');
}

function chainsAfterNat(rules: KubeRuleset, { sourceLocal, destinationLocal }: FirstPacket): KubeChain[] {
  const hooks = [...(sourceLocal ? ['output'] : []), destinationLocal ? 'input' : sourceLocal ? '' : 'forward'];
  return hooks.flatMap((hook) =>
    rules.mode === 'nftables'
      ? hooked(rules, hook, ({ priority = 0 }) => priority > natPriority)
      : hooked(rules, hook, ({ table }) => table === 'filter'),
  );
}

function postrouting(rules: KubeRuleset): KubeChain | undefined {
  const chains = hooked(rules, 'postrouting', ({ table }) => table === 'nat' || table === 'kube-proxy');
  return chains.find(({ rules: own }) => own.length > 0) ?? findChain(rules, 'nat', 'KUBE-POSTROUTING');
}
