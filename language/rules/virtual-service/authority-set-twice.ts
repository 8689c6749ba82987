import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isAuthority } from '../values/headers.ts';

/** The host of a request can be rewritten by several ways; Istio refuses two of them for one rule. */
export const authoritySetTwice = defineRefusal('VirtualService', {
  id: 'virtual-service/authority-set-twice',
  why: 'A request has one authority: rewrite.authority and a Host or :authority header set or added in the same rule contradict each other, and Istio refuses them.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const rewrite = http.at('rewrite', 'authority');
      const setters = [...(rewrite.string ? [rewrite] : []), ...authorityHeaders(http.at('headers', 'request'))];
      for (const setter of setters.slice(1)) {
        yield finding(
          setter,
          l10n.t('The authority of the request is set twice in this rule: Istio refuses it. Keep one.'),
          {
            related: [{ at: setters[0]!, message: l10n.t('First set here') }],
          },
        );
      }
    }
  },
});

function authorityHeaders(request: Located): Located[] {
  return ['set', 'add'].flatMap((operation) =>
    request
      .at(operation)
      .entries.filter(({ key, value }) => isAuthority(String(key.value)) && value.string)
      .map(({ key }) => key),
  );
}
