import * as l10n from '@vscode/l10n';
import { plainChain, plainTable } from './interception-facts.ts';
import { lookup } from './lookup.ts';
import { findToolChain } from './patterns/tool-chains.ts';

const builtIn: Record<string, () => string> = {
  PREROUTING: () => l10n.t('What enters, before it is decided where it goes.'),
  INPUT: () => l10n.t('What is for a process here.'),
  FORWARD: () => l10n.t('What passes through.'),
  OUTPUT: () => l10n.t('What a process here sends.'),
  POSTROUTING: () => l10n.t('What leaves, after it is decided where it goes.'),
};

const istio: Record<string, () => string> = {
  'nat ISTIO_INBOUND': () =>
    l10n.t('Which TCP connections from outside the proxy takes, and which ports it leaves alone.'),
  'nat ISTIO_IN_REDIRECT': () => l10n.t('To the proxy’s inbound listener.'),
  'nat ISTIO_OUTPUT': () => l10n.t('Which connections from inside the pod are taken, and which leave directly.'),
  'nat ISTIO_REDIRECT': () => l10n.t('To the proxy’s outbound listener.'),
  'nat ISTIO_OUTPUT_DNS': () => l10n.t('The application’s DNS queries, to the agent.'),
  'raw ISTIO_OUTPUT_DNS': () => l10n.t('Keeps the halves of proxied DNS apart in conntrack, outbound.'),
  'raw ISTIO_INBOUND': () => l10n.t('Keeps the halves of proxied DNS apart in conntrack, inbound.'),
  'mangle ISTIO_INBOUND': () =>
    l10n.t('Which TCP packets from outside the proxy takes (TPROXY), and which ports it leaves alone.'),
  'mangle ISTIO_TPROXY': () => l10n.t('To the proxy’s inbound listener, addresses unchanged.'),
  'mangle ISTIO_DIVERT': () => l10n.t('Packets of connections that the proxy has already taken.'),
  'mangle ISTIO_DROP': () => l10n.t('Drops packets that fit no connection.'),
  'nat ISTIO_PRERT': () => l10n.t('Which connections from outside ztunnel takes.'),
  'mangle ISTIO_PRERT': () => l10n.t('Remembers the connections that ztunnel opens.'),
  'raw ISTIO_PRERT': () => l10n.t('Keeps the halves of proxied DNS apart in conntrack, inbound.'),
  'mangle ISTIO_OUTPUT': () => l10n.t('Leads answers on ztunnel’s connections back to it.'),
  'raw ISTIO_OUTPUT': () => l10n.t('Keeps the halves of proxied DNS apart in conntrack, outbound.'),
  'nat ISTIO_POSTRT': () => l10n.t('Gives kubelet’s probes a source address that ambient pods recognise.'),
};

const prefixes: [string, () => string][] = [
  ['KUBE-SVC-', () => l10n.t('kube-proxy: one service; picks an endpoint.')],
  ['KUBE-SVL-', () => l10n.t('kube-proxy: one service, endpoints of this node only.')],
  ['KUBE-SEP-', () => l10n.t('kube-proxy: one endpoint of a service.')],
  ['KUBE-EXT-', () => l10n.t('kube-proxy: one service, reached from outside the cluster.')],
  ['KUBE-FW-', () => l10n.t('kube-proxy: who may reach a load balancer’s service.')],
  ['KUBE-', () => l10n.t('Kubernetes (kube-proxy or kubelet).')],
  ['CNI-', () => l10n.t('CNI plugin: one pod’s way out of the pod network.')],
];

/** What a chain as a whole is for, in a sentence; undefined for a chain that nobody knows. Takes nft's own names too. */
export function describeChain(table: string, chain: string): string | undefined {
  const plain = plainChain(table, chain);
  const own = lookup(istio, `${plainTable(table)} ${plain}`) ?? lookup(builtIn, plain);
  if (own) return own();
  const ofTool = findToolChain(plain);
  if (ofTool) return l10n.t('{0}: {1}', ofTool.tool, ofTool.purpose);
  return prefixes.find(([prefix]) => plain.startsWith(prefix))?.[1]();
}
