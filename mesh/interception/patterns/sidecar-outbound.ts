import * as l10n from '@vscode/l10n';
import { byAnnotation, byDefault, traffic } from '../causes.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';

/** Connections made in the pod: `app → OUTPUT → ISTIO_OUTPUT → ISTIO_REDIRECT → proxy → service`. */
const tables = ['nat'];
const chains = ['ISTIO_OUTPUT'];

/** `-s 127.0.0.6/32`: the address from which the proxy delivers to the application, so that the rules know it. */
export function isDeliveryAddress(address: string): boolean {
  return address === '127.0.0.6/32' || address === '::6/128';
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1/128';
}

/** The one in the rule is the proxy’s, by user or by group. */
export function isProxy({ value, find, facts }: Subject): boolean {
  if (find('--uid-owner')) return facts.proxyUids.has(value('--uid-owner'));
  return find('--gid-owner') !== undefined && facts.proxyGids.has(value('--gid-owner'));
}

/** The owner a rule names: `user 1337`. */
export function who({ find, value }: Subject): string {
  return find('--uid-owner') ? l10n.t('user {0}', value('--uid-owner')) : l10n.t('group {0}', value('--gid-owner'));
}

const proxyOwner = (rule: Subject) =>
  l10n.t(
    '{0} of the istio-proxy container (securityContext; 1337 by default)',
    rule.find('--uid-owner') ? 'runAsUser' : 'runAsGroup',
  );

function port(rule: Subject): string {
  return rule.value('--dport') || rule.value('--dports');
}

function onOutboundPort({ facts }: Subject): string {
  return facts.outboundPort === undefined ? '' : l10n.t(' on port {0}', facts.outboundPort);
}

function onInboundPort({ facts }: Subject): string {
  return facts.inboundPort === undefined ? '' : l10n.t(' on port {0}', facts.inboundPort);
}

export const sidecarOutbound: RulePattern[] = [
  {
    tables,
    chains: ['OUTPUT'],
    targets: ['ISTIO_OUTPUT'],
    shapes: ['-p', ''],
    when: ({ facts }) => facts.mode !== 'ambient',
    says: (rule) =>
      rule.find('-p')
        ? l10n.t(
            'Every TCP connection that a process in the pod opens is examined: ISTIO_OUTPUT decides whether the proxy takes it.',
          )
        : l10n.t(
            'Everything that a process in the pod sends is examined: ISTIO_OUTPUT decides whether the proxy takes it (only TCP and DNS can be).',
          ),
    cause: byDefault,
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-p --dport'],
    when: (rule) => rule.value('--dport') === '15020',
    says: (rule) =>
      l10n.t(
        'What the application sends to port 15020 of any host ({0}) leaves the pod directly, past the proxy.',
        rule.value('-p'),
      ),
    cause: () => l10n.t('default of {0} when Istio’s CNI plugin programs the pod', `${traffic}/excludeOutboundPorts`),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-p --dport', '-p --dports'],
    says: (rule) =>
      l10n.t(
        'What the application sends to port {0} of any host ({1}) leaves the pod directly, past the proxy: no mTLS, no routing rules, no telemetry.',
        port(rule),
        rule.value('-p'),
      ),
    cause: () => byAnnotation(`${traffic}/excludeOutboundPorts`, 'values.global.proxy.excludeOutboundPorts'),
  },
  {
    tables,
    chains,
    targets: ['ISTIO_REDIRECT'],
    shapes: ['-p --dport', '-p --dports'],
    says: (rule) =>
      l10n.t(
        'What the application sends to port {0} of any host goes to the proxy{1}, also outside the included ranges.',
        port(rule),
        onOutboundPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeOutboundPorts`, 'values.global.proxy.includeOutboundPorts'),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-s -o', '-s -o -p'],
    when: (rule) => isDeliveryAddress(rule.value('-s')),
    says: (rule) =>
      l10n.t(
        'The proxy delivers an inbound request to the application from {0}: leave it alone, or the proxy would take its own delivery.',
        rule.value('-s').split('/')[0] ?? '',
      ),
    cause: byDefault,
  },
  {
    tables,
    chains,
    targets: ['ISTIO_IN_REDIRECT'],
    shapes: [
      '-o !-d --uid-owner',
      '-o !-d --gid-owner',
      '-o !-d -p !--dport --uid-owner',
      '-o !-d -p !--dport --gid-owner',
      '-o !-d -p !--dports --uid-owner',
      '-o !-d -p !--dports --gid-owner',
    ],
    when: isProxy,
    says: (rule) =>
      `${l10n.t('The proxy ({0}) calling an address of its own pod, as when a service resolves to this very pod, goes through its inbound listener{1}, so that inbound policy applies too.', who(rule), onInboundPort(rule))}${except(rule)}`,
    cause: proxyOwner,
  },
  {
    tables,
    chains,
    targets: ['ISTIO_IN_REDIRECT', 'ISTIO_REDIRECT'],
    shapes: ['-o !-d', '-o !-d -p'],
    says: () =>
      l10n.t(
        'A process calling another address of its own pod goes through the proxy, as if the call came from outside.',
      ),
    cause: () => l10n.t('default of older Istio versions'),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-o !--uid-owner', '-o !--gid-owner', '-o -p !--dport !--uid-owner', '-o -p !--dport !--gid-owner'],
    when: (rule) => rule.value('-o') === 'lo' && isProxy(rule),
    says: (rule) =>
      rule.find('--dport')
        ? l10n.t(
            'The application talking to itself or to another container of the pod over lo does so directly; its DNS over TCP (port {0}) is looked at further.',
            rule.value('--dport'),
          )
        : l10n.t(
            'The application talking to itself or to another container of the pod over lo does so directly, without the proxy.',
          ),
    cause: byDefault,
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['--uid-owner', '--gid-owner'],
    when: isProxy,
    says: (rule) =>
      l10n.t(
        'The proxy’s own connections ({0}) leave the pod directly: no loop. An application that runs as this {1} leaves the mesh.',
        who(rule),
        rule.find('--uid-owner') ? l10n.t('user') : l10n.t('group'),
      ),
    cause: proxyOwner,
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['--uid-owner', '--gid-owner'],
    says: (rule) =>
      l10n.t('Processes of {0} leave the pod directly, past the proxy: their owner is excluded.', who(rule)),
    cause: (rule) =>
      rule.find('--gid-owner')
        ? l10n.t('istio-init environment {0}', 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE')
        : l10n.t('istio-init option {0}', '--proxy-uid'),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    when: ({ rule }) =>
      rule.matches.length > 0 && rule.matches.every(({ option, negated }) => option === '--gid-owner' && negated),
    says: ({ rule }) =>
      l10n.t(
        'Only processes of group {0} are captured; all others leave the pod directly, past the proxy.',
        rule.matches.map(({ values }) => values[0] ?? '').join(', '),
      ),
    cause: () => l10n.t('istio-init environment {0}', 'ISTIO_OUTBOUND_OWNER_GROUPS'),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-d', '-d -p'],
    when: (rule) => isLoopback(rule.value('-d')),
    says: (rule) => l10n.t('The application talking to {0} (loopback) does so directly.', rule.value('-d')),
    cause: (rule) =>
      rule.value('-d') === '127.0.0.1/32' || rule.value('-d') === '::1/128'
        ? byDefault()
        : l10n.t('istio-init environment {0}', 'ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR'),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['-d', '-d -p'],
    says: (rule) =>
      l10n.t('What the application sends to {0} leaves the pod directly, past the proxy.', rule.value('-d')),
    cause: () => byAnnotation(`${traffic}/excludeOutboundIPRanges`, 'values.global.proxy.excludeIPRanges'),
  },
  {
    tables,
    chains,
    targets: ['ISTIO_REDIRECT'],
    shapes: ['-d', '-d -p'],
    says: (rule) =>
      l10n.t(
        'What the application sends to {0} goes to the proxy{1}; ranges that are not listed leave the pod directly.',
        rule.value('-d'),
        onOutboundPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeOutboundIPRanges`, 'values.global.proxy.includeIPRanges'),
  },
  {
    tables,
    chains,
    targets: ['ISTIO_REDIRECT'],
    shapes: ['', '-p'],
    says: (rule) =>
      l10n.t(
        'Every other TCP connection that the application opens goes to the proxy{0}, which routes it and adds mTLS.',
        onOutboundPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeOutboundIPRanges`, l10n.t('its default "*"')),
  },
  {
    tables,
    chains,
    targets: ['RETURN'],
    shapes: ['', '-p'],
    says: () =>
      l10n.t(
        'Everything else that the application sends leaves the pod directly, past the proxy: only what is listed above is captured.',
      ),
    cause: () => byAnnotation(`${traffic}/includeOutboundIPRanges`),
  },
  {
    tables,
    chains: ['ISTIO_REDIRECT'],
    targets: ['REDIRECT'],
    shapes: ['-p', ''],
    says: (rule) =>
      l10n.t(
        'Whoever was sent here talks to the proxy’s outbound listener{0} instead of the destination.',
        onOutboundPort(rule),
      ),
    cause: byDefault,
  },
  {
    tables: ['nat', 'mangle'],
    chains: ['OUTPUT', 'ISTIO_OUTPUT'],
    targets: ['RETURN'],
    shapes: ['-o', '-o -p'],
    when: (rule) => rule.value('-o') !== 'lo',
    says: (rule) => l10n.t('What leaves through interface {0} does so directly, past the proxy.', rule.value('-o')),
    cause: () => byAnnotation(`${traffic}/excludeInterfaces`),
  },
];

/** What the newer shapes leave out: HBONE, and DNS where it is captured. */
function except(rule: Subject): string {
  const ports = rule.value('--dport') || rule.value('--dports');
  return ports === '' ? '' : l10n.t(' Not so for port {0}.', ports.replace(',', ', '));
}
