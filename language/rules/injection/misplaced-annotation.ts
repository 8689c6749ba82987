import * as l10n from '@vscode/l10n';
import { findCatalogueEntry, mayStandOn, type CatalogueEntry } from '../../../mesh/injection/annotation-catalogue.ts';
import type { QuickFix } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated, type Annotated } from './annotated.ts';
import { moveEntry } from './edit-metadata.ts';
import { isWrittenByIstio } from './written-by-istio.ts';

/**
 * A Deployment's own annotations never reach its pods, so that the injector, which sees pods only, does as if they were
 * not there. Nothing else in the cluster says so.
 */
export const misplacedAnnotation = defineRule({
  id: 'injection/misplaced-annotation',
  code: 'IST0107',
  severity: 'warning',
  docs: istioDocs('IST0107'),
  why: 'An annotation on a kind that Istio does not read it from has no effect. The classic: an annotation for the sidecar on the metadata of a Deployment, where its pods do not get it; it belongs on spec.template.metadata.',
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const annotated of listAnnotated(byKind)) {
      for (const entry of entriesOf(annotated.metadata, 'annotations')) {
        const known = findCatalogueEntry(entry.key.string!, 'annotation');
        if (!known || isWrittenByIstio(known.name) || mayStandOn(known, annotated.kind)) continue;
        const fixes = moveToTemplate(annotated, entry, known);
        yield finding(entry.key, describe(annotated, known), fixes ? { fixes } : {});
      }
    }
  },
});

function describe({ kind, pods, resource }: Annotated, { name, resources }: CatalogueEntry): string {
  if (pods && resources.includes('Pod')) {
    return l10n.t(
      '{0} has no effect here: the metadata of {1} {2} does not reach its pods. It belongs on the pod template, spec.template.metadata.annotations.',
      name,
      kind,
      resource.name,
    );
  }
  return l10n.t('{0} has no effect on a {1}: Istio reads it from {2}.', name, kind, resources.join(', '));
}

function moveToTemplate(
  { pods, metadata }: Annotated,
  entry: LocatedEntry,
  known: CatalogueEntry,
): QuickFix[] | undefined {
  if (!pods || pods.template.type !== 'map' || !known.resources.includes('Pod')) return undefined;
  // A deprecated annotation becomes at once what took its place, or the move would end in the next finding.
  const asLabel = known.replacedBy?.carrier === 'label';
  const name =
    known.replacedBy && known.replacedBy.name !== 'proxy.istio.io/config' ? known.replacedBy.name : known.name;
  const carrier = asLabel ? 'labels' : 'annotations';
  const title = asLabel ? l10n.t('Move to the pod template, as a label') : l10n.t('Move to the pod template');
  return [
    {
      title,
      preferred: true,
      edits: () => moveEntry(entry, { metadata, carrier: 'annotations' }, { holder: pods.template, carrier, name }),
    },
  ];
}
