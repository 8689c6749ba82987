import * as l10n from '@vscode/l10n';
import { byAnnotation, byDefault, traffic } from '../causes.ts';
import type { RulePattern, Subject } from '../rule-pattern.ts';
import { lookup } from '../lookup.ts';

/** Connections that enter the pod: `client → PREROUTING → ISTIO_INBOUND → ISTIO_IN_REDIRECT → proxy → app`. */
const tables = ['nat', 'mangle'];

const ownPorts: Record<string, () => string> = {
  '15020': () =>
    l10n.t(
      'Prometheus and kubelet reach the agent on 15020 (merged metrics, health) directly: it is not the application’s port, so the proxy leaves it alone.',
    ),
  '15021': () =>
    l10n.t(
      'Kubelet reaches the readiness port 15021 directly: the probe asks the proxy about itself, so it must not go through it.',
    ),
  '15090': () => l10n.t('Prometheus reaches Envoy’s own metrics on 15090 directly.'),
};

export const sidecarInbound: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['PREROUTING'],
    targets: ['ISTIO_INBOUND'],
    shapes: ['-p', ''],
    says: () =>
      l10n.t('Every TCP connection that enters the pod is examined: ISTIO_INBOUND decides whether the proxy takes it.'),
    cause: () => byAnnotation(`${traffic}/includeInboundPorts`, l10n.t('its default "*"')),
  },
  {
    tables,
    chains: ['ISTIO_INBOUND'],
    targets: ['RETURN'],
    shapes: ['-p --dport'],
    when: (rule) => rule.value('--dport') === (rule.facts.tunnelPort ?? '15008'),
    says: (rule) =>
      l10n.t(
        'Other proxies reach the HBONE tunnel port {0} directly: the proxy listens there itself.',
        rule.value('--dport'),
      ),
    cause: byDefault,
  },
  {
    tables,
    chains: ['ISTIO_INBOUND'],
    targets: ['RETURN'],
    shapes: ['-p --dport'],
    when: (rule) => lookup(ownPorts, rule.value('--dport')) !== undefined,
    says: (rule) => lookup(ownPorts, rule.value('--dport'))?.() ?? '',
    cause: byDefault,
  },
  {
    tables,
    chains: ['ISTIO_INBOUND'],
    targets: ['RETURN'],
    shapes: ['-p --dport'],
    when: (rule) => rule.value('--dport') === '22',
    says: () =>
      l10n.t(
        'SSH clients reach port 22 of the application directly, past the proxy: no mTLS and no policy applies there.',
      ),
    cause: () => l10n.t('default of Istio before 1.13, today annotation {0}', `${traffic}/excludeInboundPorts`),
  },
  {
    tables,
    chains: ['ISTIO_INBOUND'],
    targets: ['RETURN'],
    shapes: ['-p --dport', '-p --dports'],
    says: (rule) =>
      l10n.t(
        'Clients reach port {0} of the application directly, past the proxy: no mTLS, no authorization policy and no telemetry applies there.',
        rule.value('--dport') || rule.value('--dports'),
      ),
    cause: () => byAnnotation(`${traffic}/excludeInboundPorts`),
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_INBOUND'],
    targets: ['ISTIO_IN_REDIRECT'],
    shapes: ['-p', ''],
    says: (rule) =>
      l10n.t(
        'Every other TCP connection from a client goes to the proxy{0}, which terminates mTLS and applies policy before it hands the request to the application.',
        onPort(rule),
      ),
    cause: () => byAnnotation(`${traffic}/includeInboundPorts`, l10n.t('its default "*"')),
  },
  {
    tables: ['nat'],
    chains: ['ISTIO_INBOUND'],
    targets: ['ISTIO_IN_REDIRECT', 'ISTIO_REDIRECT'],
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
    tables: ['nat'],
    chains: ['ISTIO_IN_REDIRECT'],
    targets: ['REDIRECT'],
    shapes: ['-p', ''],
    says: (rule) =>
      l10n.t(
        'Whoever was sent here talks to the proxy’s inbound listener{0} instead of the application.',
        onPort(rule),
      ),
    cause: byDefault,
  },
  {
    tables: ['nat', 'mangle'],
    chains: ['PREROUTING', 'ISTIO_INBOUND'],
    targets: ['RETURN'],
    shapes: ['-i', '-i -p'],
    when: (rule) => rule.value('-i') !== 'lo' && !rule.facts.reroutedInterfaces.has(rule.value('-i')),
    says: (rule) =>
      l10n.t('What comes in through interface {0} goes straight to the application, past the proxy.', rule.value('-i')),
    cause: () => byAnnotation(`${traffic}/excludeInterfaces`),
  },
];

/** ` on 15006`, or nothing when the rules do not show it. */
function onPort({ facts }: Subject): string {
  return facts.inboundPort === undefined ? '' : l10n.t(' on port {0}', facts.inboundPort);
}
