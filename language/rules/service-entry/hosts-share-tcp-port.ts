import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isHttpLike, isTlsLike } from '../values/ports.ts';

/** On a port without a host in the traffic (no HTTP, no TLS) Envoy cannot tell which of several hosts is meant. */
export const hostsShareTcpPort = defineRefusal('ServiceEntry', {
  id: 'service-entry/hosts-share-tcp-port',
  why: 'HTTP and TLS carry the name of the host, TCP does not: Istio refuses several hosts on a TCP port (or one without protocol) unless the resolution is NONE.',
  *check({ spec }) {
    const hosts = spec.at('hosts').items;
    const resolution = spec.at('resolution');
    if (hosts.length < 2 || !resolution.isSet || resolution.string === 'NONE') return;
    for (const port of spec.at('ports').items) {
      const protocol = port.at('protocol');
      if (port.type !== 'map' || (protocol.string && (isHttpLike(protocol.string) || isTlsLike(protocol.string))))
        continue;
      yield finding(
        protocol.isSet ? protocol : port.at('number').exists ? port.at('number') : port,
        l10n.t(
          'On this port nobody can tell the {0} hosts apart: Istio refuses it. Use protocol HTTP or TLS, or a ServiceEntry for each host.',
          hosts.length,
        ),
      );
    }
  },
});
