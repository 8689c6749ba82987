import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import type { RuleContext } from '../../rule.ts';
import { fullHost } from '../../hosts.ts';
import { rememberPerResource } from '../../remember.ts';

/** One place a VirtualService sends traffic to. */
export interface Destination {
  virtualService: Resource;
  /** What holds `host`, `subset` and `port`. */
  destination: Located;
  host: Located;
  /** The host in full, e.g. `reviews.shop.svc.cluster.local`. */
  fullHost: string;
  /** Traffic is copied there, the answer is not waited for. */
  isMirror: boolean;
}

/** Every destination with a host, of routes and mirrors, in the order of the text. */
export function destinations(
  virtualServices: readonly Resource[],
  { clusterDomain }: Pick<RuleContext, 'clusterDomain'>,
): Destination[] {
  return virtualServices.flatMap((virtualService) => destinationsOf(virtualService, clusterDomain));
}

const destinationsOf = rememberPerResource((virtualService, clusterDomain): Destination[] =>
  [...destinationsWithKind(virtualService.spec)].flatMap(({ destination, isMirror }) => {
    const host = destination.at('host');
    if (!host.string) return [];
    const full = fullHost(host.string, virtualService.namespace, clusterDomain);
    return [{ virtualService, destination, host, fullHost: full, isMirror }];
  }),
);

/** Every value that names a destination, also one that has no host yet. */
export function destinationValues(spec: Located): Located[] {
  return [...destinationsWithKind(spec)].flatMap(({ destination }) => (destination.isSet ? [destination] : []));
}

function* destinationsWithKind(spec: Located): Iterable<{ destination: Located; isMirror: boolean }> {
  for (const http of spec.at('http').items) {
    for (const route of http.at('route').items) yield { destination: route.at('destination'), isMirror: false };
    yield { destination: http.at('mirror'), isMirror: true };
    for (const mirror of http.at('mirrors').items) yield { destination: mirror.at('destination'), isMirror: true };
  }
  for (const protocol of ['tls', 'tcp']) {
    for (const rule of spec.at(protocol).items) {
      for (const route of rule.at('route').items) yield { destination: route.at('destination'), isMirror: false };
    }
  }
}

/** The lists of weighted routes: one for each http, tls and tcp rule. */
export function* routeLists({ spec }: Resource): Iterable<Located> {
  for (const protocol of ['http', 'tls', 'tcp']) for (const rule of spec.at(protocol).items) yield rule.at('route');
}
