import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, whyNoHost } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';

/** Where traffic to unknown hosts goes by way of. */
export const badEgressProxy = defineRefusal('Sidecar', {
  id: 'sidecar/bad-egress-proxy',
  why: 'egressProxy takes the traffic to unknown hosts, so the mode is ALLOW_ANY (absent, it is REGISTRY_ONLY); it is a full name with a port, and a subset if need be. Istio refuses the rest.',
  *check({ spec, incomplete }) {
    const policy = spec.at('outboundTrafficPolicy');
    const proxy = policy.at('egressProxy');
    if (proxy.type !== 'map') return;
    const mode = policy.at('mode');
    if (mode.isSet ? mode.string === 'REGISTRY_ONLY' : !incomplete)
      yield finding(
        mode.isSet ? mode : policy.entry('egressProxy')!.key,
        l10n.t(
          '"egressProxy" needs mode ALLOW_ANY: with REGISTRY_ONLY (the default) unknown hosts are not reached, and Istio refuses it.',
        ),
      );
    const { host, subset, port } = { host: proxy.at('host'), subset: proxy.at('subset'), port: proxy.at('port') };
    const reason = host.string === undefined ? undefined : whyNoHost(host.string);
    if (reason) yield finding(host, l10n.t('"{0}" is no host: {1}. Istio refuses it.', host.string!, reason));
    if (subset.string && !isDnsLabel(subset.string))
      yield finding(
        subset,
        l10n.t(
          '"{0}" cannot be the name of a subset: letters, digits and "-" may be in it, at most 63.',
          subset.string,
        ),
      );
    const number = port.at('number');
    if (!incomplete && !number.isSet)
      yield finding(
        port.exists ? port : policy.entry('egressProxy')!.key,
        l10n.t('"egressProxy" needs a "port" with a number: Istio refuses it without.'),
      );
    if (isWrongPort(number.number))
      yield finding(number, l10n.t('{0} is no port: Istio takes 1 to 65535.', number.text));
  },
});
