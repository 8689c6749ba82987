import * as l10n from '@vscode/l10n';
import type { IptablesRule } from './ruleset.ts';
import { sayMatches } from './words/say-matches.ts';
import { sayTarget } from './words/say-target.ts';

/** A rule that no pattern knows, in words made from its matches alone. Nothing is guessed about who wrote it or why. */
export function sayPlainly(rule: IptablesRule): string {
  const comment = rule.matches.find(({ option }) => option === '--comment')?.values[0];
  const sentence = sayConditions(rule);
  return comment === undefined ? sentence : l10n.t('{0} Its own comment: {1}', sentence, comment);
}

/** The same without the rule's own comment: `Packets where the protocol is tcp: accepted, …`. */
export function sayConditions(rule: IptablesRule): string {
  const conditions = sayMatches(rule.matches);
  const subject = conditions.length
    ? l10n.t('Packets where {0}', conditions.join(', '))
    : l10n.t('All packets that come this far');
  return l10n.t('{0}: {1}.', subject, sayTarget(rule));
}
