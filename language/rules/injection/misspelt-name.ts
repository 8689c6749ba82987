import * as l10n from '@vscode/l10n';
import { findCatalogueEntry, isIstioName, nearestName } from '../../../mesh/injection/annotation-catalogue.ts';
import type { Finding } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated, type Annotated } from './annotated.ts';
import { sidecarInjectionDocs } from './docs.ts';
import { fixName } from './fix-name.ts';

/**
 * What istioctl's check of annotations cannot see: labels, of which it looks at none, and annotations whose prefix is
 * misspelt, so that they do not look like Istio's. Only near misses are told; labels of one's own are one's own.
 */
export const misspeltName = defineRule({
  id: 'injection/misspelt-name',
  code: 'ML0101',
  severity: 'warning',
  docs: sidecarInjectionDocs,
  why: 'A misspelt label (istio-injecton, istio.io/reversion) or an annotation with a misspelt prefix (sidecar.isto.io/…) is stored by Kubernetes and never found by Istio; istioctl reports neither.',
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const annotated of listAnnotated(byKind)) {
      for (const entry of entriesOf(annotated.metadata, 'labels')) {
        const meant = findCatalogueEntry(entry.key.string!) ? undefined : nearLabel(entry.key.string!, annotated.kind);
        if (meant) yield misspelt(annotated, 'labels', entry, meant);
      }
      for (const entry of entriesOf(annotated.metadata, 'annotations')) {
        const meant = isIstioName(entry.key.string!) ? undefined : nearestName(entry.key.string!, 'annotation');
        if (meant) yield misspelt(annotated, 'annotations', entry, meant);
      }
    }
  },
});

function nearLabel(name: string, kind: string): string | undefined {
  const meant = nearestName(name, 'label');
  // Without a prefix there is only istio-injection, and only namespaces have it.
  return meant === 'istio-injection' && kind !== 'Namespace' ? undefined : meant;
}

function misspelt(
  annotated: Annotated,
  carrier: 'labels' | 'annotations',
  entry: LocatedEntry,
  meant: string,
): Finding {
  const name = entry.key.string!;
  const message =
    carrier === 'labels'
      ? l10n.t('Istio knows no label {0}: it does nothing. Did you mean {1}?', name, meant)
      : l10n.t(
          "Istio does not see the annotation {0}: its prefix is not one of Istio's. Did you mean {1}?",
          name,
          meant,
        );
  return finding(entry.key, message, { fixes: fixName(annotated, carrier, entry, meant) });
}
