import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, whyNoHost } from '../values/hosts.ts';

/** `name`, `namespace/name`, or the old dotted form. */
export const badGatewayName = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-gateway-name',
  why: 'A gateway is named "name" or "namespace/name", each a DNS label; Istio refuses anything else.',
  *check({ spec }) {
    for (const gateway of gatewayLists(spec).flatMap(({ items }) => items)) {
      const name = gateway.string;
      if (name === undefined) continue;
      const [namespace = '', ...rest] = name.split('/');
      const isFine =
        rest.length === 0
          ? whyNoHost(name) === undefined
          : rest.length === 1 && isDnsLabel(namespace) && isDnsLabel(rest[0]!);
      if (!isFine)
        yield finding(
          gateway,
          l10n.t(
            '"{0}" is no name of a gateway: Istio takes "name" and "namespace/name", with letters, digits and "-".',
            name,
          ),
        );
    }
  },
});

function gatewayLists(spec: Located): Located[] {
  const matches = ['http', 'tls', 'tcp'].flatMap((protocol) =>
    spec.at(protocol).items.flatMap((rule) => rule.at('match').items.map((match) => match.at('gateways'))),
  );
  return [spec.at('gateways'), ...matches];
}
