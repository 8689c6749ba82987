import * as l10n from '@vscode/l10n';
import { byAnnotation } from '../causes.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';

/**
 * Ambient: ztunnel runs on the node but has its sockets in the pod's network namespace. It marks its own packets 0x539;
 * connections that it opened carry the connection mark 0x111, by which the answers find back to it.
 */
const cause = () => l10n.t('ambient mode (label {0} on the namespace or pod)', 'istio.io/dataplane-mode');
const dnsCause = () => byAnnotation('ambient.istio.io/dns-capture', 'values.cni.ambient.dnsCapture');
const ambient = ({ facts }: Subject) => facts.mode === 'ambient';
const isZtunnel = (rule: Subject) => ambient(rule) && rule.value('--mark').endsWith('/0xfff');

export const ambientPod: RulePattern[] = [
  {
    tables: ['nat', 'mangle', 'raw'],
    chains: ['PREROUTING'],
    targets: ['ISTIO_PRERT'],
    shapes: [''],
    says: ({ table }) =>
      table === 'nat'
        ? l10n.t('Everything that enters the pod is examined: ISTIO_PRERT decides whether ztunnel takes it.')
        : table === 'raw'
          ? l10n.t(
              'What enters the pod is looked at before conntrack sees it, so that answers of name servers find their conntrack zone.',
            )
          : l10n.t('What enters the pod is looked at for ztunnel’s mark, by which its connections are remembered.'),
    cause,
  },
  {
    tables: ['nat', 'mangle', 'raw'],
    chains: ['OUTPUT'],
    targets: ['ISTIO_OUTPUT'],
    shapes: [''],
    when: ambient,
    says: ({ table }) =>
      table === 'nat'
        ? l10n.t(
            'Everything that a process in the pod sends is examined: ISTIO_OUTPUT decides whether ztunnel takes it.',
          )
        : table === 'raw'
          ? l10n.t(
              'What a process in the pod sends is looked at before conntrack sees it, so that DNS gets its own conntrack zones.',
            )
          : l10n.t(
              'What a process in the pod sends is looked at for answers on ztunnel’s connections, which get its mark back.',
            ),
    cause,
  },
  {
    tables: ['mangle'],
    chains: ['ISTIO_PRERT'],
    targets: ['CONNMARK'],
    shapes: ['--mark', '-p --mark'],
    says: (rule) =>
      l10n.t(
        'Connections that ztunnel opens to the application (mark {0}) are remembered, so that the answers return to ztunnel.',
        rule.value('--mark'),
      ),
    cause,
  },
  {
    tables: ['mangle'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['CONNMARK', 'MARK'],
    shapes: ['--mark', '-p --mark'],
    when: ambient,
    says: () =>
      l10n.t(
        'The application’s answers on connections that ztunnel opened get its mark back, so that they are routed to ztunnel and not straight to the client.',
      ),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_PRERT'],
    targets: ['ACCEPT', 'RETURN'],
    shapes: ['-s -p', '-s'],
    says: (rule) =>
      l10n.t(
        'Kubelet’s probes, whose source the node has rewritten to {0}, reach the application directly: kubelet speaks no mTLS.',
        rule.value('-s').split('/')[0] ?? '',
      ),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['ACCEPT', 'RETURN'],
    shapes: ['-d -p', '-d'],
    when: ambient,
    says: (rule) =>
      l10n.t(
        'The application’s answers to kubelet’s probes ({0}) go back directly.',
        rule.value('-d').split('/')[0] ?? '',
      ),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_PRERT'],
    targets: ['REDIRECT'],
    shapes: ['!-d -p !--dport !--mark', '!-d -p !--dport', '-p !--dport !--mark', '!-d -p !--mark', '-p'],
    says: (rule) =>
      l10n.t(
        'Plaintext TCP from clients outside the mesh goes to ztunnel on port {0}, which applies policy; the HBONE tunnel port 15008 and ztunnel’s own connections are left alone.',
        rule.value('--to-ports') || '?',
      ),
    cause: () => l10n.t('{0}; annotation {1} takes this rule away', cause(), 'ambient.istio.io/bypass-inbound-capture'),
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['REDIRECT'],
    shapes: ['!-o -p --dport !--mark', '!-d -p --dport !--mark', '-p --dport !--mark', '!-d !-o -p --dport !--mark'],
    when: (rule) => isZtunnel(rule) && rule.value('--dport') === '53',
    says: (rule) =>
      l10n.t(
        'The application’s DNS queries ({0}) are answered by ztunnel on port {1}.',
        rule.value('-p'),
        rule.value('--to-ports') || '?',
      ),
    cause: dnsCause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['ACCEPT', 'RETURN'],
    shapes: ['-p --mark', '--mark'],
    when: ambient,
    says: () => l10n.t('Answers on connections that ztunnel opened, and its own packets, go on as they are: no loop.'),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['ACCEPT', 'RETURN'],
    shapes: ['!-d -o', '!-d -o -p'],
    when: ambient,
    says: () => l10n.t('The application calling its own pod’s address does so directly, without ztunnel.'),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['REDIRECT'],
    shapes: ['!-d -p !--mark', '-p !--mark', '!-d -p'],
    when: ambient,
    says: (rule) =>
      l10n.t(
        'Every other TCP connection that the application opens goes to ztunnel on port {0}, which carries it over mTLS to the other side.',
        rule.value('--to-ports') || '?',
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: ['ISTIO_OUTPUT'],
    targets: ['CT'],
    shapes: ['-p --dport --mark'],
    when: ambient,
    says: (rule) =>
      l10n.t(
        'ztunnel’s own DNS queries to the real name server are counted in conntrack zone {0}, apart from the application’s.',
        rule.value('--zone') || '?',
      ),
    cause: dnsCause,
  },
  {
    tables: ['raw'],
    chains: ['ISTIO_PRERT'],
    targets: ['CT'],
    shapes: ['-p --sport !--mark', '-p --sport', '-p --sport --mark'],
    says: (rule) =>
      l10n.t(
        'Answers of the real name server to ztunnel are counted in conntrack zone {0}, apart from the application’s.',
        rule.value('--zone') || '?',
      ),
    cause: dnsCause,
  },
  {
    tables: ['mangle'],
    chains: ['ISTIO_PRERT', 'ISTIO_OUTPUT'],
    targets: ['DROP'],
    shapes: ['--ctstate', '-p --ctstate'],
    when: (rule) => rule.value('--ctstate') === 'INVALID',
    says: () => l10n.t('Packets that fit no connection are dropped: they would skip the redirection.'),
    cause,
  },
];

/** The node's side of it: kubelet's probes get a source address by which the pod's rules know them. */
export const ambientHost: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['POSTROUTING'],
    targets: ['ISTIO_POSTRT'],
    shapes: ['', '-p'],
    says: () => l10n.t('What leaves this node’s own processes or passes through it is looked at for kubelet’s probes.'),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_POSTRT'],
    targets: ['SNAT'],
    says: (rule) =>
      l10n.t(
        'Kubelet’s probes to ambient pods of this node (the addresses in {0}) get the source address {1}, by which the pods’ own rules let them past ztunnel.',
        rule.value('--match-set') || l10n.t('a set'),
        rule.value('--to-source') || '?',
      ),
    cause,
  },
];
