import * as l10n from '@vscode/l10n';
import { findCatalogueEntry, mayStandOn, type CatalogueEntry } from '../../../mesh/injection/annotation-catalogue.ts';
import { rename } from '../../edits.ts';
import type { QuickFix } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated, type Annotated } from './annotated.ts';
import { moveEntry } from './edit-metadata.ts';

/** Deprecated annotations still work. Who has sidecar.istio.io/inject as label too knows, and keeps it for old control planes. */
export const deprecatedAnnotation = defineRule({
  id: 'injection/deprecated-annotation',
  code: 'IST0135',
  severity: 'info',
  docs: istioDocs('IST0135'),
  why: 'The annotation still works, but something took its place. sidecar.istio.io/inject is left in peace where the label of the same name stands beside it.',
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const annotated of listAnnotated(byKind)) {
      for (const entry of entriesOf(annotated.metadata, 'annotations')) {
        const known = findCatalogueEntry(entry.key.string!, 'annotation');
        if (!known?.deprecated) continue;
        if (known.name === 'sidecar.istio.io/inject' && annotated.metadata.at('labels', known.name).exists) continue;
        yield finding(entry.key, describe(known), { fixes: replacement(annotated, entry, known) });
      }
    }
  },
});

function describe({ name, replacedBy }: CatalogueEntry): string {
  if (name === 'sidecar.istio.io/inject') {
    return l10n.t(
      'The annotation {0} is deprecated: the label of the same name took its place. Unlike the annotation, the label also works in a namespace that is not labelled for injection.',
      name,
    );
  }
  if (!replacedBy) return l10n.t('The annotation {0} is deprecated.', name);
  if (replacedBy.name === 'proxy.istio.io/config')
    return l10n.t(
      'The annotation {0} is deprecated: write it as a field of the annotation proxy.istio.io/config.',
      name,
    );
  return l10n.t('The annotation {0} is deprecated: use {1}.', name, replacedBy.name);
}

function replacement({ metadata, holder, kind }: Annotated, entry: LocatedEntry, known: CatalogueEntry): QuickFix[] {
  const { replacedBy } = known;
  // Where it is misplaced, moving it is the fix, and that one replaces it as well.
  if (!replacedBy || !mayStandOn(known, kind) || replacedBy.name === 'proxy.istio.io/config') return [];
  if (replacedBy.carrier === 'label') {
    return [
      {
        title: l10n.t('Change to a label'),
        preferred: true,
        edits: () => moveEntry(entry, { metadata, carrier: 'annotations' }, { holder, carrier: 'labels' }),
      },
    ];
  }
  if (metadata.at('annotations').entry(replacedBy.name)) return [];
  return [
    {
      title: l10n.t('Change to {0}', replacedBy.name),
      preferred: true,
      edits: () => rename(entry.key, replacedBy.name),
    },
  ];
}
