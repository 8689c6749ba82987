import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { controlPlaneWebhooks, hostOf } from './control-plane-urls.ts';

/** With an external control plane the API server calls it by URL. */
export const badControlPlaneUrl = defineRule({
  id: 'webhook/bad-control-plane-url',
  code: 'IST0163',
  severity: 'warning',
  docs: istioDocs('IST0163'),
  why: "A webhook of Istio's with a URL that cannot be read, or with neither url nor service, is never answered: pods are not created, or resources not validated.",
  reads: ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
  scope: 'resource',
  *check({ MutatingWebhookConfiguration, ValidatingWebhookConfiguration }) {
    for (const configuration of [...MutatingWebhookConfiguration, ...ValidatingWebhookConfiguration]) {
      for (const { webhook, name, url } of controlPlaneWebhooks(configuration)) {
        if (url.string !== undefined) {
          if (hostOf(url.string) === undefined)
            yield finding(url, l10n.t('"{0}" of webhook {1} is no URL: nobody answers it.', url.string, name));
        } else if (!webhook.at('clientConfig', 'service').isSet && !configuration.incomplete) {
          yield finding(
            webhook.at('clientConfig'),
            l10n.t('Webhook {0} has neither url nor service: nobody answers it. Name one of them.', name),
          );
        }
      }
    }
  },
});
