import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findGatewayProxies } from '../gateways.ts';
import { PodIndex } from '../pods.ts';
import { credentialsOf } from './credentials.ts';
import { decodeBase64, readCertificate } from './read-certificate.ts';

const byName = ({ name }: Resource) => [name];

/** A Secret that is there but no use: the listener has no certificate, as if it were missing. */
export const badCredential = defineRule({
  id: 'gateway/bad-credential',
  code: 'IST0161',
  severity: 'error',
  docs: istioDocs('IST0161'),
  why: 'The Secret that a server names must hold a certificate and its key, as tls.crt and tls.key or cert and key, and the certificate must be X.509 and not expired: otherwise clients are refused. A Secret whose data is left out (as files in a repository often have it) is left in peace.',
  reads: ['Gateway', 'AnyPod', 'Secret'],
  subject: ['Gateway'],
  *check({ Gateway, AnyPod, Secret }, context) {
    const pods = new PodIndex(AnyPod);
    const secrets = lookUp(Secret, byName, context);
    for (const gateway of Gateway) {
      const credentials = credentialsOf(gateway);
      if (credentials.length === 0) continue;
      const home = findGatewayProxies(gateway, pods, context)?.namespaces ?? [];
      for (const credential of credentials) {
        const secret = secrets.get(credential.string!).find(({ namespace }) => home.includes(namespace));
        const fault = secret && !secret.incomplete ? faultOf(secret, context.clusterDomain) : undefined;
        if (!secret || !fault) continue;
        yield finding(
          credential,
          l10n.t(
            'Secret {0} gives Gateway {1} no certificate: {2}. Clients are refused.',
            `${secret.namespace}/${secret.name}`,
            gateway.name,
            fault,
          ),
          { related: [{ at: secret.metadata.at('name'), message: l10n.t('The Secret') }] },
        );
      }
    }
  },
});

const faultOf = rememberPerResource(({ root }): string | undefined => {
  const values = readValues(root.toJSON() as SecretJson);
  // Filled in by somebody else: a sealed secret, an operator, a placeholder in a repository.
  if (!values) return undefined;
  const [certificate, key] =
    'cert' in values || 'key' in values ? [values['cert'], values['key']] : [values['tls.crt'], values['tls.key']];
  if (certificate === undefined || key === undefined)
    return l10n.t('it has neither tls.crt and tls.key nor cert and key');
  if (certificate === '' || key === '') return l10n.t('its certificate or its key is empty');
  const read = readCertificate(certificate);
  if ('unreadable' in read)
    return read.unreadable === 'not PEM'
      ? l10n.t('its certificate is not PEM')
      : l10n.t('its certificate is not X.509');
  if (!/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(key)) return l10n.t('its key is not PEM');
  return read.expires.getTime() < Date.now()
    ? l10n.t('its certificate expired on {0}', read.expires.toISOString().slice(0, 10))
    : undefined;
});

interface SecretJson {
  data?: Record<string, unknown> | null;
  stringData?: Record<string, unknown> | null;
}

/** What the Secret holds; `stringData` is plain text and wins. Undefined when it holds nothing. */
function readValues({ data, stringData }: SecretJson): Record<string, string> | undefined {
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries(data ?? {}))
    if (typeof value === 'string') values[key] = decodeBase64(value) ?? '';
  for (const [key, value] of Object.entries(stringData ?? {})) if (typeof value === 'string') values[key] = value;
  return Object.keys(values).length > 0 ? values : undefined;
}
