import * as l10n from '@vscode/l10n';
import type { ExplainedRule, ExplainedRuleset } from './explain-rules.ts';
import { plainChain, plainTable } from './interception-facts.ts';

/** What the rules amount to for a pod, in a sentence or two. */
export function summarizeInterception(explained: ExplainedRuleset): string {
  switch (explained.mode) {
    case 'none':
      return l10n.t('No rule of Istio is here: nothing is taken to a proxy.');
    case 'unknown':
      return l10n.t('These rules do not show whether traffic is taken to a proxy.');
    case 'ambient-host':
      return l10n.t(
        'The node’s side of ambient mode: kubelet’s probes reach ambient pods with the source address {0}.',
        explained.facts.probeAddress ?? '?',
      );
    case 'ambient':
      return ambient(explained);
    default:
      return [inbound(explained), outbound(explained), ...dns(explained)].join(' ');
  }
}

function ambient({ facts }: ExplainedRuleset): string {
  const parts = [
    facts.inboundPort === undefined
      ? l10n.t('Inbound plaintext is not captured; only the HBONE tunnel on 15008 leads through ztunnel.')
      : l10n.t('Inbound plaintext TCP goes to ztunnel on {0}, mesh traffic comes in on 15008.', facts.inboundPort),
    facts.outboundPort === undefined
      ? l10n.t('Outbound TCP is not captured.')
      : l10n.t('Outbound TCP goes to ztunnel on {0}.', facts.outboundPort),
  ];
  if (facts.dnsPort !== undefined) parts.push(l10n.t('DNS goes to {0}.', facts.dnsPort));
  return parts.join(' ');
}

function inbound(explained: ExplainedRuleset): string {
  const { facts, mode } = explained;
  const table = mode === 'sidecar-tproxy' ? 'mangle' : 'nat';
  const entered = select(explained, table, 'PREROUTING').some(({ rule }) =>
    / (ISTIO_INBOUND|istio-inbound)$/.test(rule),
  );
  const rules = select(explained, table, 'ISTIO_INBOUND');
  const taken = rules.filter(({ rule }) =>
    / -j (ISTIO_IN_REDIRECT|ISTIO_TPROXY|ISTIO_REDIRECT|istio-in-redirect|istio-tproxy)$/.test(rule),
  );
  const hasPrerouting = explained.chains.some(
    (chain) => plainTable(chain.table) === table && plainChain(chain.table, chain.name) === 'PREROUTING',
  );
  if (taken.length === 0 || (hasPrerouting && !entered)) return l10n.t('Inbound TCP is not captured.');
  const port = facts.inboundPort ?? '?';
  const listed = taken.flatMap(({ rule }) => portsOf(rule));
  if (listed.length)
    return l10n.t(
      'Inbound TCP to {0} goes to the proxy on {1}, other ports go straight to the application.',
      unique(listed),
      port,
    );
  const excluded = rules.filter(({ rule }) => rule.endsWith(' -j RETURN')).flatMap(({ rule }) => portsOf(rule));
  return excluded.length
    ? l10n.t('Inbound TCP goes to the proxy on {0} except {1}.', port, unique(excluded))
    : l10n.t('Inbound TCP goes to the proxy on {0}.', port);
}

function outbound(explained: ExplainedRuleset): string {
  const { facts } = explained;
  const rules = select(explained, 'nat', 'ISTIO_OUTPUT');
  const taken = rules.filter(({ rule }) => / -j (ISTIO_REDIRECT|istio-redirect)$/.test(rule));
  if (taken.length === 0) return l10n.t('Outbound TCP is not captured.');
  const port = facts.outboundPort ?? '?';
  const left = rules.filter(({ rule }) => rule.endsWith(' -j RETURN') && !/ -o | --(uid|gid)-owner /.test(rule));
  const except = unique([
    ...left.flatMap(({ rule }) => portsOf(rule).map((each) => l10n.t('port {0}', each))),
    ...left.flatMap(({ rule }) => rangesOf(rule).filter((range) => !/^(127\.|::1\/)/.test(range))),
  ]);
  const everything = taken.some(({ rule }) => rangesOf(rule).length === 0 && portsOf(rule).length === 0);
  if (everything)
    return except === ''
      ? l10n.t('Outbound TCP goes to the proxy on {0}.', port)
      : l10n.t('Outbound TCP goes to the proxy on {0} except {1}.', port, except);
  const only = unique([
    ...taken.flatMap(({ rule }) => rangesOf(rule)),
    ...taken.flatMap(({ rule }) => portsOf(rule).map((each) => l10n.t('port {0}', each))),
  ]);
  return except === ''
    ? l10n.t('Outbound TCP to {0} goes to the proxy on {1}, the rest leaves directly.', only, port)
    : l10n.t('Outbound TCP to {0} goes to the proxy on {1} except {2}, the rest leaves directly.', only, port, except);
}

function dns({ facts }: ExplainedRuleset): string[] {
  return facts.dnsPort === undefined ? [] : [l10n.t('DNS goes to the agent on {0}.', facts.dnsPort)];
}

function select({ rules }: ExplainedRuleset, table: string, chain: string): ExplainedRule[] {
  return rules.filter((rule) => plainTable(rule.table) === table && plainChain(rule.table, rule.chain) === chain);
}

function portsOf(rule: string): string[] {
  return [...rule.matchAll(/(?<!! )--dports? (\S+)/g)].flatMap(([, ports = '']) => ports.split(','));
}

function rangesOf(rule: string): string[] {
  return [...rule.matchAll(/(?<!!) -d (\S+)/g)].flatMap(([, ranges = '']) => ranges.split(','));
}

/** More than that is no summary: the rules themselves name them all. */
const mostNamed = 20;

function unique(values: string[]): string {
  const different = [...new Set(values)];
  const named = different.slice(0, mostNamed).join(', ');
  return different.length > mostNamed ? l10n.t('{0} and {1} more', named, different.length - mostNamed) : named;
}
