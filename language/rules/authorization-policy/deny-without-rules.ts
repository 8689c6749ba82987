import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Without rules a DENY policy would deny nothing, which nobody means. */
export const denyWithoutRules = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/deny-without-rules',
  why: 'A DENY policy without rules denies nothing, though it reads as if it denied everything: Istio refuses it.',
  *check({ spec, incomplete }) {
    if (incomplete) return;
    const { action, rules } = { action: spec.at('action'), rules: spec.at('rules') };
    if (action.string !== 'DENY' || (rules.isSet && (rules.type !== 'list' || rules.items.length > 0))) return;
    yield finding(
      action,
      l10n.t(
        'A DENY policy without rules would deny nothing: Istio refuses it. Write "rules: [{}]" to deny everything.',
      ),
    );
  },
});
