import type { Ruleset } from '../interception/ruleset.ts';
import { chainKind } from './chain-kind.ts';
import { learnKubeNames } from './kube-names.ts';
import type { KubeNames } from './kube-names.ts';
import { readIptablesRule } from './read-iptables-rule.ts';

/** What a rule set shows of kube-proxy's Services; undefined where it has none of its chains. */
export function learnKubeNamesOf({ chains }: Ruleset): KubeNames | undefined {
  const own = chains.filter(
    ({ name }) => name.startsWith('KUBE-') || /^(service|local|external|firewall|endpoint)$/.test(chainKind(name)),
  );
  if (own.length === 0) return undefined;
  const read = own.map(({ table, name, rules }) => ({ table, name, rules: rules.map(readIptablesRule) }));
  return learnKubeNames([{ chains: new Map(read.map((chain, at) => [`${at}`, chain])) }]);
}
