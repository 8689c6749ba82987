import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** An external authorizer is asked by CUSTOM, and by CUSTOM alone. */
export const badProvider = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-provider',
  why: 'Action CUSTOM asks an external authorizer: it needs provider.name and rules, and a provider is refused with any other action.',
  *check({ spec, incomplete }) {
    const { action, provider, rules } = {
      action: spec.at('action'),
      provider: spec.entry('provider'),
      rules: spec.at('rules'),
    };
    if (action.string !== 'CUSTOM') {
      if (provider?.value.isSet && (!action.isSet || action.string))
        yield finding(
          provider.key,
          l10n.t(
            'Only action CUSTOM asks a provider: Istio refuses "provider" with {0}. Set the action to CUSTOM, or remove it.',
            action.string ?? 'ALLOW',
          ),
        );
      return;
    }
    if (incomplete) return;
    if (!provider?.value.at('name').string)
      yield finding(
        action,
        l10n.t(
          'Action CUSTOM needs the name of an external authorizer: Istio refuses it without. Add "provider" with a "name" from the mesh config.',
        ),
      );
    if (!rules.isSet || (rules.type === 'list' && rules.items.length === 0))
      yield finding(
        action,
        l10n.t('Action CUSTOM needs rules: Istio refuses it without. Write "rules: [{}]" to ask for every request.'),
      );
  },
});
