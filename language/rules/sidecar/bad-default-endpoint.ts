import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isPort, isUnixSocket } from '../values/ports.ts';

/** Where the proxy hands inbound traffic to: the workload itself. */
export const badDefaultEndpoint = defineRefusal('Sidecar', {
  id: 'sidecar/bad-default-endpoint',
  why: 'A defaultEndpoint is a port of the workload itself (127.0.0.1, ::1, 0.0.0.0 or [::] with a port) or a unix socket; Istio refuses other addresses.',
  *check({ spec }) {
    for (const endpoint of spec.at('ingress').items.map((ingress) => ingress.at('defaultEndpoint'))) {
      if (!endpoint.string || isOwnEndpoint(endpoint.string)) continue;
      yield finding(
        endpoint,
        l10n.t(
          '"{0}" is not in the workload: Istio takes 127.0.0.1, [::1], 0.0.0.0 or [::] with a port, or unix:// with an absolute path.',
          endpoint.string,
        ),
      );
    }
  },
});

function isOwnEndpoint(text: string): boolean {
  if (isUnixSocket(text)) return true;
  const [, address = '', port = ''] = /^(.*):(\d+)$/.exec(text) ?? [];
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  return isPort(Number(port)) && ['', '127.0.0.1', '::1', '0.0.0.0', '::'].includes(bare);
}
