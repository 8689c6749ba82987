import * as l10n from '@vscode/l10n';
import { hostCovers } from '../../hosts.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { GatewayIndex, qualifiedGateway } from '../gateways.ts';

/** A server that passes TLS through sees no request, only the name in the handshake (SNI). */
export const httpBehindPassthrough = defineRule({
  id: 'virtual-service/http-behind-passthrough',
  code: 'ML0217',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/tasks/traffic-management/ingress/ingress-sni-passthrough/',
  why: 'A gateway server with TLS mode PASSTHROUGH or AUTO_PASSTHROUGH does not decrypt: it can route by SNI only. HTTP routes of a VirtualService whose hosts are served by such servers alone are never used, and clients are disconnected.',
  reads: ['VirtualService', 'Gateway'],
  subject: ['VirtualService'],
  *check({ VirtualService, Gateway }, context) {
    const gateways = new GatewayIndex(Gateway, [], context);
    for (const { spec, namespace } of VirtualService) {
      const http = spec.at('http');
      if (http.items.length === 0 || spec.at('tls').isSet || spec.at('tcp').isSet) continue;
      const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
      for (const { string } of spec.at('gateways').items) {
        const name = string && string !== 'mesh' ? qualifiedGateway(string, namespace) : undefined;
        const gateway = name === undefined ? undefined : gateways.get(name);
        if (!gateway || gateway.incomplete) continue;
        const servers = gateway.spec.at('servers').items.filter((server) => serves(server, hosts));
        if (servers.length === 0 || !servers.every(passesThrough)) continue;
        yield finding(
          http,
          l10n.t(
            'Gateway {0} passes TLS for these hosts through unread: it sees no HTTP, and these routes are never used. Route by SNI under "tls", or end TLS in the gateway (mode SIMPLE).',
            name!,
          ),
          { related: servers.map((server) => ({ at: server.at('tls', 'mode'), message: l10n.t('Passes through') })) },
        );
        break;
      }
    }
  },
});

function serves(server: Located, hosts: readonly string[]): boolean {
  return server.at('hosts').items.some(({ string = '' }) => {
    const served = string.slice(string.indexOf('/') + 1);
    return hosts.some((host) => hostCovers(served, host) || hostCovers(host, served));
  });
}

function passesThrough(server: Located): boolean {
  return ['PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(server.at('tls', 'mode').string ?? '');
}
