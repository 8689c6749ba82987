import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';

/** Texts that no client can ask for: Istio refuses the VirtualService. */
export const badHost = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-host',
  why: 'A host is a DNS name, which may begin with a wildcard, or an IP address; Istio refuses anything else, such as URLs and hosts with ports.',
  *check({ spec }) {
    for (const host of spec.at('hosts').items) {
      if (host.string === undefined || isIpAddress(host.string)) continue;
      const reason = whyNoWildcardHost(host.string);
      if (reason) yield finding(host, l10n.t('"{0}" is no host: {1}. Istio refuses it.', host.string, reason));
    }
  },
});
