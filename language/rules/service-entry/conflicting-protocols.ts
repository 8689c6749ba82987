import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { exportScopes, scopesOverlap } from '../export-scopes.ts';
import type { Scopes } from '../export-scopes.ts';
import { firstFew, printNames } from '../pods.ts';
import { isOther } from '../other.ts';

interface HostPort {
  entry: Resource;
  at: Located;
  host: string;
  port: number;
  protocol: string;
  scopes: Scopes;
}

const hostPorts = rememberPerResource((entry): HostPort[] => {
  const scopes = exportScopes(entry);
  const hosts = entry.spec.at('hosts').items.flatMap(({ string }) => string ?? []);
  return entry.spec.at('ports').items.flatMap((at) => {
    const port = at.at('number').number;
    const protocol = (at.at('protocol').string || 'TCP').toUpperCase();
    return port === undefined ? [] : hosts.map((host): HostPort => ({ entry, at, host, port, protocol, scopes }));
  });
});

const placeOf = ({ host, port }: HostPort) => `${host}:${port}`;
const placesOf = (entry: Resource, clusterDomain: string) => hostPorts(entry, clusterDomain).map(placeOf);

/** A proxy has one listener for a port and one way to treat a host on it. */
export const conflictingProtocols = defineRule({
  id: 'service-entry/conflicting-protocols',
  code: 'IST0177',
  severity: 'warning',
  docs: istioDocs('IST0177'),
  why: 'ServiceEntries that a namespace sees together give one port of a host different protocols: the proxy follows one of them, and which one is not defined.',
  reads: ['ServiceEntry'],
  subject: ['ServiceEntry'],
  *check({ ServiceEntry }, { clusterDomain }) {
    const sameHostPort = lookUp(ServiceEntry, placesOf, { clusterDomain });
    for (const entry of ServiceEntry) {
      for (const one of hostPorts(entry, clusterDomain)) {
        const others = sameHostPort
          .get(placeOf(one))
          .flatMap((other) => (isOther(entry, other) ? hostPorts(other, clusterDomain) : []))
          .filter(
            (other) =>
              placeOf(other) === placeOf(one) &&
              other.protocol !== one.protocol &&
              scopesOverlap(other.scopes, one.scopes),
          );
        if (others.length === 0) continue;
        const protocol = one.at.at('protocol');
        yield finding(
          protocol.isSet ? protocol : one.at,
          l10n.t(
            'Port {0} of {1} is {2} here and {3} in {4}: proxies follow one of them only. Agree on one protocol.',
            one.port,
            one.host,
            one.protocol,
            [...new Set(others.map((other) => other.protocol))].join(', '),
            printNames(new Set(others.map(({ entry }) => entry))),
          ),
          {
            related: firstFew(others).map(({ at }) => ({
              at: at.at('protocol'),
              message: l10n.t('The other protocol'),
            })),
          },
        );
      }
    }
  },
});
