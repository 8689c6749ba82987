import * as l10n from '@vscode/l10n';
import { describeEntry, describeFormat, findCatalogueEntry } from '../../mesh/injection/annotation-catalogue.ts';
import type { Carrier, CatalogueEntry } from '../../mesh/injection/annotation-catalogue.ts';
import type { Located, Range } from '../located.ts';
import { findPodSource } from '../resource.ts';
import type { Resource } from '../resource.ts';

/** What one of Istio's annotations or labels means, when the offset is on its name or its value. */
export function describeIstioName(resource: Resource, offset: number): { text: string; range: Range } | undefined {
  for (const metadata of [resource.metadata, findPodSource(resource)?.metadata]) {
    for (const carrier of ['annotation', 'label'] as const) {
      const found = metadata && entryAt(metadata.at(`${carrier}s`), offset);
      const known = found && findCatalogueEntry(String(found.key.value), carrier);
      if (known) return { text: describeKnown(known), range: found.key.mark };
    }
  }
  return undefined;
}

function entryAt(map: Located, offset: number) {
  return map.entries.find(
    ({ key, value }) => key.start <= offset && offset <= Math.max(key.end, value.end) && value.start >= key.start,
  );
}

function describeKnown(entry: CatalogueEntry): string {
  const { meaning, rule, notes } = describeEntry(entry);
  const heading = `${kindOfName(entry.carrier)}, ${entry.status}, ${l10n.t('on {0}', listKinds(entry.resources))}`;
  const words = [
    entry.deprecated ? describeDeprecation(entry) : undefined,
    meaning,
    entry.format && l10n.t('Takes {0}.', describeFormat(entry.format)),
    rule === undefined ? undefined : l10n.t('In the pod’s iptables: {0}', rule),
  ].filter((word) => word !== undefined);
  return [
    `**${literal(entry.name)}**: ${literal(heading)}`,
    ...words.map(literal),
    ...(notes.length > 0 ? [notes.map((note) => `- ${literal(note)}`).join('\n')] : []),
  ].join('\n\n');
}

function kindOfName(carrier: Carrier): string {
  return carrier === 'annotation' ? l10n.t('annotation') : l10n.t('label');
}

function listKinds(resources: readonly string[]): string {
  return resources.includes('Any') ? l10n.t('every kind') : resources.join(', ');
}

function describeDeprecation({ replacedBy }: CatalogueEntry): string {
  if (!replacedBy) return l10n.t('Deprecated.');
  return replacedBy.carrier === 'label'
    ? l10n.t('Deprecated: the label {0} took its place.', replacedBy.name)
    : l10n.t('Deprecated: the annotation {0} took its place.', replacedBy.name);
}

/** The words are text, not Markdown: in "* for every port" nothing is to be emphasised. */
function literal(text: string): string {
  return text.replace(/[\\`*_[\]<>]/g, '\\$&');
}
