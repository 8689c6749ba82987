import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress, whyNoWildcardHost } from '../values/hosts.ts';
import { sniHosts } from './sni-hosts.ts';

/** Texts that no client can send as SNI. */
export const badSniHost = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-sni-host',
  why: 'A client sends a DNS name as SNI; Istio refuses texts that are neither one, nor a wildcard for several.',
  *check({ spec }) {
    for (const sni of sniHosts(spec)) {
      const reason = isIpAddress(sni.string!) ? undefined : whyNoWildcardHost(sni.string!);
      if (reason) yield finding(sni, l10n.t('"{0}" is no host: {1}. Istio refuses it.', sni.string!, reason));
    }
  },
});
