import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';

/**
 * `-o lo ! -d 127.0.0.1/32 --uid-owner 1337 -j ISTIO_IN_REDIRECT` takes what the proxy sends to its own pod's address, which with
 * TPROXY is where the application is called. As root it leaves before, at `-o lo ! --uid-owner 1337 -j RETURN`.
 */
const proxyUser = 1337;

export const tproxyProxyUser = defineRule({
  id: 'injection/tproxy-proxy-user',
  code: 'ML0115',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/annotations/#SidecarInterceptionMode',
  why: 'With TPROXY the injector lets the proxy run as root with group 1337: its sockets need the right to take packets for any address. Where the pod template overrides that with user 1337, the packet rules send the proxy’s own connections to its application back to the proxy, again and again, and nothing that comes in is answered.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata, spec, name } of AnyPod) {
      const mode = metadata.at('annotations', 'sidecar.istio.io/interceptionMode').string;
      if (mode !== 'TPROXY') continue;
      // A native sidecar is an init container.
      for (const container of [...spec.at('initContainers').items, ...spec.at('containers').items]) {
        const user = container.at('securityContext', 'runAsUser');
        if (container.at('name').string !== 'istio-proxy' || user.number !== proxyUser) continue;
        yield finding(
          user,
          l10n.t(
            'The proxy of {0} runs as user 1337 while its interception mode is TPROXY: what it sends to the application comes back to it for ever. Leave the user out, and the injector writes 0 with group 1337; or use REDIRECT.',
            name,
          ),
        );
      }
    }
  },
});
