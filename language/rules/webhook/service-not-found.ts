import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { injectorsOf } from './injectors.ts';

const byFullName = ({ namespace, name }: Resource) => [`${namespace}/${name}`];
const isThere = (services: readonly Resource[]) => services.length > 0;

/** failurePolicy Fail: while nobody answers, no pod of the selected namespaces is created. */
export const webhookServiceNotFound = defineRule({
  id: 'webhook/service-not-found',
  code: 'IST0139',
  severity: 'error',
  docs: istioDocs('IST0139'),
  why: "An injector's webhook that names a Service which is not there is never answered: pods of the namespaces it selects are not created. Reported in strict mode and with a cluster, as the control plane is seldom among the files.",
  reads: ['MutatingWebhookConfiguration', 'Service'],
  subject: ['MutatingWebhookConfiguration'],
  *check({ MutatingWebhookConfiguration, Service }, context) {
    if (!context.knowsAll('Service')) return;
    const services = lookUp(Service, byFullName, context);
    for (const { at, name } of injectorsOf(MutatingWebhookConfiguration)) {
      const service = at.at('clientConfig', 'service');
      const wanted = `${service.at('namespace').string ?? ''}/${service.at('name').string ?? ''}`;
      if (service.type !== 'map' || services.tell(wanted, isThere)) continue;
      yield finding(
        service.at('name'),
        l10n.t(
          'Webhook {0} calls Service {1}, which is not there: pods that it selects cannot be created. Remove the configuration, or install its control plane.',
          name,
          wanted,
        ),
      );
    }
  },
});
