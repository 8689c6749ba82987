import * as l10n from '@vscode/l10n';
import { findCatalogueEntry, mayStandOn } from '../../../mesh/injection/annotation-catalogue.ts';
import { rename } from '../../edits.ts';
import type { QuickFix } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import type { Annotated } from './annotated.ts';
import { moveEntry } from './edit-metadata.ts';

/**
 * Writes the name that was meant, in the place where it works: what stands on a Deployment moves to the pod template on
 * the way, and the deprecated sidecar.istio.io/inject becomes a label. Nothing where the name is taken already.
 */
export function fixName(
  annotated: Annotated,
  carrier: 'annotations' | 'labels',
  entry: LocatedEntry,
  meant: string,
): QuickFix[] {
  const { metadata, kind, pods } = annotated;
  const known = findCatalogueEntry(meant, carrier === 'labels' ? 'label' : 'annotation');
  const move =
    known !== undefined &&
    carrier === 'annotations' &&
    !mayStandOn(known, kind) &&
    known.resources.includes('Pod') &&
    pods?.template.type === 'map';
  const holder = move ? pods.template : annotated.holder;
  const target = known?.replacedBy?.carrier === 'label' && (move || kind === 'Pod') ? 'labels' : carrier;
  if (holder.at('metadata', target).entry(meant)) return [];
  const title = move
    ? l10n.t('Change to {0}, and move it to the pod template', meant)
    : target === carrier
      ? l10n.t('Change to {0}', meant)
      : l10n.t('Change to the label {0}', meant);
  const inPlace = !move && target === carrier;
  return [
    {
      title,
      preferred: true,
      edits: () =>
        inPlace
          ? rename(entry.key, meant)
          : moveEntry(entry, { metadata, carrier }, { holder, carrier: target, name: meant }),
    },
  ];
}
