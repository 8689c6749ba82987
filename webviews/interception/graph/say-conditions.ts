import * as l10n from '@vscode/l10n';
import { lookup } from '../../../mesh/interception/lookup.ts';
import type { IptablesRule, Match } from '../../../mesh/interception/ruleset.ts';

/** The conditions of a rule in words short enough for an edge: `tcp :15008 · uid 1337`; *all* when it has none. */
export function sayConditions({ matches }: Pick<IptablesRule, 'matches'>): string {
  const protocol = matches.find(({ option, negated }) => option === '-p' && !negated)?.values[0];
  const port = matches.find(({ option }) => option === '--dport' || option === '--dports');
  const words = [...matches]
    .sort((a, b) => rank(a) - rank(b))
    .filter((match) => !(port && protocol && match.option === '-p' && !match.negated))
    .map((match) => (match === port ? sayPort(match, protocol) : sayMatch(match)))
    .filter((text) => text !== '');
  return words.length > 0 ? words.join(' · ') : l10n.t('all');
}

/** What tells rules apart comes first: an edge has room for little. */
const order = ['--uid-owner', '--gid-owner', '-p', '--dport', '--dports', '-i', '-o', '--mark', '--ctstate'];

function rank({ option }: Match): number {
  const at = order.indexOf(option);
  return at < 0 ? order.length : at;
}

function sayPort(match: Match, protocol: string | undefined): string {
  const ports = `:${match.values.join(',')}`;
  const told = match.negated ? l10n.t('not {0}', ports) : ports;
  return protocol === undefined ? told : `${protocol} ${told}`;
}

function sayMatch(match: Match): string {
  const value = match.values.join(' ');
  const words =
    match.option === ''
      ? (lookup(standingAlone, match.module ?? '') ?? '')
      : (lookup(names, match.option)?.(value) ?? `${match.option.replace(/^-+/, '')} ${value}`.trim());
  return match.negated && words !== '' ? l10n.t('not {0}', words) : words;
}

/** Modules that are a condition by themselves; all others only introduce their options. */
const standingAlone: Record<string, string> = { socket: 'socket' };

const names: Record<string, (value: string) => string> = {
  '-p': (value) => value,
  '-s': (value) => l10n.t('from {0}', withoutWhole(value)),
  '-d': (value) => l10n.t('to {0}', withoutWhole(value)),
  '-i': (value) => l10n.t('in {0}', value),
  '-o': (value) => l10n.t('out {0}', value),
  '--dport': (value) => `:${value}`,
  '--dports': (value) => `:${value}`,
  '--sport': (value) => l10n.t('from port {0}', value),
  '--sports': (value) => l10n.t('from port {0}', value),
  '--uid-owner': (value) => `uid ${value}`,
  '--gid-owner': (value) => `gid ${value}`,
  '--mark': (value) => `mark ${value}`,
  '--ctstate': (value) => value,
  '--state': (value) => value,
  '--match-set': (value) => l10n.t('set {0}', value),
  '--probability': (value) => `${Math.round(Number(value) * 1000) / 10} %`,
  '--mode': () => '',
  '--comment': () => '',
  '--tcp-flags': (value) => value,
};

/** A network of one address is that address. */
function withoutWhole(network: string): string {
  return network.replace(/\/(32|128)$/, '');
}
