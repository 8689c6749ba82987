import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { stringAt } from './annotated.ts';
import { sidecarInjectionDocs } from './docs.ts';
import { removeFrom } from './edit-metadata.ts';

const inject = 'sidecar.istio.io/inject';

/** The injector looks at the annotation only if the label is not there; even an empty label hides it. */
export const annotationContradictsLabel = defineRule({
  id: 'injection/annotation-contradicts-label',
  code: 'ML0105',
  severity: 'warning',
  docs: sidecarInjectionDocs,
  why: 'The label sidecar.istio.io/inject hides the annotation of the same name: where the two differ, the annotation says what does not happen.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata } of AnyPod) {
      const label = stringAt(metadata, 'labels', inject);
      const annotation = stringAt(metadata, 'annotations', inject);
      if (!label || !annotation || label.string === annotation.string) continue;
      yield finding(
        annotation,
        l10n.t(
          'The label {0} is "{1}" and wins: this annotation, "{2}", has no effect.',
          inject,
          label.string!,
          annotation.string!,
        ),
        {
          related: [{ at: label, message: l10n.t('The label that decides') }],
          fixes: [
            {
              title: l10n.t('Remove the annotation'),
              preferred: true,
              edits: () => removeFrom(metadata, 'annotations', inject),
            },
          ],
        },
      );
    }
  },
});
