import type { Located } from '../../located.ts';

/** One text that a request is compared with: `{ exact: … }`, `{ prefix: … }` or `{ regex: … }`. */
export interface StringMatch {
  /** What is compared, e.g. `uri`, or the name of a header. */
  field: string;
  match: Located;
}

const fields = ['uri', 'scheme', 'method', 'authority'];
const maps = ['headers', 'withoutHeaders', 'queryParams'];

/** Every comparison of the HTTP rules, in the order of the text. */
export function* stringMatches(spec: Located): Iterable<StringMatch> {
  for (const http of spec.at('http').items) {
    for (const match of http.at('match').items) {
      for (const field of fields) yield { field, match: match.at(field) };
      for (const map of maps)
        for (const { key, value } of match.at(map).entries) yield { field: String(key.value), match: value };
    }
    for (const origin of http.at('corsPolicy', 'allowOrigins').items) yield { field: 'allowOrigins', match: origin };
  }
}
