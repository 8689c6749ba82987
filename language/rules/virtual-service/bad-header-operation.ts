import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isAuthority, isOfRequestLine } from '../values/headers.ts';
import { headerOperations } from './header-operations.ts';

/** Headers that Envoy cannot change: nameless ones, and those that are parts of the request line. */
export const badHeaderOperation = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-header-operation',
  why: 'A header has a name. Of the headers that begin with ":" and Host, only the authority can be set, and only in a request: the rest is refused, and rewrite changes the path.',
  *check({ spec }) {
    for (const { direction, changed, removed } of headerOperations(spec)) {
      for (const { key } of changed) yield* checkName(key, direction === 'request');
      for (const name of removed) yield* checkName(name, false);
    }
  },
});

function* checkName(name: Located, mayBeAuthority: boolean): Iterable<Finding> {
  const text = String(name.value ?? '');
  if (text === '') yield finding(name, l10n.t('A header needs a name: Istio refuses an empty one.'));
  else if (isOfRequestLine(text) && !(mayBeAuthority && isAuthority(text)))
    yield finding(
      name,
      l10n.t('Header "{0}" belongs to the line of the request: it cannot be changed here, and Istio refuses it.', text),
    );
}
