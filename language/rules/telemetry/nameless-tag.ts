import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Spans carry tags by their names. */
export const namelessTag = defineRefusal('Telemetry', {
  id: 'telemetry/nameless-tag',
  why: 'A custom tag of a span has a name; Istio refuses an empty one.',
  *check({ spec }) {
    for (const tag of spec.at('tracing').items.flatMap((tracing) => tracing.at('customTags').entries)) {
      if (tag.key.value !== '') continue;
      yield finding(tag.key, l10n.t('A tag needs a name: Istio refuses an empty one.'));
    }
  },
});
