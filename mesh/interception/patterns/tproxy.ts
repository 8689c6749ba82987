import * as l10n from '@vscode/l10n';
import { byAnnotation, byDefault, traffic } from '../causes.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';
import { isDeliveryAddress, isProxy, who } from './sidecar-outbound.ts';

/**
 * TPROXY keeps the client's address: packets are marked in mangle PREROUTING and a policy route
 * (`fwmark 1337 lookup 133`) hands them to the proxy's socket, with nothing rewritten.
 */
const cause = () => byAnnotation('sidecar.istio.io/interceptionMode', 'meshConfig.defaultConfig.interceptionMode');
const mangle = ['mangle'];
const inbound = ['ISTIO_INBOUND'];

export const tproxy: RulePattern[] = [
  {
    tables: mangle,
    chains: ['PREROUTING'],
    targets: ['ISTIO_INBOUND'],
    shapes: ['-p', ''],
    says: () =>
      l10n.t(
        'Every TCP packet that enters the pod, or comes back to it over lo, is examined: ISTIO_INBOUND decides whether the proxy takes it.',
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['PREROUTING'],
    targets: ['CONNMARK'],
    shapes: ['-p --mark', '--mark'],
    says: (rule) =>
      l10n.t(
        'The mark {0} of a packet from the proxy is kept with its connection, so that the answers are recognised.',
        rule.value('--mark'),
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['OUTPUT'],
    targets: ['RETURN'],
    shapes: ['-o -p --mark', '-o --mark'],
    says: (rule) =>
      l10n.t(
        'Packets over lo that the proxy marked {0} already belong to it and are left alone.',
        rule.value('--mark'),
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['OUTPUT'],
    targets: ['MARK'],
    shapes: ['!-d -o -p --uid-owner', '!-d -o -p --gid-owner', '!-d -o --uid-owner', '!-d -o --gid-owner'],
    when: isProxy,
    says: (rule) =>
      l10n.t(
        'The proxy ({0}) calling an address of its own pod gets mark {1}, so that the call passes inbound policy when it comes back over lo.',
        who(rule),
        rule.value('--set-xmark').split('/')[0] || '?',
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['OUTPUT'],
    targets: ['CONNMARK'],
    shapes: ['-p --mark', '--mark'],
    says: (rule) =>
      l10n.t(
        'The application’s answers on a connection marked {0} get that mark back, so that they return to the proxy and not straight to the client.',
        rule.value('--mark'),
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['ISTIO_DIVERT'],
    targets: ['MARK'],
    shapes: ['', '-p'],
    says: (rule) =>
      l10n.t(
        'Packets of a connection that the proxy has already taken get mark {0}, which routes them to the proxy.',
        rule.value('--set-xmark').split('/')[0] || '?',
      ),
    cause,
  },
  {
    tables: mangle,
    chains: ['ISTIO_DIVERT'],
    targets: ['ACCEPT'],
    shapes: ['', '-p'],
    says: () => l10n.t('Those packets are done here: they need no new look at the list of ports.'),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['RETURN'],
    shapes: ['-p --mark', '--mark'],
    says: (rule) => l10n.t('Packets that the proxy itself marked {0} are left alone: no loop.', rule.value('--mark')),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['RETURN'],
    shapes: ['-s -i -p', '-s -i'],
    when: (rule) => isDeliveryAddress(rule.value('-s')),
    says: (rule) =>
      l10n.t(
        'The proxy delivers an inbound request to the application from {0}: leave it alone, or the proxy would take its own delivery.',
        rule.value('-s').split('/')[0] ?? '',
      ),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['RETURN'],
    shapes: ['-i -p !--mark', '-i !--mark'],
    when: (rule) => rule.value('-i') === 'lo',
    says: (rule) =>
      l10n.t(
        'The application talking to itself over lo does so directly; only the proxy’s calls to its own pod (mark {0}) go on.',
        rule.value('--mark'),
      ),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['RETURN'],
    shapes: ['-i -p', '-i'],
    when: (rule) => rule.value('-i') === 'lo',
    says: () => l10n.t('The application talking to itself over lo does so directly, without the proxy.'),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['ISTIO_DIVERT'],
    shapes: ['-p --ctstate', '-p --dport --ctstate', '-p', '-p --dport'],
    says: () => l10n.t('Packets of connections that exist already go to the proxy that has taken them.'),
    cause,
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['ISTIO_TPROXY'],
    shapes: ['-p', ''],
    says: (rule) =>
      l10n.t(
        'Every other TCP connection from a client goes to the proxy{0}, which sees the client’s real address.',
        onPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeInboundPorts`, l10n.t('its default "*"')),
  },
  {
    tables: mangle,
    chains: inbound,
    targets: ['ISTIO_TPROXY'],
    shapes: ['-p --dport', '-p --dports'],
    says: (rule) =>
      l10n.t(
        'Clients of port {0} are taken to the proxy{1}; ports that are not listed go straight to the application.',
        rule.value('--dport') || rule.value('--dports'),
        onPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeInboundPorts`),
  },
  {
    tables: mangle,
    chains: ['ISTIO_TPROXY'],
    targets: ['TPROXY'],
    shapes: ['!-d -p', '-p', '!-d', ''],
    says: (rule) =>
      l10n.t(
        'Whoever was sent here is handed to the proxy’s inbound listener{0} with both addresses unchanged.',
        onPort(rule),
      ),
    cause,
  },
];

/** Conntrack calls a packet INVALID when it fits no connection, as after a reset under load. */
export const invalidPackets: RulePattern[] = [
  {
    tables: mangle,
    chains: ['PREROUTING', 'ISTIO_INBOUND'],
    targets: ['ISTIO_DROP', 'DROP'],
    shapes: ['--ctstate', '-p --ctstate'],
    when: (rule) => rule.value('--ctstate') === 'INVALID',
    says: () =>
      l10n.t(
        'Packets that fit no connection are dropped: they would skip the redirection and reach the application’s port, which answers the client with a reset.',
      ),
    cause: () => l10n.t('proxyMetadata or istio-init environment {0}', 'INVALID_DROP'),
  },
  {
    tables: mangle,
    chains: ['ISTIO_DROP'],
    targets: ['DROP'],
    shapes: ['', '-p', '--ctstate', '-p --ctstate'],
    says: () => l10n.t('Packets that fit no connection end here.'),
    cause: () => l10n.t('proxyMetadata or istio-init environment {0}', 'INVALID_DROP'),
  },
  {
    tables: mangle,
    chains: ['PREROUTING'],
    targets: ['ISTIO_DROP'],
    shapes: ['', '-p'],
    says: () => l10n.t('Every packet that enters the pod is checked for fitting a connection.'),
    cause: byDefault,
  },
];

function onPort({ facts }: Subject): string {
  return facts.inboundPort === undefined ? '' : l10n.t(' on port {0}', facts.inboundPort);
}
