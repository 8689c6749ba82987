import * as l10n from '@vscode/l10n';
import type { RulePattern, Subject } from '../rule-pattern.ts';

/** Rules of the node that others write: kube-proxy and the CNI plugins. Recognised by their chains. */
const anyTable = ['nat', 'mangle', 'raw', 'filter'];
const anyTarget = ['*'];
const kubeProxy = () => l10n.t('kube-proxy');
const cniPlugin = () => l10n.t('CNI plugin');

/** `default/web:http` from `--comment "default/web:http cluster IP"`, else the chain. */
function service({ value, chain }: Subject): string {
  return /^[\w.-]+\/[\w.-]+(?::[\w.-]+)?/.exec(value('--comment'))?.[0] ?? chain;
}

export const node: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['KUBE-SVC-*', 'KUBE-SVL-*', 'KUBE-EXT-*', 'KUBE-XLB-*'],
    targets: ['KUBE-SEP-*'],
    says: (rule) => {
      const share = rule.value('--probability');
      return share === ''
        ? l10n.t(
            'A client of service {0} that no rule above has taken is sent to this endpoint ({1}).',
            service(rule),
            rule.target,
          )
        : l10n.t(
            'Of the clients of service {0} that come this far, {1} % are sent to this endpoint ({2}).',
            service(rule),
            (Number(share) * 100).toFixed(1),
            rule.target,
          );
    },
    cause: kubeProxy,
  },
  {
    tables: ['nat'],
    chains: ['KUBE-SEP-*'],
    targets: ['DNAT'],
    says: (rule) =>
      l10n.t(
        'The client of service {0} gets its connection to the endpoint {1}.',
        service(rule),
        rule.value('--to-destination') || '?',
      ),
    cause: kubeProxy,
  },
  {
    tables: ['nat'],
    chains: ['KUBE-SERVICES', 'KUBE-NODEPORTS'],
    targets: ['KUBE-SVC-*', 'KUBE-EXT-*', 'KUBE-SVL-*', 'KUBE-FW-*', 'KUBE-XLB-*'],
    says: (rule) =>
      l10n.t(
        'Who talks to {0} port {1} means service {2} and is sent to one of its endpoints.',
        rule.value('-d') || l10n.t('a node’s address'),
        rule.value('--dport') || '?',
        service(rule),
      ),
    cause: kubeProxy,
  },
  {
    tables: ['filter'],
    chains: ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS'],
    targets: ['REJECT', 'DROP'],
    says: (rule) => l10n.t('Who talks to service {0} is refused at once: it has no endpoints.', service(rule)),
    cause: kubeProxy,
  },
  {
    tables: anyTable,
    chains: ['*'],
    targets: ['KUBE-MARK-MASQ'],
    says: (rule) =>
      l10n.t(
        'These packets of service {0} are marked, so that they leave the node with the node’s own address and the answers come back through it.',
        service(rule),
      ),
    cause: kubeProxy,
  },
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
