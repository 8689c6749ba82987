import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { tagOverrides } from './tags.ts';

/** Metrics carry tags by their names. */
export const namelessTagOverride = defineWarning('Telemetry', {
  id: 'telemetry/nameless-tag-override',
  why: 'A tag of a metric has a name. Istio takes an override of one without, and warns: it changes nothing.',
  *check({ spec }) {
    for (const { key } of tagOverrides(spec)) {
      if (key.value !== '') continue;
      yield finding(key, l10n.t('No metric has a tag without a name: this changes nothing. Name the tag.'));
    }
  },
});
