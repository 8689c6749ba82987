import * as l10n from '@vscode/l10n';
import { replaceValue, rename } from '../../edits.ts';
import type { Finding, QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { sidecarInjectionDocs } from './docs.ts';
import { unquotedCode } from './unquoted-metadata-value.ts';

/**
 * The webhooks of the default revision are selected by `istio-injection In [enabled]` and by `istio-injection DoesNotExist`.
 * Any other value falls between the two: not one pod of the namespace is injected, even one that asks for it by label.
 */
export const namespaceInjectionValue = defineRule({
  id: 'injection/namespace-injection-value',
  code: 'ML0103',
  severity: 'warning',
  docs: sidecarInjectionDocs,
  why: 'The API server picks the injector\'s webhook by comparing istio-injection with exactly "enabled". "true", "Enabled" or an empty value mean that no pod of the namespace is injected, even one that asks for it by label.',
  reads: ['Namespace'],
  scope: 'resource',
  *check({ Namespace }) {
    for (const { metadata, name } of Namespace) {
      const value = metadata.at('labels', 'istio-injection');
      if (value.type === 'boolean' || value.type === 'number') yield unquoted(value, name);
      else if (value.string !== undefined && value.string !== 'enabled' && value.string !== 'disabled')
        yield other(value, name);
    }
  },
});

function unquoted(value: Located, namespace: string): Finding {
  const message = l10n.t(
    'The API server refuses this Namespace: {0} without quotes is not a string, and labels are strings. Quoted it would not inject either; the injector of {1} is chosen by exactly "enabled".',
    value.text,
    namespace,
  );
  return finding(value, message, {
    severity: 'error',
    code: unquotedCode,
    fixes: suggestions(value, (word) => replaceValue(value, word)),
  });
}

function other(value: Located, namespace: string): Finding {
  const message = l10n.t(
    'With istio-injection: "{0}" no pod in {1} is injected, whatever its own labels say: the API server picks the injector\'s webhook by exactly "enabled".',
    value.string!,
    namespace,
  );
  return finding(value, message, { fixes: suggestions(value, (word) => rename(value, word)) });
}

function suggestions(value: Located, write: (word: string) => ReturnType<QuickFix['edits']>): QuickFix[] {
  const meansNo =
    value.value === false ||
    value.value === 0 ||
    /^(false|no|n|off|0|never|none|disable.*)$/i.test(String(value.value).trim());
  return (meansNo ? ['disabled', 'enabled'] : ['enabled', 'disabled']).map((word, index) => ({
    title: l10n.t('Change to {0}', word),
    preferred: index === 0,
    edits: () => write(word),
  }));
}
