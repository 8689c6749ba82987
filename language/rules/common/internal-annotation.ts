import * as l10n from '@vscode/l10n';
import { removeEntry } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { istioKinds } from '../../schema/structure.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** What Istio writes on resources that it makes in its own memory, for itself. */
const internal = ['parents', 'parent-namespace', 'webhook-always-reject'].map((name) => `internal.istio.io/${name}`);

export const internalAnnotation = defineRefusal(istioKinds, {
  id: 'common/internal-annotation',
  why: 'Annotations of internal.istio.io are for what istiod makes by itself: Istio refuses a resource that comes with one.',
  *check({ metadata }) {
    const annotations = metadata.at('annotations');
    for (const name of internal) {
      const entry = annotations.entry(name);
      if (!entry) continue;
      yield finding(entry.key, l10n.t('Istio keeps "{0}" for itself and refuses it from others. Remove it.', name), {
        fixes: [
          {
            title: l10n.t('Remove "{0}"', name),
            preferred: true,
            edits: () => removeEntry(annotations, name, { map: metadata, key: 'annotations' }),
          },
        ],
      });
    }
  },
});
