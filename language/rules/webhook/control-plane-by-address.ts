import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { controlPlaneWebhooks, hostOf } from './control-plane-urls.ts';

/** An address moves more often than a name, and certificates are issued to names. */
export const controlPlaneByAddress = defineRule({
  id: 'webhook/control-plane-by-address',
  code: 'IST0164',
  severity: 'info',
  docs: istioDocs('IST0164'),
  why: "A webhook of Istio's that calls its control plane by IP address needs a certificate for that address, and breaks when it changes.",
  reads: ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
  scope: 'resource',
  *check({ MutatingWebhookConfiguration, ValidatingWebhookConfiguration }) {
    for (const configuration of [...MutatingWebhookConfiguration, ...ValidatingWebhookConfiguration]) {
      for (const { name, url } of controlPlaneWebhooks(configuration)) {
        const host = url.string === undefined ? undefined : hostOf(url.string);
        if (host === undefined || !/^(\d+\.){3}\d+$|:/.test(host)) continue;
        yield finding(url, l10n.t('Webhook {0} calls its control plane by address {1}. Use a host name.', name, host));
      }
    }
  },
});
