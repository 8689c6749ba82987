import type { IptablesRule, Match, Ruleset } from '../ruleset.ts';
import type { Chain, Chains } from './walk-rules.ts';

/** Extensions of iptables that nft prints by name alone, and that mean nothing without their values. */
const needsValues = new Set(['REDIRECT', 'TPROXY', 'DNAT', 'SNAT', 'MARK', 'CONNMARK', 'CT', 'NFQUEUE']);
const silent = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmp6', 'comment', 'socket', '']);

/**
 * `nft -j` says `xt match owner` without saying which owner. A rule of which nothing but such values is unknown counts as
 * the expected rule that looks like it: what differs then differs for sure, and what does not cannot be told.
 */
export function revealHidden(expected: Chains, actual: Chains, { format }: Ruleset): Chains {
  if (format !== 'nft' && format !== 'nft-json') return actual;
  return new Map(
    [...actual].map(([table, chains]) => [
      table,
      new Map([...chains].map(([name, chain]) => [name, reveal(expected.get(table)?.get(name), chain)])),
    ]),
  );
}

function reveal(expected: Chain | undefined, actual: Chain): Chain {
  const candidates = [...(expected?.rules ?? [])];
  const rules = actual.rules.map((rule) => {
    const modules = hiddenModules(rule);
    const hidesTarget = needsValues.has(rule.target ?? '') && rule.targetOptions.length === 0;
    if (modules.size === 0 && !hidesTarget) return rule;
    const shown = visible(rule, modules, hidesTarget);
    const at = candidates.findIndex((candidate) => visible(candidate, modules, hidesTarget) === shown);
    return at < 0 ? rule : (candidates.splice(at, 1)[0] ?? rule);
  });
  return { ...actual, rules };
}

function hiddenModules({ matches }: IptablesRule): Set<string> {
  return new Set(matches.flatMap(({ module = '', option }) => (option === '' && !silent.has(module) ? [module] : [])));
}

/** What nft shows of a rule: everything but the values of these modules, and of the target if it hides its own. */
function visible({ matches, target, goto, targetOptions }: IptablesRule, hidden: Set<string>, hidesTarget: boolean) {
  const isShown = ({ module = '', option }: Match) =>
    option !== '--comment' && !hidden.has(module) && !(option === '' && silent.has(module));
  const words = matches
    .filter(isShown)
    .map(({ option, values, negated }) => `${negated ? '!' : ''}${option} ${values.join(' ')}`);
  const names = new Set(matches.flatMap(({ module = '' }) => (hidden.has(module) ? [module] : [])));
  const options = hidesTarget ? [] : targetOptions.map(({ option, values }) => [option, ...values].join(' '));
  return [...words.sort(), ...names, goto, target, ...options.sort()].join('|');
}
