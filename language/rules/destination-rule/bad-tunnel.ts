import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { whyNoHost, isIpAddress } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';
import { trafficPolicies } from './policies.ts';

/** A tunnel goes through a proxy that speaks CONNECT or POST, to a port of one host. */
export const badTunnel = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-tunnel',
  why: 'A tunnel has protocol CONNECT or POST and goes to one host or address and its port, without the PROXY protocol beside it: Istio refuses the rest.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const tunnel = policy.at('tunnel');
      if (tunnel.type !== 'map') continue;
      const { protocol, host, port } = {
        protocol: tunnel.at('protocol'),
        host: tunnel.at('targetHost'),
        port: tunnel.at('targetPort'),
      };
      const proxyProtocol = policy.entry('proxyProtocol');
      if (proxyProtocol?.value.isSet)
        yield finding(
          proxyProtocol.key,
          l10n.t('"proxyProtocol" excludes "tunnel": Istio refuses both together. Keep one.'),
          { fixes: [dropField(policy, 'proxyProtocol'), dropField(policy, 'tunnel')] },
        );
      if (protocol.string && !/^(CONNECT|POST)$/.test(protocol.string))
        yield finding(
          protocol,
          l10n.t('"{0}" is no protocol of a tunnel: Istio takes CONNECT and POST.', protocol.string),
          { fixes: inCapitals(protocol) },
        );
      const reason = host.string === undefined || isIpAddress(host.string) ? undefined : whyNoHost(host.string);
      if (reason) yield finding(host, l10n.t('"{0}" is no host: {1}. Istio refuses it.', host.string!, reason));
      if (isWrongPort(port.number)) yield finding(port, l10n.t('{0} is no port: Istio takes 1 to 65535.', port.text));
    }
  },
});

function inCapitals(protocol: Located): QuickFix[] {
  const name = protocol.string!.toUpperCase();
  if (name !== 'CONNECT' && name !== 'POST') return [];
  return [{ title: l10n.t('Change to {0}', name), preferred: true, edits: () => rename(protocol, name) }];
}
