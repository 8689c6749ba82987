import * as l10n from '@vscode/l10n';
import { chainKind } from '../../service-path/chain-kind.ts';
import { readIptablesRule } from '../../service-path/read-iptables-rule.ts';
import { sayKubeRule } from '../../service-path/say-rule.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';

const cause = () => l10n.t('kube-proxy');

/** The sentence that the service path has for the rule; undefined for one that kube-proxy does not write. */
function says({ rule, facts }: Subject): string | undefined {
  return sayKubeRule(readIptablesRule(rule), facts.kubeNames);
}

/** kube-proxy's rules, in its chains of iptables and in its own table of nftables. */
export const kubeProxy: RulePattern[] = [
  {
    tables: ['nat', 'filter', 'mangle'],
    chains: ['KUBE-*'],
    targets: ['*'],
    when: (subject) => says(subject) !== undefined,
    says: (subject) => says(subject) ?? '',
    cause: (subject) =>
      /^KUBE-(FIREWALL|KUBELET-CANARY|IPTABLES-HINT)$/.test(subject.chain) ? l10n.t('kubelet') : cause(),
  },
  {
    tables: ['nat', 'filter'],
    chains: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
    targets: ['KUBE-*'],
    when: (subject) => chainKind(subject.chain) === 'base' && says(subject) !== undefined,
    says: (subject) => says(subject) ?? '',
    cause,
  },
  {
    tables: ['kube-proxy'],
    chains: ['*'],
    targets: ['*'],
    when: (subject) => says(subject) !== undefined,
    says: (subject) => says(subject) ?? '',
    cause,
  },
];
