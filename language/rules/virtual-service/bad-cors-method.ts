import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*']);

/** Methods that no browser asks a preflight for. */
export const badCorsMethod = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-cors-method',
  why: 'allowMethods holds methods of HTTP in capitals, or "*"; Istio refuses others.',
  *check({ spec }) {
    for (const method of spec.at('http').items.flatMap((http) => http.at('corsPolicy', 'allowMethods').items)) {
      if (method.string === undefined || methods.has(method.string)) continue;
      const upper = method.string.toUpperCase();
      yield methods.has(upper)
        ? finding(
            method,
            l10n.t('Methods are written in capitals: Istio refuses "{0}". Write {1}.', method.string, upper),
            {
              fixes: [{ title: l10n.t('Change to {0}', upper), preferred: true, edits: () => rename(method, upper) }],
            },
          )
        : finding(method, l10n.t('"{0}" is no method of HTTP: Istio refuses it.', method.string));
    }
  },
});
