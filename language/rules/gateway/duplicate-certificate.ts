import * as l10n from '@vscode/l10n';
import { matchesLabels } from '../../../mesh/selectors.ts';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { firstFew, printLabels, printNames } from '../pods.ts';
import { isOther } from '../other.ts';

interface Certificate {
  gateway: Resource;
  selector: Record<string, string>;
  selectorText: string;
  at: Located;
  /** Where it comes from: a Secret's name, or the paths of certificate and key. */
  source: string;
}

const certificates = rememberPerResource((gateway): Certificate[] => {
  const selector = gateway.spec.at('selector').strings;
  const selectorText = printLabels(selector);
  return gateway.spec.at('servers').items.flatMap((server): Certificate[] => {
    const tls = server.at('tls');
    const secret = tls.at('credentialName');
    if (secret.string) return [{ gateway, selector, selectorText, at: secret, source: secret.string }];
    const [certificate, key] = [tls.at('serverCertificate'), tls.at('privateKey')];
    if (!certificate.string || !key.string) return [];
    return [{ gateway, selector, selectorText, at: certificate, source: `${certificate.string} ${key.string}` }];
  });
});

const sourcesOf = (gateway: Resource, clusterDomain: string) =>
  certificates(gateway, clusterDomain).map(({ source }) => source);

/** A browser that sees one certificate for two hosts sends both over one HTTP/2 connection: the second Gateway answers 404. */
export const duplicateCertificate = defineRule({
  id: 'gateway/duplicate-certificate',
  code: 'IST0138',
  severity: 'warning',
  docs: istioDocs('IST0138'),
  why: 'Two Gateways on the same proxies with one certificate: browsers reuse the HTTP/2 connection of the first host for the second, and get 404 from a server that does not have it.',
  reads: ['Gateway'],
  subject: ['Gateway'],
  *check({ Gateway }, { clusterDomain }) {
    const sameSource = lookUp(Gateway, sourcesOf, { clusterDomain });
    for (const gateway of Gateway) {
      const told = new Set<string>();
      for (const one of certificates(gateway, clusterDomain)) {
        const { source, at } = one;
        if (told.has(source)) continue;
        const others = sameSource
          .get(source)
          .flatMap((other) => (isOther(gateway, other) ? certificates(other, clusterDomain) : []))
          .filter((other) => other.source === source && shareProxies(one, other));
        if (others.length === 0) continue;
        told.add(source);
        yield finding(
          at,
          l10n.t(
            'Gateway {0} has the same certificate on the same proxies: browsers that reuse a connection get 404 for the hosts of the other. Put the hosts into one Gateway.',
            printNames(new Set(others.map((other) => other.gateway))),
          ),
          { related: firstFew(others).map((other) => ({ at: other.at, message: l10n.t('The same certificate') })) },
        );
      }
    }
  },
});

/** It is told of the Gateway that takes all proxies of the other one, as Istio does. */
function shareProxies(a: Certificate, b: Certificate): boolean {
  return a.selectorText === b.selectorText || matchesLabels(a.selector, b.selector);
}
