import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A Gateway without servers opens no port, and one without hosts answers nobody. */
export const noServers = defineRefusal('Gateway', {
  id: 'gateway/no-servers',
  why: 'A Gateway has at least one server, and a server at least one host; Istio refuses empty lists.',
  *check({ spec, root, incomplete }) {
    const servers = spec.at('servers');
    const isKnown = !incomplete && (!spec.isSet || spec.type === 'map');
    if (isKnown && (!servers.isSet || (servers.type === 'list' && servers.items.length === 0)))
      yield finding(
        servers.exists ? servers : spec.exists ? spec : root.at('kind'),
        l10n.t('This Gateway has no servers: Istio refuses it. Add one with "port" and "hosts".'),
      );
    for (const hosts of servers.items.map((server) => server.at('hosts'))) {
      if (hosts.type === 'list' && hosts.items.length === 0)
        yield finding(hosts, l10n.t('This server has no hosts: Istio refuses it. Name them, or use "*" for all.'));
    }
  },
});
