import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import { canonical } from '../canonical.ts';

/** A route with its matches; a route without any takes everything. */
export interface MatchedRoute {
  route: Located;
  label: string;
  matches: { at: Located; text: string }[];
}

/** Lists in which the first route that matches wins. */
export function* matchedRouteLists({ spec }: Resource): Iterable<{ isHttp: boolean; routes: MatchedRoute[] }> {
  for (const protocol of ['http', 'tls', 'tcp']) {
    const routes = spec.at(protocol).items.map((route, index): MatchedRoute => ({
      route,
      label: route.at('name').string ?? `${protocol}[${index}]`,
      // A match's name is for humans.
      matches: route.at('match').items.map((at) => ({ at, text: canonical(at, ['name']) })),
    }));
    if (routes.length > 0) yield { isHttp: protocol === 'http', routes };
  }
}

/** Whether every request of the later match already went with the earlier one, whose URI prefix takes in the later's. */
export function prefixCovers(earlier: Located, later: Located): boolean {
  const wide = earlier.at('uri', 'prefix').string;
  const narrow = later.at('uri', 'prefix').string;
  if (wide === undefined || narrow === undefined || !narrow.startsWith(wide)) return false;
  return earlier.entries.every(({ key, value }) => {
    const field = String(key.value);
    if (field === 'uri' || field === 'name' || !value.isSet) return true;
    return canonical(value) === canonical(later.at(field)) || (value.type === 'map' && value.entries.length === 0);
  });
}
