import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Headers that Envoy cannot change: nameless ones, and those that are parts of the request line. */
export const badHeaderOperation = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-header-operation',
  why: 'A header has a name and a value on one line; Host and the headers that begin with ":" cannot be removed, and a response has none of them.',
  *check({ spec }) {
    for (const headers of headerOperations(spec)) {
      for (const direction of ['request', 'response'] as const) {
        const side = headers.at(direction);
        for (const operation of ['add', 'set'] as const) {
          for (const { key, value } of side.at(operation).entries) {
            yield* checkName(key, direction === 'response');
            if (value.string !== undefined && hasControlCharacter(value.string))
              yield finding(
                value,
                l10n.t(
                  'The value of header "{0}" holds a line break or another control character: Istio refuses it.',
                  String(key.value),
                ),
              );
          }
        }
        for (const name of side.at('remove').items) yield* checkName(name, true);
      }
    }
  },
});

function* checkName(name: Located, isForeign: boolean): Iterable<Finding> {
  const text = String(name.value ?? '');
  if (text === '') yield finding(name, l10n.t('A header needs a name: Istio refuses an empty one.'));
  else if (isForeign && (text.startsWith(':') || text.toLowerCase() === 'host'))
    yield finding(
      name,
      l10n.t('Header "{0}" belongs to the line of the request: it cannot be changed here, and Istio refuses it.', text),
    );
}

function headerOperations(spec: Located): Located[] {
  return spec
    .at('http')
    .items.flatMap((http) => [http.at('headers'), ...http.at('route').items.map((route) => route.at('headers'))]);
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((char) => (char < ' ' && char !== '\t') || char === '\u007f');
}
