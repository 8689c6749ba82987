import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { whyNoHost } from '../values/hosts.ts';

/** `gateway.namespace` still works, but reads like a host. */
export const dottedGatewayName = defineWarning('VirtualService', {
  id: 'virtual-service/dotted-gateway-name',
  why: 'The dotted name of a gateway is the old form, which Istio takes with a warning: "namespace/name" says the same and cannot be read as a host.',
  *check({ spec }) {
    for (const gateway of gatewayNames(spec)) {
      const name = gateway.string;
      if (!name?.includes('.') || name.includes('/') || whyNoHost(name) !== undefined) continue;
      const [first = '', namespace = ''] = name.split('.');
      const better = `${namespace}/${first}`;
      yield finding(gateway, l10n.t('"{0}" is the old form of a gateway\'s name. Write "{1}".', name, better), {
        fixes: [
          { title: l10n.t('Change to gateway "{0}"', better), preferred: true, edits: () => rename(gateway, better) },
        ],
      });
    }
  },
});

/** Of http matches Istio says nothing. */
function gatewayNames(spec: Located): Located[] {
  const matches = ['tls', 'tcp'].flatMap((name) => spec.at(name).items.flatMap((rule) => rule.at('match').items));
  return [spec, ...matches].flatMap((owner) => owner.at('gateways').items);
}
