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

/** Matches by the prefix of their URI. Thousands of them are not compared with each other, but only with those that begin alike. */
export class PrefixMatches<Place> {
  private readonly byPrefix = new Map<string, { conditions: string[]; ignoresCase: boolean; place: Place }[]>();

  add(match: Located, place: Place): void {
    const prefix = match.at('uri', 'prefix').string;
    if (!prefix) return;
    const entry = { conditions: conditions(match), ignoresCase: match.at('ignoreUriCase').boolean === true, place };
    const known = this.byPrefix.get(prefix);
    if (known) known.push(entry);
    else this.byPrefix.set(prefix, [entry]);
  }

  /** An earlier match that every request of this one went with, since its prefix takes in this one's. */
  findCovering(match: Located): Place | undefined {
    const prefix = match.at('uri', 'prefix').string;
    if (prefix === undefined) return undefined;
    const own = new Set(conditions(match));
    // Without regard to case this one takes paths that a match with regard to it does not.
    const ignoresCase = match.at('ignoreUriCase').boolean === true;
    for (let length = 1; length <= Math.min(prefix.length, longestPrefix); length++) {
      const found = this.byPrefix
        .get(prefix.slice(0, length))
        ?.find((one) => (one.ignoresCase || !ignoresCase) && one.conditions.every((condition) => own.has(condition)));
      if (found) return found.place;
    }
    return undefined;
  }
}

/** No path that somebody routes by is longer; a text of megabytes must not be sliced at each of its characters. */
const longestPrefix = 4096;

/** Fields in which every entry is a condition of its own: with more entries, fewer requests match. */
const maps = new Set(['headers', 'withoutHeaders', 'queryParams', 'sourceLabels']);

/** What a match asks for beside its URI, each condition as text. */
function conditions(match: Located): string[] {
  return match.entries.flatMap((entry) => {
    const field = String(entry.key.value);
    if (['uri', 'name', 'statPrefix', 'ignoreUriCase'].includes(field) || isUnset(entry)) return [];
    if (!maps.has(field)) return [`${field} ${canonical(entry.value)}`];
    return entry.value.entries.map(({ key, value }) => `${field} ${JSON.stringify(key.value)} ${canonical(value)}`);
  });
}

/** A match as text that is the same for all ways of writing it. */
function matchText(match: Located): string {
  // Names are for humans.
  const unset = match.entries.filter(isUnset).map(({ key }) => String(key.value));
  return canonical(match, ['name', ...unset]);
}

/** To protobuf a zero, an empty text and an empty list are what is not there. */
function isUnset({ key, value }: LocatedEntry): boolean {
  if (value.value !== undefined) return [0, '', false, null].includes(value.value as null);
  if (value.type === 'list') return value.items.length === 0;
  return maps.has(String(key.value)) && value.entries.length === 0;
}
