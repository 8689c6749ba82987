import * as l10n from '@vscode/l10n';
import { byProxyMetadata } from '../causes.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';
import { isProxy, who } from './sidecar-outbound.ts';

/** DNS capture: the agent in the pod answers for the mesh's own hosts. Before 1.25 the rules stood in OUTPUT itself. */
const cause = () => byProxyMetadata('ISTIO_META_DNS_CAPTURE');
const outputs = ['ISTIO_OUTPUT_DNS', 'ISTIO_OUTPUT', 'OUTPUT'];
const isDns = (rule: Subject) => rule.value('--dport') === '53';

export const dnsCapture: RulePattern[] = [
  {
    tables: ['nat', 'raw'],
    chains: ['OUTPUT', 'ISTIO_OUTPUT'],
    targets: ['ISTIO_OUTPUT_DNS'],
    shapes: ['', '-p', '-p --dport'],
    says: ({ table }) =>
      table === 'raw'
        ? l10n.t(
            'What a process in the pod sends is looked at before conntrack sees it, so that DNS gets its own conntrack zones.',
          )
        : l10n.t('What the application sends is looked at for DNS queries.'),
    cause,
  },
  {
    tables: ['nat'],
    chains: outputs,
    targets: ['REDIRECT'],
    shapes: ['-p --dport', '-d -p --dport'],
    when: isDns,
    says: (rule) =>
      rule.find('-d')
        ? l10n.t(
            'The application’s DNS queries ({0}) to {1}, a name server of its resolv.conf, are answered by the agent on port {2}.',
            rule.value('-p'),
            rule.value('-d'),
            rule.value('--to-ports'),
          )
        : l10n.t(
            'The application’s DNS queries ({0}) to any name server are answered by the agent on port {1}.',
            rule.value('-p'),
            rule.value('--to-ports'),
          ),
    cause: (rule) =>
      `${cause()}${rule.find('-d') ? l10n.t('; istio-init lists the name servers') : l10n.t('; the CNI plugin takes all name servers')}`,
  },
  {
    tables: ['nat'],
    chains: outputs,
    targets: ['RETURN'],
    shapes: ['-p --dport --uid-owner', '-p --dport --gid-owner'],
    when: (rule) => isDns(rule) && isProxy(rule),
    says: (rule) =>
      l10n.t(
        'The agent’s own DNS queries ({0} {1}) go on to the real name server: no loop.',
        rule.find('--uid-owner') ? l10n.t('user') : l10n.t('group'),
        rule.value('--uid-owner') || rule.value('--gid-owner'),
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: ['PREROUTING'],
    targets: ['ISTIO_INBOUND'],
    shapes: ['', '-p'],
    says: () =>
      l10n.t(
        'What enters the pod is looked at before conntrack sees it, so that answers of name servers find their conntrack zone.',
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: ['ISTIO_INBOUND', 'PREROUTING'],
    targets: ['CT'],
    shapes: ['-p --sport', '-s -p --sport'],
    when: (rule) => rule.value('--sport') === '53',
    says: (rule) =>
      l10n.t(
        'Answers of the real name server{0} to the agent are counted in conntrack zone {1}, apart from the application’s half of the exchange.',
        rule.find('-s') ? ` ${rule.value('-s')}` : '',
        zone(rule),
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: outputs,
    targets: ['CT'],
    shapes: ['-p --dport --uid-owner', '-p --dport --gid-owner'],
    when: isDns,
    says: (rule) =>
      l10n.t(
        'The agent’s own DNS queries ({0}) to the real name server are counted in conntrack zone {1}, apart from the application’s half of the exchange.',
        who(rule),
        zone(rule),
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: outputs,
    targets: ['CT'],
    shapes: ['-p --sport --uid-owner', '-p --sport --gid-owner'],
    when: (rule) => rule.facts.dnsPort === undefined || rule.value('--sport') === rule.facts.dnsPort,
    says: (rule) =>
      l10n.t(
        'The agent’s DNS answers ({0}, from port {1}) to the application are counted in conntrack zone {2}, apart from its exchange with the real name server.',
        who(rule),
        rule.value('--sport'),
        zone(rule),
      ),
    cause,
  },
  {
    tables: ['raw'],
    chains: outputs,
    targets: ['CT'],
    shapes: ['-p --dport', '-d -p --dport'],
    when: isDns,
    says: (rule) =>
      l10n.t(
        'The application’s DNS queries{0} are counted in conntrack zone {1}, apart from the agent’s exchange with the real name server.',
        rule.find('-d') ? l10n.t(' to {0}', rule.value('-d')) : '',
        zone(rule),
      ),
    cause,
  },
];

function zone(rule: Subject): string {
  return rule.value('--zone') || '?';
}
