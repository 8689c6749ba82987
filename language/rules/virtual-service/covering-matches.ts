import type { Located, LocatedEntry } from '../../located.ts';
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
      matches: route.at('match').items.map((at) => ({ at, text: matchText(at) })),
    }));
    if (routes.length > 0) yield { isHttp: protocol === 'http', routes };
  }
}

/** Whether every request of the later match already went with the earlier one, whose URI prefix takes in the later's. */
export function prefixCovers(earlier: Located, later: Located): boolean {
  const wide = earlier.at('uri', 'prefix').string;
  const narrow = later.at('uri', 'prefix').string;
  if (!wide || narrow === undefined || !narrow.startsWith(wide)) return false;
  // Without regard to case the later one takes paths that the earlier one does not.
  if (later.at('ignoreUriCase').boolean && !earlier.at('ignoreUriCase').boolean) return false;
  return conditions(earlier).every(({ key, value }) => {
    const field = String(key.value);
    return maps.has(field) ? isPartOf(value, later.at(field)) : canonical(value) === canonical(later.at(field));
  });
}

/** Fields in which every entry is a condition of its own: with more entries, fewer requests match. */
const maps = new Set(['headers', 'withoutHeaders', 'queryParams', 'sourceLabels']);

function isPartOf(some: Located, all: Located): boolean {
  return some.entries.every(({ key, value }) => canonical(value) === canonical(all.at(String(key.value))));
}

/** A match as text that is the same for all ways of writing it. */
function matchText(match: Located): string {
  // Names are for humans.
  const unset = match.entries.filter(isUnset).map(({ key }) => String(key.value));
  return canonical(match, ['name', ...unset]);
}

/** What a match asks for beside its URI. */
function conditions(match: Located): LocatedEntry[] {
  const others = ['uri', 'name', 'statPrefix', 'ignoreUriCase'];
  return match.entries.filter((entry) => !others.includes(String(entry.key.value)) && !isUnset(entry));
}

/** To protobuf a zero, an empty text and an empty list are what is not there. */
function isUnset({ key, value }: LocatedEntry): boolean {
  if (value.value !== undefined) return [0, '', false, null].includes(value.value as null);
  if (value.type === 'list') return value.items.length === 0;
  return maps.has(String(key.value)) && value.entries.length === 0;
}
