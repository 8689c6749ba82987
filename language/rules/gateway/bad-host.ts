import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';
import { whyNoPlainWildcard } from '../values/wildcards.ts';

/** What a server answers for: a full name, which may begin with `*.`, with the namespace of its VirtualServices before a slash. */
export const badHost = defineRefusal('Gateway', {
  id: 'gateway/bad-host',
  why: 'A host of a Gateway is "*", a name with a dot, "*." with a domain, or an IP address, if need be behind "namespace/": Istio refuses short names and other wildcards.',
  *check({ spec }) {
    for (const host of spec.at('servers').items.flatMap((server) => server.at('hosts').items)) {
      const reason = host.string === undefined ? undefined : whyNoGatewayHost(host.string);
      if (reason)
        yield finding(host, l10n.t('"{0}" is no host of a Gateway: {1}. Istio refuses it.', host.string!, reason));
    }
  },
});

function whyNoGatewayHost(host: string): string | undefined {
  const slash = host.indexOf('/');
  const namespace = host.slice(0, Math.max(slash, 0));
  const name = host.slice(slash + 1);
  if (slash !== -1 && namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace))
    return namespace === '' ? l10n.t('there is no namespace before "/"') : l10n.t('"{0}" is no namespace', namespace);
  if (name === '') return slash === -1 ? l10n.t('it is empty') : l10n.t('there is no host behind "/"');
  if (name === '*' || isIpAddress(name)) return undefined;
  if (!name.includes('.')) return l10n.t('a short name is not asked for from outside; write the full one');
  return whyNoWildcardHost(name) ?? whyNoPlainWildcard(name);
}
