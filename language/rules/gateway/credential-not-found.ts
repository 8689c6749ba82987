import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import type { Finding, QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findGatewayProxies } from '../gateways.ts';
import { lookUp } from '../../lookup.ts';
import { PodIndex } from '../pods.ts';
import { credentialsOf } from './credentials.ts';

const byName = ({ name }: Resource) => [name];
const byNamespace = ({ namespace }: Resource) => [namespace];

/** A proxy may read Secrets of its own namespace only. Secrets are seldom among the files, so their absence is seldom certain. */
export const credentialNotFound = defineRule({
  id: 'gateway/credential-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'The Secret that credentialName names must be in the namespace of the gateway pods: without it the server has no certificate and refuses every connection. Reported in strict mode and with a cluster; elsewhere as a warning, and only when a Secret of that name is at hand in another namespace.',
  reads: ['Gateway', 'AnyPod', 'Secret'],
  subject: ['Gateway'],
  *check({ Gateway, AnyPod, Secret }, context) {
    const knowsAll = context.knowsAll('AnyPod', 'Secret');
    const pods = new PodIndex(AnyPod);
    const named = lookUp(Secret, byName, context);
    for (const gateway of Gateway) {
      const credentials = credentialsOf(gateway);
      const proxies = credentials.length === 0 ? undefined : findGatewayProxies(gateway, pods, context);
      if (!proxies) continue;
      const { namespaces } = proxies;
      for (const credential of credentials) {
        const [name, home] = split(credential.string!, namespaces);
        const secrets = named.get(name);
        if (secrets.some(({ namespace }) => home.includes(namespace))) continue;
        const misplaced = secrets[0];
        if (misplaced) {
          const isGuess = proxies.pods.length === 0 && !knowsAll;
          const severity = knowsAll ? 'error' : 'warning';
          // Where the proxies run is not certain then; that they run where the Secret is, is not either when that is no namespace of gateways.
          if (isGuess && misplaced.namespace !== gateway.namespace) continue;
          yield { ...inOtherNamespace(credential, misplaced, home, gateway), severity };
        } else if (knowsAll) {
          const near = home.flatMap((namespace) => lookUp(Secret, byNamespace, context).get(namespace));
          yield notFound(credential, near, home, gateway);
        }
      }
    }
  },
});

function inOtherNamespace(at: Located, secret: Resource, home: string[], gateway: Resource): Finding {
  const written = secret.metadata.at('namespace');
  const [only, ...others] = home;
  const move: QuickFix[] =
    only !== undefined && others.length === 0 && written.string !== undefined
      ? [
          {
            title: l10n.t('Move Secret {0} to namespace {1}', secret.name, only),
            edits: () => rename(written, only),
          },
        ]
      : [];
  return finding(
    at,
    l10n.t(
      'Secret "{0}" is in namespace {1}, but the proxies of Gateway {2} run in {3} and read Secrets there only: the server has no certificate. Move the Secret.',
      secret.name,
      secret.namespace,
      gateway.name,
      home.join(', '),
    ),
    {
      refType: 'credentialName',
      related: [{ at: secret.metadata.at('name'), message: l10n.t('The Secret') }],
      fixes: move,
    },
  );
}

function notFound(at: Located, near: readonly Resource[], home: string[], gateway: Resource): Finding {
  const meant = findNearMiss(
    at.string!,
    near.map(({ name }) => name),
  );
  const message = l10n.t(
    'There is no Secret "{0}" in namespace {1}, where the proxies of Gateway {2} run: the server has no certificate.',
    at.string!,
    home.join(', '),
    gateway.name,
  );
  return finding(at, meant ? `${message} ${l10n.t('Did you mean "{0}"?', meant)}` : message, {
    refType: 'credentialName',
    fixes: meant
      ? [{ title: l10n.t('Change to Secret "{0}"', meant), preferred: true, edits: () => rename(at, meant) }]
      : [],
  });
}

/** `name`, to be found where the proxies are, or `namespace/name`. */
function split(credential: string, home: readonly string[]): [name: string, home: string[]] {
  const slash = credential.indexOf('/');
  return slash === -1 ? [credential, [...home]] : [credential.slice(slash + 1), [credential.slice(0, slash)]];
}
