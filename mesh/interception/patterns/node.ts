import * as l10n from '@vscode/l10n';
import type { RulePattern, Subject } from '../rule-pattern.ts';

/** Rules of the node that others write: CNI plugins, and what kube-proxy.ts does not know of kube-proxy. Recognised by their chains. */
const anyTable = ['nat', 'mangle', 'raw', 'filter'];
const anyTarget = ['*'];
const kubeProxy = () => l10n.t('kube-proxy');
const cniPlugin = () => l10n.t('CNI plugin');

export const node: RulePattern[] = [
  {
    tables: anyTable,
    chains: ['KUBE-*'],
    targets: anyTarget,
    says: (rule) => l10n.t('Part of how the node’s traffic to Kubernetes services is handled{0}.', comment(rule)),
    cause: kubeProxy,
  },
  {
    tables: anyTable,
    chains: ['*'],
    targets: ['KUBE-*'],
    says: (rule) => l10n.t('Packets are looked at for Kubernetes services{0}.', comment(rule)),
    cause: kubeProxy,
  },
  {
    tables: ['kube-proxy'],
    chains: ['*'],
    targets: anyTarget,
    says: (rule) => l10n.t('Part of how the node’s traffic to Kubernetes services is handled{0}.', comment(rule)),
    cause: kubeProxy,
  },
  {
    tables: ['nat'],
    chains: ['*'],
    targets: ['CNI-HOSTPORT-*', 'CNI-DN-*'],
    says: (rule) =>
      l10n.t('Packets to the node are looked at for ports that pods have opened there (hostPort){0}.', comment(rule)),
    cause: () => l10n.t('CNI plugin portmap'),
  },
  {
    tables: ['nat'],
    chains: ['CNI-HOSTPORT-*', 'CNI-DN-*'],
    targets: anyTarget,
    says: (rule) => l10n.t('Part of a port that a pod has opened on the node (hostPort){0}.', comment(rule)),
    cause: () => l10n.t('CNI plugin portmap'),
  },
  {
    tables: anyTable,
    chains: ['POSTROUTING'],
    targets: ['CNI-*'],
    says: (rule) =>
      l10n.t(
        'What the pod {0} sends is looked at for destinations outside the pod network{1}.',
        rule.value('-s'),
        comment(rule),
      ),
    cause: cniPlugin,
  },
  {
    tables: ['nat'],
    chains: ['CNI-*'],
    targets: ['MASQUERADE', 'SNAT'],
    says: (rule) =>
      l10n.t(
        'What the pod sends to {0} leaves the node with the node’s own address{1}.',
        rule.find('-d')?.negated
          ? l10n.t('other networks than {0}', rule.value('-d'))
          : rule.value('-d') || l10n.t('other networks'),
        comment(rule),
      ),
    cause: cniPlugin,
  },
  {
    tables: ['nat'],
    chains: ['CNI-*'],
    targets: ['ACCEPT', 'RETURN'],
    says: (rule) =>
      l10n.t(
        'What the pod sends within the pod network ({0}) keeps the pod’s address{1}.',
        rule.value('-d'),
        comment(rule),
      ),
    cause: cniPlugin,
  },
  {
    tables: anyTable,
    chains: ['CNI-*'],
    targets: anyTarget,
    says: (rule) => l10n.t('Part of a pod’s network set-up{0}.', comment(rule)),
    cause: cniPlugin,
  },
  {
    tables: anyTable,
    chains: ['*'],
    targets: ['CNI-*'],
    says: (rule) => l10n.t('Part of a pod’s network set-up{0}.', comment(rule)),
    cause: cniPlugin,
  },
];

function comment({ value }: Subject): string {
  const text = value('--comment');
  return text === '' ? '' : l10n.t(' (its own comment: {0})', text);
}
