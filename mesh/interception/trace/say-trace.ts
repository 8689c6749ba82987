import * as l10n from '@vscode/l10n';
import type { InterceptionFacts } from '../interception-facts.ts';
import type { Packet } from './packet.ts';
import type { Decision, Doubt, Journey } from './walk-tables.ts';

interface Told {
  verdict: 'REDIRECT' | 'TPROXY' | 'DROP' | 'PASS';
  port?: number;
  decision?: Decision;
  journey: Journey;
  facts: InterceptionFacts;
  asked: Packet;
  /** The rules are all of the other family. */
  unseen: boolean;
  /** What is said of the connection's first packet. */
  first: () => string;
}

/** Where a packet ends, in a sentence or two. */
export function sayTrace(told: Told): string {
  const where = sayWhere(told);
  const why = sayWhy(told);
  return why === undefined ? where : `${where} ${why}`;
}

function sayWhere({ verdict, port, decision, journey, facts, asked }: Told): string {
  if (verdict === 'DROP') return sayDropped(decision);
  if (verdict === 'TPROXY')
    return l10n.t(
      'Handed to {0} on its inbound port {1} by TPROXY, with its addresses unchanged.',
      proxyName(facts),
      port ?? '?',
    );
  if (verdict === 'REDIRECT') return sayRedirected(port ?? 0, facts);
  return sayPassed(decision, journey, facts, asked);
}

function sayDropped(decision: Decision | undefined): string {
  if (!decision) return l10n.t('Dropped.');
  const { rule, hook, table } = decision;
  if (table === '')
    return l10n.t(
      'Dropped by routing: a packet from a loopback address may not leave for {0} (unless route_localnet is set).',
      decision.dst,
    );
  if (!rule)
    return l10n.t('Dropped by the policy of chain {0} (table {1}): no rule took it.', decision.chain ?? hook, table);
  return rule.target === 'REJECT' || /\breject\b/.test(rule.nft?.text ?? '')
    ? l10n.t('Refused, and the sender is told so, by: {0} (table {1}).', rule.text, table)
    : l10n.t('Dropped, and the sender hears nothing, by: {0} (table {1}).', rule.text, table);
}

function sayRedirected(port: number, facts: InterceptionFacts): string {
  const written = String(port);
  const proxy = proxyName(facts);
  if (written === facts.dnsPort) return l10n.t('Redirected to the DNS proxy of {0}, port {1}.', proxy, written);
  if (written === facts.inboundPort) return l10n.t('Redirected to {0}, inbound port {1}.', proxy, written);
  if (written === facts.outboundPort) return l10n.t('Redirected to {0}, outbound port {1}.', proxy, written);
  return l10n.t('Redirected to port {0} of this machine or pod.', written);
}

function sayPassed(
  decision: Decision | undefined,
  { packet, looped }: Journey,
  facts: InterceptionFacts,
  asked: Packet,
): string {
  if (decision?.effect === 'queue')
    return l10n.t(
      'Handed to a program by {0}; what that one decides is not known.',
      decision.rule?.target ?? 'NFQUEUE',
    );
  if (decision?.effect === 'translate')
    return l10n.t('Sent to {0} port {1} instead, past the proxy.', decision.dst, decision.port);
  const own = facts.proxyUids.has(String(asked.uid)) || facts.proxyGids.has(String(asked.gid));
  if (asked.direction === 'in')
    return packet.outIface === ''
      ? l10n.t('Goes straight to the listener on port {0}; the proxy does not see it.', packet.dport)
      : l10n.t('Not for this machine or pod: forwarded to {0} port {1}.', packet.dst, packet.dport);
  if (looped)
    return own
      ? l10n.t('The proxy’s own traffic: goes straight to port {0} here.', packet.dport)
      : l10n.t('Stays here and goes straight to port {0}; the proxy does not see it.', packet.dport);
  return own
    ? l10n.t('The proxy’s own traffic: leaves for {0} port {1} as it is.', packet.dst, packet.dport)
    : l10n.t('Leaves straight for {0} port {1}; the proxy does not see it.', packet.dst, packet.dport);
}

/** What a reader would not expect: why nat was not asked, or no rule at all. */
function sayWhy({ journey, unseen, verdict, asked, first }: Told): string | undefined {
  if (unseen)
    return journey.packet.family === '6'
      ? l10n.t('These rules are for IPv4: none of them sees an IPv6 packet.')
      : l10n.t('These rules are for IPv6: none of them sees an IPv4 packet.');
  if (verdict === 'DROP') return undefined;
  switch (journey.packet.state) {
    case 'INVALID':
      return l10n.t('Connection tracking calls the packet INVALID: the nat table is not asked about it.');
    case 'ESTABLISHED':
      return l10n.t(
        'The nat table is asked only for the first packet of a connection, and later ones follow it. The first: {0}',
        first(),
      );
    case 'UNTRACKED':
      return l10n.t('A rule took the packet out of connection tracking: the nat table is not asked about it.');
    case 'RELATED':
    case 'NEW':
      return asked.direction === 'in' && asked.iface === 'lo'
        ? l10n.t('What comes in over lo was sent from here, and the nat table was asked then.')
        : undefined;
  }
}

function proxyName({ mode }: InterceptionFacts): string {
  return mode === 'ambient' ? 'ztunnel' : l10n.t('the proxy');
}

/** One sentence for each rule that could not be judged. */
export function describeDoubts(doubts: Doubt[]): string[] {
  const sentences = doubts.map(({ rule, about, assumed }) =>
    assumed
      ? l10n.t('Taken as matching, as it does for nearly every packet: {0}, in: {1}', about.join(', '), rule.text)
      : about.length
        ? l10n.t('Taken as not matching, since {0} cannot be known from here: {1}', about.join(', '), rule.text)
        : l10n.t('Taken as without effect, since target {0} is not known: {1}', rule.target ?? '', rule.text),
  );
  return [...new Set(sentences)];
}
