import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findGatewayProxies } from '../gateways.ts';
import { groupBy } from '../group-by.ts';
import { PodIndex } from '../pods.ts';

/** A proxy may read Secrets of its own namespace only. Secrets are seldom among the files, so only `strict` asserts it. */
export const credentialNotFound = defineRule({
  id: 'gateway/credential-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'The Secret that credentialName names must be in the namespace of the gateway pods: without it the server has no certificate and refuses every connection. Reported in strict mode only.',
  reads: ['Gateway', 'AnyPod', 'Secret'],
  *check({ Gateway, AnyPod, Secret }, context) {
    if (!context.knowsAll('AnyPod', 'Secret')) return;
    const pods = new PodIndex(AnyPod);
    const secrets = groupBy(Secret, ({ namespace }) => namespace);
    for (const gateway of Gateway) {
      const home = findGatewayProxies(gateway, pods, context)?.namespaces ?? [];
      if (home.length === 0) continue;
      const known = home.flatMap((namespace) => (secrets.get(namespace) ?? []).map(({ name }) => name));
      for (const credential of gateway.spec.at('servers').items.flatMap((server) => credentialsOf(server.at('tls')))) {
        const name = credential.string;
        if (!name || name.includes('://') || known.includes(name)) continue;
        const meant = findNearMiss(name, known);
        const message = l10n.t(
          'There is no Secret "{0}" in namespace {1}, where the proxies of Gateway {2} run: the server has no certificate.',
          name,
          home.join(', '),
          gateway.name,
        );
        yield finding(credential, meant ? `${message} ${l10n.t('Did you mean "{0}"?', meant)}` : message, {
          refType: 'credentialName',
          fixes: meant
            ? [
                {
                  title: l10n.t('Change to Secret "{0}"', meant),
                  preferred: true,
                  edits: () => rename(credential, meant),
                },
              ]
            : [],
        });
      }
    }
  },
});

function credentialsOf(tls: Located): readonly Located[] {
  const several = tls.at('credentialNames').items;
  return several.length > 0 ? several : [tls.at('credentialName')];
}
