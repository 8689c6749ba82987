import type { Located, LocatedEntry } from '../../located.ts';

/** What a rule does to the headers of requests or of responses. */
export interface HeaderOperations {
  direction: 'request' | 'response';
  /** Of `add` and `set`: names with values. */
  changed: LocatedEntry[];
  /** Of `remove`: names. */
  removed: readonly Located[];
}

/** The operations of every HTTP rule and of each of its destinations. */
export function* headerOperations(spec: Located): Iterable<HeaderOperations> {
  for (const http of spec.at('http').items) {
    for (const owner of [http, ...http.at('route').items]) {
      for (const direction of ['request', 'response'] as const) {
        const side = owner.at('headers', direction);
        const changed = [...side.at('add').entries, ...side.at('set').entries];
        yield { direction, changed, removed: side.at('remove').items };
      }
    }
  }
}
