import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*']);

/** Methods that no browser asks a preflight for. */
export const badCorsMethod = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-cors-method',
  why: 'allowMethods holds methods of HTTP; Istio refuses others.',
  *check({ spec }) {
    for (const method of spec.at('http').items.flatMap((http) => http.at('corsPolicy', 'allowMethods').items)) {
      if (method.string === undefined || methods.has(method.string.toUpperCase())) continue;
      yield finding(method, l10n.t('"{0}" is no method of HTTP: Istio refuses it.', method.string));
    }
  },
});
