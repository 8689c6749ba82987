import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { hasControlCharacter, hasLonePercent } from '../values/headers.ts';
import { headerOperations } from './header-operations.ts';

/** Values that do not fit on the line of a header, or that Envoy would read as a variable that never ends. */
export const badHeaderValue = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-header-value',
  why: 'The value of a header is one line, and Envoy reads what stands between two percent signs as a variable: a lone "%" is written "%%". Istio refuses the rest.',
  *check({ spec }) {
    for (const { key, value } of [...headerOperations(spec)].flatMap(({ changed }) => changed)) {
      const text = value.string ?? '';
      if (hasControlCharacter(text))
        yield finding(
          value,
          l10n.t(
            'The value of header "{0}" holds a line break or another control character: Istio refuses it.',
            String(key.value),
          ),
        );
      else if (hasLonePercent(text)) {
        const isPlain = text.indexOf('%') === text.lastIndexOf('%');
        const better = value.text.replace('%', '%%');
        yield finding(
          value,
          l10n.t(
            'A "%" in the value of header "{0}" begins a variable of Envoy that never ends: Istio refuses it. Write "%%" for a percent sign.',
            String(key.value),
          ),
          {
            fixes: isPlain
              ? [{ title: l10n.t('Write "%%"'), preferred: true, edits: () => replaceValue(value, better) }]
              : [],
          },
        );
      }
    }
  },
});
