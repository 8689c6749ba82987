import type { PodSpec } from '../kubernetes.ts';
import type { ExpectedInputs } from './expected-rules.ts';
import { valueOf } from './interception-facts.ts';
import type { Ruleset } from './ruleset.ts';

/**
 * No manifest tells which name servers stand in the pod's resolv.conf: unless it says so itself, those of the rules are
 * believed. A rule set without any is compared with the usual one.
 */
export function learnDnsServers(
  { pod }: Pick<ExpectedInputs, 'pod'>,
  { chains }: Ruleset,
): Pick<ExpectedInputs, 'dnsServers'> {
  if ((pod.spec as (PodSpec & { dnsPolicy?: string }) | undefined)?.dnsPolicy === 'None') return {};
  const servers = chains
    .flatMap(({ rules }) => rules)
    .filter((rule) => rule.target === 'REDIRECT' && valueOf(rule, '--dport') === '53')
    .flatMap((rule) => valueOf(rule, '-d')?.split('/')[0] ?? []);
  return servers.length > 0 ? { dnsServers: [...new Set(servers)] } : {};
}
