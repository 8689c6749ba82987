import * as l10n from '@vscode/l10n';
import { matchesLabels } from '../../../mesh/selectors.ts';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { firstFew, PodIndex, printLabels, printNames } from '../pods.ts';
import { isOther } from '../other.ts';

interface ServerHost {
  gateway: Resource;
  server: Located;
  at: Located;
  /** Port, address and host: what two servers on one proxy cannot both have. */
  place: string;
  port: number;
  selector: string;
}

const serverHosts = rememberPerResource((gateway): ServerHost[] => {
  const selector = printLabels(gateway.spec.at('selector').strings);
  return gateway.spec.at('servers').items.flatMap((server) => {
    const port = server.at('port', 'number').number;
    const bind = server.at('bind').string ?? '';
    if (port === undefined) return [];
    return server
      .at('hosts')
      .items.flatMap((at): ServerHost[] =>
        at.string ? [{ gateway, server, at, place: `${port} ${bind} ${at.string}`, port, selector }] : [],
      );
  });
});

const placesOf = (gateway: Resource, clusterDomain: string) =>
  serverHosts(gateway, clusterDomain).map(({ place }) => place);

/** One listener of a proxy takes a host once: of two servers for it, the second is left out. */
export const conflictingGatewayHosts = defineRule({
  id: 'gateway/conflicting-hosts',
  code: 'IST0145',
  severity: 'error',
  docs: istioDocs('IST0145'),
  why: 'Two Gateways on the same proxies define the same host on the same port and address: one of them is left out, and which one is not defined.',
  reads: ['Gateway', 'AnyPod'],
  subject: ['Gateway'],
  *check({ Gateway, AnyPod }, { clusterDomain }) {
    const pods = new PodIndex(AnyPod);
    const samePlace = lookUp(Gateway, placesOf, { clusterDomain });
    for (const gateway of Gateway) {
      const told = new Set<Located>();
      for (const one of serverHosts(gateway, clusterDomain)) {
        const others = samePlace
          .get(one.place)
          .flatMap((other) => (isOther(gateway, other) ? serverHosts(other, clusterDomain) : []))
          .filter((other) => other.place === one.place && shareProxies(one, other, pods));
        if (others.length === 0 || told.has(one.server)) continue;
        told.add(one.server);
        yield finding(
          one.at,
          l10n.t(
            'Gateway {0} also has host {1} on port {2} of the same proxies: one of them is left out. Keep the host in one Gateway.',
            printNames(new Set(others.map(({ gateway }) => gateway))),
            one.at.string!,
            one.port,
          ),
          { related: firstFew(others).map(({ at }) => ({ at, message: l10n.t('The same host') })) },
        );
      }
    }
  },
});

/** The same selector; or one that contains the other, and a pod that both take. */
function shareProxies(a: ServerHost, b: ServerHost, pods: PodIndex): boolean {
  if (a.selector === b.selector) return true;
  if (!a.selector.includes(b.selector) && !b.selector.includes(a.selector)) return false;
  const [one, other] = [a.gateway.spec.at('selector').strings, b.gateway.spec.at('selector').strings];
  const both = { ...one, ...other };
  return matchesLabels(one, both) && pods.hasMatching(both);
}
