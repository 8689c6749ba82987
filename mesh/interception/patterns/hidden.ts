import * as l10n from '@vscode/l10n';
import type { RulePattern, Subject } from '../rule-pattern.ts';

/**
 * nft shows iptables' extensions only by name (`xt match owner`), and nft -j nearly all of them. Then the chain still
 * tells what a rule is for, but not whom it takes.
 */
const isHidden = ({ rule }: Subject) =>
  rule.matches.some(({ module, option }) => option === '' && module !== undefined && module !== '');
const cause = () => l10n.t('not to be told from this format');

function modules({ rule }: Subject): string {
  return [
    ...new Set(rule.matches.filter(({ module, option }) => option === '' && module).map(({ module }) => module)),
  ].join(', ');
}

export const hidden: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['RETURN', 'ISTIO_IN_REDIRECT'],
    when: ({ rule }) => rule.matches.some(({ module, option }) => module === 'owner' && option === ''),
    says: ({ target }) =>
      target === 'RETURN'
        ? l10n.t(
            'Connections of certain owners, most likely the proxy’s own or those over lo, are left alone; this format does not show which.',
          )
        : l10n.t(
            'Connections of a certain owner to an address of its own pod, most likely the proxy’s, go through its inbound listener; this format does not show which.',
          ),
    cause,
  },
  {
    tables: ['nat', 'mangle', 'raw'],
    chains: ['ISTIO_*'],
    targets: ['*'],
    when: isHidden,
    says: (rule) =>
      l10n.t(
        'Part of Istio’s interception; this format does not show the values of its conditions ({0}).',
        modules(rule),
      ),
    cause,
  },
  {
    tables: ['nat', 'mangle', 'raw'],
    chains: ['PREROUTING', 'OUTPUT'],
    targets: ['ISTIO_*', 'MARK', 'CONNMARK', 'RETURN', 'CT'],
    when: (rule) => isHidden(rule) && rule.facts.mode !== 'none',
    says: (rule) =>
      l10n.t(
        'Part of Istio’s interception; this format does not show the values of its conditions ({0}).',
        modules(rule),
      ),
    cause,
  },
];
