import * as l10n from '@vscode/l10n';
import { removeEntry } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { istioKinds } from '../../schema/structure.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

const annotation = 'istio.io/dry-run';

/** Only an AuthorizationPolicy can be tried without effect; elsewhere the annotation would promise what does not happen. */
export const badDryRun = defineRefusal(istioKinds, {
  id: 'common/bad-dry-run',
  why: 'Only an AuthorizationPolicy that allows or denies can be tried without effect; Istio refuses istio.io/dry-run elsewhere.',
  *check({ kind, metadata, spec }) {
    const entry = metadata.at('annotations').entry(annotation);
    if (!entry?.value.isSet) return;
    if (kind !== 'AuthorizationPolicy') {
      yield finding(
        entry.key,
        l10n.t(
          'Istio refuses "{0}" on a {1}: only an AuthorizationPolicy can be tried without effect. Remove it.',
          annotation,
          kind,
        ),
        {
          fixes: [
            {
              title: l10n.t('Remove "{0}"', annotation),
              preferred: true,
              edits: () => removeEntry(metadata.at('annotations'), annotation, { map: metadata, key: 'annotations' }),
            },
          ],
        },
      );
      return;
    }
    const action = spec.at('action').string;
    if (action === 'CUSTOM' || action === 'AUDIT') {
      yield finding(
        entry.key,
        l10n.t('"{0}" does not work with action {1}: Istio tries ALLOW and DENY only.', annotation, action),
      );
    } else if (
      entry.value.string !== undefined &&
      !/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(entry.value.string)
    ) {
      yield finding(entry.value, l10n.t('"{0}" is neither true nor false: Istio refuses it.', entry.value.string));
    }
  },
});
