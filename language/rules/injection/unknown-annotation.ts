import * as l10n from '@vscode/l10n';
import { findCatalogueEntry, isIstioName, nearestName } from '../../../mesh/injection/annotation-catalogue.ts';
import type { Finding } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated, type Annotated } from './annotated.ts';
import { moveEntry } from './edit-metadata.ts';
import { fixName } from './fix-name.ts';
import { isWrittenByIstio } from './written-by-istio.ts';

/** A misspelt annotation is a silent one: Kubernetes stores any text, and Istio only looks for the names it knows. */
export const unknownAnnotation = defineRule({
  id: 'injection/unknown-annotation',
  code: 'IST0108',
  severity: 'warning',
  docs: istioDocs('IST0108'),
  why: 'Kubernetes stores annotations of any name, and Istio only looks for the names it knows: a misspelt one silently does nothing.',
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const annotated of listAnnotated(byKind)) {
      for (const entry of entriesOf(annotated.metadata, 'annotations')) {
        const name = entry.key.string!;
        if (!isIstioName(name) || isWrittenByIstio(name) || findCatalogueEntry(name, 'annotation')) continue;
        yield findCatalogueEntry(name, 'label')
          ? labelAsAnnotation(annotated, entry, name)
          : unknown(annotated, entry, name);
      }
    }
  },
});

function unknown(annotated: Annotated, entry: LocatedEntry, name: string): Finding {
  if (name === 'sidecar.istio.io/capNetBindService') {
    // The template reads it, the table of annotations does not have it: the code is istioctl's, the truth is this.
    return finding(
      entry.key,
      l10n.t(
        "{0} is in no list of Istio's annotations, although its sidecar template reads it. It works, but a later version may drop it.",
        name,
      ),
    );
  }
  const meant = nearestName(name, 'annotation');
  if (!meant) return finding(entry.key, l10n.t('Istio knows no annotation {0}: it does nothing.', name));
  return finding(entry.key, l10n.t('Istio knows no annotation {0}: it does nothing. Did you mean {1}?', name, meant), {
    fixes: fixName(annotated, 'annotations', entry, meant),
  });
}

function labelAsAnnotation({ metadata, holder }: Annotated, entry: LocatedEntry, name: string): Finding {
  return finding(entry.key, l10n.t('{0} is a label, not an annotation: here it does nothing.', name), {
    fixes: [
      {
        title: l10n.t('Move to the labels'),
        preferred: true,
        edits: () => moveEntry(entry, { metadata, carrier: 'annotations' }, { holder, carrier: 'labels' }),
      },
    ],
  });
}
