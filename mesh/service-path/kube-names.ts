/** Which Service a chain belongs to, and how much of its traffic each rule of chance takes. */
import { chainKind } from './chain-kind.ts';
import { serviceOfChain, serviceOfComment } from './find-frontends.ts';
import type { KubeRule, KubeRuleset } from './kube-rules.ts';

/** What a rule's sentence needs to know of the rules around it. */
export interface KubeNames {
  /** `default/web:http`, by chain. */
  services: ReadonlyMap<string, string>;
  /** Where an endpoint's chain sends to: `10.88.0.2:8080`, by chain. */
  endpoints: ReadonlyMap<string, string>;
  /** Part of all clients that come to the rule's chain whom this rule takes, 0 to 1, by the rule's text. */
  shares: ReadonlyMap<string, number>;
}

export const noNames: KubeNames = { services: new Map(), endpoints: new Map(), shares: new Map() };

export function learnKubeNames(rulesets: readonly Pick<KubeRuleset, 'chains'>[]): KubeNames {
  const services = new Map<string, string>();
  const endpoints = new Map<string, string>();
  const shares = new Map<string, number>();
  for (const { chains } of rulesets) {
    for (const { name, rules } of chains.values()) {
      const own = serviceOfChain(name);
      if (own) services.set(name, label(own));
      if (isOwned(name)) learnShares(rules, shares);
      for (const rule of rules) {
        const said = serviceOfComment(rule.comment ?? '');
        for (const action of rule.actions) {
          if (action.kind === 'dnat' && chainKind(name) === 'endpoint') endpoints.set(name, printEndpoint(action));
          if (said && 'chain' in action && isOwned(action.chain)) services.set(action.chain, label(said));
        }
        if (said && isOwned(name)) services.set(name, label(said));
      }
    }
  }
  return { services, endpoints, shares };
}

export function label({ namespace, name, port }: { namespace: string; name: string; port: string }): string {
  return `${namespace}/${name}${port === '' ? '' : `:${port}`}`;
}

export function printEndpoint({ address, port }: { address: string; port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function isOwned(chain: string): boolean {
  return /^(service|local|external|firewall|endpoint)$/.test(chainKind(chain));
}

/** `0.333`, `0.5`, the rest → a third each. */
function learnShares(rules: readonly KubeRule[], shares: Map<string, number>): void {
  let left = 1;
  for (const rule of rules) {
    const toEndpoint = rule.actions.some((action) => 'chain' in action && chainKind(action.chain) === 'endpoint');
    if (!toEndpoint || rule.conditions.some(({ kind }) => kind === 'affinity')) continue;
    const chance = rule.conditions.find((each) => each.kind === 'chance');
    const own = chance ? left * chance.probability : left;
    shares.set(rule.text, own);
    left -= own;
  }
}
