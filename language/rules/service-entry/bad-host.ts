import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';

/** Names that the mesh shall know. */
export const badHost = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-host',
  why: 'A host of a ServiceEntry is a DNS name, which may begin with a wildcard but not be "*" alone; Istio refuses anything else, such as URLs and addresses.',
  *check({ spec }) {
    for (const host of spec.at('hosts').items) {
      if (host.string === undefined) continue;
      const reason = whyNoServiceHost(host.string);
      if (reason) yield finding(host, l10n.t('"{0}" is no host: {1}. Istio refuses it.', host.string, reason));
    }
  },
});

function whyNoServiceHost(host: string): string | undefined {
  if (host === '*') return l10n.t('it would take all traffic');
  if (isIpAddress(host)) return l10n.t('an IP address belongs into "addresses", beside a name of your choice');
  return whyNoWildcardHost(host);
}
