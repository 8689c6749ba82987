import * as l10n from '@vscode/l10n';
import type { IptablesRule, Match } from './ruleset.ts';
import { lookup } from './lookup.ts';

/** A rule that no pattern knows, in words made from its matches alone. Nothing is guessed about who wrote it or why. */
export function sayPlainly(rule: IptablesRule): string {
  const conditions = rule.matches.filter(({ option }) => option !== '--comment').map(sayMatch);
  const comment = rule.matches.find(({ option }) => option === '--comment')?.values[0];
  const subject = conditions.length
    ? l10n.t('Packets with {0}', conditions.join(', '))
    : l10n.t('All packets that come this far');
  const sentence = l10n.t('{0}: {1}.', subject, sayTarget(rule));
  return comment === undefined ? sentence : l10n.t('{0} Its own comment: {1}', sentence, comment);
}

function sayMatch(match: Match): string {
  const value = match.values.join(' ');
  const known = lookup(names, match.option)?.(value);
  const words =
    known ?? (match.module ? `${match.module} ${match.option} ${value}`.trim() : `${match.option} ${value}`.trim());
  return match.negated ? l10n.t('not {0}', words) : words;
}

const names: Record<string, (value: string) => string> = {
  '-p': (value) => l10n.t('protocol {0}', value),
  '-s': (value) => l10n.t('source {0}', value),
  '-d': (value) => l10n.t('destination {0}', value),
  '-i': (value) => l10n.t('incoming interface {0}', value),
  '-o': (value) => l10n.t('outgoing interface {0}', value),
  '-f': () => l10n.t('a second or later fragment'),
  '--dport': (value) => l10n.t('destination port {0}', value),
  '--sport': (value) => l10n.t('source port {0}', value),
  '--dports': (value) => l10n.t('destination port {0}', value),
  '--sports': (value) => l10n.t('source port {0}', value),
  '--uid-owner': (value) => l10n.t('a sender that runs as user {0}', value),
  '--gid-owner': (value) => l10n.t('a sender that runs as group {0}', value),
  '--socket-exists': () => l10n.t('a sender on this machine'),
  '--mark': (value) => l10n.t('mark {0}', value),
  '--ctstate': (value) => l10n.t('connection state {0}', value),
  '--state': (value) => l10n.t('connection state {0}', value),
  '--match-set': (value) => l10n.t('an address in the set {0}', value),
};

function sayTarget({ target, targetOptions, goto }: IptablesRule): string {
  const value = targetOptions
    .map(({ values }) => values.join(' '))
    .filter(Boolean)
    .join(' ');
  switch (target) {
    case undefined:
      return l10n.t('counted, then the next rule');
    case 'ACCEPT':
      return l10n.t('accepted, no further rule of this table is asked');
    case 'DROP':
      return l10n.t('dropped, the sender hears nothing');
    case 'REJECT':
      return l10n.t('refused ({0})', value);
    case 'RETURN':
      return l10n.t('no further rule of this chain is asked');
    case 'REDIRECT':
      return l10n.t('taken to port {0} of this machine or pod', value || '?');
    case 'DNAT':
      return l10n.t('sent to {0} instead', value || '?');
    case 'SNAT':
      return l10n.t('sent with source {0}', value || '?');
    case 'MASQUERADE':
      return l10n.t('sent with the address of the outgoing interface');
    case 'TPROXY':
      return l10n.t('handed to the local listener {0} with addresses unchanged', value || '?');
    case 'MARK':
    case 'CONNMARK':
      return l10n.t('marked ({0} {1})', target, value);
    case 'LOG':
    case 'NFLOG':
      return l10n.t('logged, then the next rule');
    default:
      return value === '' && /[-_a-z]|^[A-Z0-9]+$/.test(target)
        ? goto
          ? l10n.t('go on in chain {0} and do not come back', target)
          : l10n.t('chain or target {0} decides', target)
        : l10n.t('{0} {1}', target, value);
  }
}
