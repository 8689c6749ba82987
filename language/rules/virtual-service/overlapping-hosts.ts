import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';

/** One name under two hosts of a VirtualService would be one Envoy virtual host defined twice. */
export const overlappingHosts = defineRefusal('VirtualService', {
  id: 'virtual-service/overlapping-hosts',
  why: 'Every host becomes a domain in Envoy, which takes each once: Istio refuses hosts of one VirtualService of which one covers the other.',
  *check({ spec }) {
    const hosts = spec
      .at('hosts')
      .items.filter(({ string }) => string && (isIpAddress(string) || !whyNoWildcardHost(string)));
    for (const [later, earlier] of overlaps(hosts.map(({ string }) => string!))) {
      const [host, other] = [hosts[later]!, hosts[earlier]!];
      yield finding(
        host,
        other.string === host.string
          ? l10n.t('Host "{0}" is here twice: Istio refuses the VirtualService. Remove one.', host.string!)
          : l10n.t(
              'Hosts "{0}" and "{1}" cover the same names: Istio refuses both in one VirtualService. Remove one.',
              other.string!,
              host.string!,
            ),
        { related: [{ at: other, message: l10n.t('The other host') }] },
      );
    }
  },
});

/**
 * Each host that has a name in common with an earlier one, with the first such. A wildcard takes every host that ends as it
 * does, so all hosts are looked up by their endings: thousands of hosts are not compared with each other.
 */
function overlaps(hosts: string[]): Map<number, number> {
  const found = new Map<number, number>();
  const note = (a: number, b: number) => {
    const [earlier, later] = [Math.min(a, b), Math.max(a, b)];
    found.set(later, Math.min(earlier, found.get(later) ?? earlier));
  };
  const first = new Map<string, number>();
  const wildcards = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    const same = first.get(host);
    if (same !== undefined) note(same, index);
    else first.set(host, index);
    if (same === undefined && host.startsWith('*')) wildcards.set(host.slice(1), index);
  }
  const lengths = [...new Set([...wildcards.keys()].map(({ length }) => length))];
  for (const [host, index] of first) {
    const name = host.startsWith('*') ? host.slice(1) : host;
    for (const length of lengths) {
      const wildcard = length <= name.length ? wildcards.get(name.slice(name.length - length)) : undefined;
      if (wildcard !== undefined && wildcard !== index) note(wildcard, index);
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}
