import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { whyNoRe2 } from '../values/regex.ts';

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
  }
}

/** Envoy refuses programs over a limit; Istio stays below it by the length of the text. */
const longest = 1024;

/** Why Istio does not take this regular expression; undefined when it does. */
export function whyBadRegex(regex: string): string | undefined {
  if (regex === '') return l10n.t('it is empty');
  const bytes = Buffer.byteLength(regex);
  if (bytes > longest) return l10n.t('it is {0} bytes long, and at most {1} are allowed', bytes, longest);
  return whyNoRe2(regex);
}
