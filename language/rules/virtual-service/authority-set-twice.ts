import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** The host of a request can be rewritten by three ways; Istio refuses two of them for one rule. */
export const authoritySetTwice = defineRefusal('VirtualService', {
  id: 'virtual-service/authority-set-twice',
  why: 'A request has one authority: rewrite.authority and a Host or :authority header set in the same rule contradict each other, and Istio refuses them.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const headers = http
        .at('headers', 'request', 'set')
        .entries.filter(({ key }) => /^(:authority|host)$/i.test(String(key.value)));
      const rewrite = http.at('rewrite', 'authority');
      const setters = [...(rewrite.string ? [rewrite] : []), ...headers.map(({ key }) => key)];
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
