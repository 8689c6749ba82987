import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, whyNoWildcardHost } from '../values/hosts.ts';
import { whyNoPlainWildcard } from '../values/wildcards.ts';

/** `namespace/host`: which services the proxy shall know. */
export const badEgressHost = defineRefusal('Sidecar', {
  id: 'sidecar/bad-egress-host',
  why: 'A host in egress is "namespace/host": a namespace, "*", "." (the own one) or "~" (none), and a full name, which may begin with "*.". Istio refuses the rest.',
  *check({ spec }) {
    for (const { hosts } of spec.at('egress').items.map((egress) => ({ hosts: egress.at('hosts') }))) {
      if (hosts.type === 'list' && hosts.items.length === 0)
        yield finding(
          hosts,
          l10n.t('This egress has no hosts: Istio refuses it. Write "./*" for the own namespace, or "*/*" for all.'),
        );
      for (const host of hosts.items) {
        const reason = host.string === undefined ? undefined : whyNoEgressHost(host.string);
        if (reason)
          yield finding(host, l10n.t('"{0}" is no host of an egress: {1}. Istio refuses it.', host.string!, reason));
      }
    }
  },
});

function whyNoEgressHost(host: string): string | undefined {
  const slash = host.indexOf('/');
  if (slash === -1) return l10n.t('it must be "namespace/host", such as "./{0}"', host || '*');
  const [namespace, name] = [host.slice(0, slash), host.slice(slash + 1)];
  if (namespace === '') return l10n.t('there is no namespace before "/"');
  if (name === '') return l10n.t('there is no host behind "/"');
  if (!['*', '.', '~'].includes(namespace) && !isDnsLabel(namespace.replace(/^~/, '')))
    return l10n.t('"{0}" is no namespace', namespace);
  if (name === '*') return undefined;
  if (!name.includes('.'))
    return l10n.t(
      'it must be a full name, such as "{0}.{1}.svc.cluster.local"',
      name,
      isDnsLabel(namespace) ? namespace : 'shop',
    );
  return whyNoWildcardHost(name) ?? whyNoPlainWildcard(name);
}
