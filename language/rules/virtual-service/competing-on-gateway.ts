import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { qualifiedGateway } from '../gateways.ts';
import { firstFew, printNames } from '../pods.ts';
import { isOther } from '../other.ts';

interface CatchAll {
  at: Located;
  /** `shop/edge shop.example.com`: gateway and host. */
  places: string[];
}

/** The route that takes whatever comes, and for which hosts at which gateways it does. */
const catchAll = rememberPerResource(({ spec, namespace }): CatchAll | undefined => {
  const at = spec.at('http').items.find(takesEverything);
  if (!at) return undefined;
  const gateways = spec.at('gateways').items.flatMap(({ string }) => (string && string !== 'mesh' ? [string] : []));
  const hosts = spec.at('hosts').items.flatMap(({ string }) => string ?? []);
  return {
    at,
    places: gateways.flatMap((gateway) => hosts.map((host) => `${qualifiedGateway(gateway, namespace)} ${host}`)),
  };
});
const placesOf = (virtualService: Resource) => catchAll(virtualService, '')?.places ?? [];

/** At a gateway the routes of several VirtualServices for one host are merged, but only one of them can be the last resort. */
export const competingOnGateway = defineRule({
  id: 'virtual-service/competing-on-gateway',
  code: 'ML0201',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services',
  why: 'A gateway merges the routes of VirtualServices for one host, the oldest first. Where two of them have a route that takes everything, the younger one never gets a request. Within the mesh nothing is merged at all (IST0109).',
  reads: ['VirtualService'],
  subject: ['VirtualService'],
  *check({ VirtualService }, context) {
    const samePlace = lookUp(VirtualService, placesOf, context);
    for (const one of VirtualService) {
      const own = catchAll(one, '');
      const place = own?.places.find((key) => samePlace.get(key).some((other) => isOther(one, other)));
      if (!own || place === undefined) continue;
      const others = samePlace.get(place).filter((other) => isOther(one, other));
      const [gateway, host] = place.split(' ');
      yield finding(
        own.at,
        l10n.t(
          '{0} has a route at gateway {1} that takes every request for {2}, too: only that of the older VirtualService is ever taken. Keep one of them.',
          printNames(others),
          gateway!,
          host!,
        ),
        {
          related: firstFew(others).map((other) => ({
            at: catchAll(other, '')!.at,
            message: l10n.t('Takes everything, too'),
          })),
        },
      );
    }
  },
});

function takesEverything(http: Located): boolean {
  const matches = http.at('match').items;
  return matches.length === 0 || matches.some(isOpen);
}

function isOpen(match: Located): boolean {
  const conditions = match.entries.filter(
    ({ key, value }) => value.isSet && !['name', 'statPrefix'].includes(String(key.value)),
  );
  return conditions.every(({ key }) => key.value === 'uri') && match.at('uri', 'prefix').string === '/';
}
