import * as l10n from '@vscode/l10n';
import { sayConditions } from '../plain-words.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';
import { findToolChain } from './tool-chains.ts';

/** Rules of the node, and of other meshes, that neither Istio nor kube-proxy writes: known by the names of their chains. */
const anyTable = ['nat', 'mangle', 'raw', 'filter', 'security'];
const portmap = () => l10n.t('CNI plugin portmap');
const toolOf = ({ chain, target }: Subject) => (findToolChain(chain) ?? findToolChain(target))?.tool ?? '';
const isNodeDns = ({ value }: Subject) =>
  value('--comment').startsWith('NodeLocal DNS Cache') ||
  [value('-d'), value('-s')].some((address) => address.startsWith('169.254.20.10'));

/** Tools make these chains, but what stands in them is somebody's own. */
const leftToPeople = new Set(['DOCKER-USER', 'CNI-ADMIN', 'ufw-user-input', 'ufw-user-output', 'ufw-user-forward']);

export const hostPorts: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['PREROUTING', 'OUTPUT'],
    targets: ['CNI-HOSTPORT-DNAT', 'KUBE-HOSTPORTS'],
    says: ({ chain }) =>
      chain === 'OUTPUT'
        ? l10n.t(
            'What this node itself sends to one of its own addresses is looked at for ports that pods have opened (hostPort).',
          )
        : l10n.t(
            'What comes in for one of this node’s own addresses is looked at for ports that pods have opened (hostPort).',
          ),
    cause: portmap,
  },
  {
    tables: ['nat'],
    chains: ['CNI-HOSTPORT-DNAT', 'KUBE-HOSTPORTS'],
    targets: ['CNI-DN-*', 'KUBE-HP-*'],
    says: (rule) =>
      l10n.t(
        'Who talks to port {0} ({1}) of the node means the pod that has opened it (hostPort{2}).',
        rule.value('--dport') || rule.value('--dports') || '?',
        rule.value('-p') || '?',
        comment(rule),
      ),
    cause: portmap,
  },
  {
    tables: ['nat'],
    chains: ['CNI-DN-*', 'KUBE-HP-*'],
    targets: ['DNAT'],
    says: (rule) =>
      l10n.t(
        'Who talks to port {0} of the node is sent to the pod at {1}.',
        rule.value('--dport') || '?',
        rule.value('--to-destination') || '?',
      ),
    cause: portmap,
  },
  {
    tables: ['nat'],
    chains: ['CNI-DN-*'],
    targets: ['CNI-HOSTPORT-SETMARK'],
    says: (rule) =>
      rule.value('-s').startsWith('127.')
        ? l10n.t(
            'Processes of the node that reach port {0} by {1} are marked: their source would mean nothing to the pod.',
            rule.value('--dport') || '?',
            rule.value('-s'),
          )
        : l10n.t(
            'Pods in {0} that reach port {1} of the node are marked, so that the answers come back through the node (hairpin).',
            rule.value('-s') || '?',
            rule.value('--dport') || '?',
          ),
    cause: portmap,
  },
  {
    tables: ['nat'],
    chains: ['CNI-HOSTPORT-MASQ', 'CNI-HOSTPORT-SNAT', 'HOSTPORT-SNAT'],
    targets: ['MASQUERADE'],
    says: () =>
      l10n.t(
        'Connections to ports of pods that were marked (from the pod itself or from loopback) get the node’s own address, so that the answers find back.',
      ),
    cause: portmap,
  },
];

export const nodeTools: RulePattern[] = [
  {
    tables: ['filter'],
    chains: ['KUBE-FIREWALL'],
    targets: ['DROP'],
    when: (rule) => rule.value('-d').startsWith('127.'),
    says: (rule) =>
      l10n.t(
        'Strangers who send to the node’s loopback addresses ({0}) from outside are dropped: services that listen on loopback trust whoever reaches them (CVE-2020-8558).',
        rule.value('-d'),
      ),
    cause: () => l10n.t('kubelet'),
  },
  {
    tables: ['filter'],
    chains: ['KUBE-FIREWALL'],
    targets: ['DROP'],
    shapes: ['--mark'],
    says: (rule) =>
      l10n.t(
        'Packets that Kubernetes has marked for dropping ({0}), as those for a service that this client may not reach, end here.',
        rule.value('--mark'),
      ),
    cause: () => l10n.t('kubelet'),
  },
  {
    tables: ['raw'],
    chains: ['PREROUTING', 'OUTPUT'],
    targets: ['NOTRACK', 'CT'],
    when: isNodeDns,
    says: (rule) =>
      l10n.t(
        'DNS between pods and the cache on this node ({0}) is left out of connection tracking: it needs no translation, and UDP queries cannot fill the table.',
        rule.value('-d') || rule.value('-s'),
      ),
    cause: () => l10n.t('NodeLocal DNSCache'),
  },
  {
    tables: ['filter'],
    chains: ['INPUT', 'OUTPUT'],
    targets: ['ACCEPT'],
    when: isNodeDns,
    says: (rule) =>
      l10n.t('DNS between pods and the cache on this node ({0}) is let through.', rule.value('-d') || rule.value('-s')),
    cause: () => l10n.t('NodeLocal DNSCache'),
  },
  {
    tables: ['nat'],
    chains: [
      'FLANNEL-POSTRTG',
      'KIND-MASQ-AGENT',
      'IP-MASQ*',
      'AWS-SNAT-CHAIN-*',
      'WEAVE',
      'cali-nat-outgoing',
      'CILIUM_POST_nat',
      'ANTREA-POSTROUTING',
      'POSTROUTING',
    ],
    targets: ['RETURN', 'ACCEPT'],
    when: (rule) => rule.chain !== 'POSTROUTING' && rule.rule.matches.length > 0,
    says: (rule) => l10n.t('These keep the address of the pod. {0}', sayConditions(rule.rule)),
    cause: toolOf,
  },
  {
    tables: ['nat'],
    chains: [
      'FLANNEL-POSTRTG',
      'KIND-MASQ-AGENT',
      'IP-MASQ*',
      'AWS-SNAT-CHAIN-*',
      'WEAVE',
      'cali-nat-outgoing',
      'CILIUM_POST_nat',
      'ANTREA-POSTROUTING',
    ],
    targets: ['MASQUERADE', 'SNAT'],
    says: (rule) =>
      l10n.t(
        'What pods send there leaves with the node’s own address, since the outside knows no way to pods. {0}',
        sayConditions(rule.rule),
      ),
    cause: toolOf,
  },
  {
    tables: ['nat'],
    chains: ['POSTROUTING'],
    targets: ['MASQUERADE'],
    when: (rule) => rule.find('-s')?.negated === false && rule.find('-o')?.negated === true,
    says: (rule) =>
      l10n.t(
        'What containers of the network {0} send out of it, by another interface than {1}, leaves with the machine’s own address.',
        rule.value('-s'),
        rule.value('-o'),
      ),
    cause: ({ value }) => (/^(docker|br-)/.test(value('-o')) ? 'Docker' : l10n.t('container network')),
  },
  {
    tables: ['nat'],
    chains: ['PROXY_INIT_OUTPUT'],
    targets: ['RETURN'],
    shapes: ['--uid-owner', '--gid-owner'],
    says: (rule) =>
      l10n.t('Linkerd’s proxy ({0}) sends directly: no loop.', rule.value('--uid-owner') || rule.value('--gid-owner')),
    cause: () => 'Linkerd',
  },
  {
    tables: ['nat'],
    chains: ['PROXY_INIT_OUTPUT', 'PROXY_INIT_REDIRECT'],
    targets: ['REDIRECT'],
    says: (rule) =>
      rule.chain === 'PROXY_INIT_OUTPUT'
        ? l10n.t(
            'Every other TCP connection that the application opens goes to Linkerd’s proxy on port {0}.',
            rule.value('--to-ports') || '?',
          )
        : l10n.t(
            'Every other TCP connection from a client goes to Linkerd’s proxy on port {0}.',
            rule.value('--to-ports') || '?',
          ),
    cause: () => 'Linkerd',
  },
  {
    tables: anyTable,
    chains: ['*'],
    targets: ['*'],
    when: ({ chain }) => !leftToPeople.has(chain) && findToolChain(chain) !== undefined,
    says: ({ rule, chain }) => `${findToolChain(chain)?.purpose ?? ''} ${sayConditions(rule)}${ownWords(rule.matches)}`,
    cause: toolOf,
  },
  {
    tables: anyTable,
    chains: ['*'],
    targets: ['*'],
    when: ({ target }) => findToolChain(target) !== undefined,
    says: ({ rule, target }) =>
      `${l10n.t('{0} What that chain is for: {1}', sayConditions(rule), findToolChain(target)?.purpose ?? '')}${ownWords(rule.matches)}`,
    cause: toolOf,
  },
];

function comment({ value }: Subject): string {
  const text = value('--comment');
  return text === '' ? '' : `, ${text}`;
}

function ownWords(matches: Subject['rule']['matches']): string {
  const text = matches.find(({ option }) => option === '--comment')?.values[0];
  return text === undefined ? '' : l10n.t(' Its own comment: “{0}”.', text);
}
