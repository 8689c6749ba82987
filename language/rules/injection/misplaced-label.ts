import * as l10n from '@vscode/l10n';
import { findCatalogueEntry } from '../../../mesh/injection/annotation-catalogue.ts';
import type { Finding } from '../../finding.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated, type Annotated } from './annotated.ts';
import { labelDocs } from './docs.ts';
import { moveEntry } from './edit-metadata.ts';

const inject = 'sidecar.istio.io/inject';
const injection = 'istio-injection';
const dataplaneMode = 'istio.io/dataplane-mode';

/**
 * A label that decides about injection and stands where nobody looks for it. Only those that decide are told: others are
 * copied to everything by charts and common labels, and do no harm there.
 */
export const misplacedLabel = defineRule({
  id: 'injection/misplaced-label',
  code: 'ML0107',
  severity: 'warning',
  docs: labelDocs,
  why: "sidecar.istio.io/inject and istio.io/dataplane-mode count on pods (the latter on namespaces, too), istio-injection on namespaces; on a Deployment's own metadata, or one in the place of the other, they do nothing. An annotation written as a label does nothing either.",
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const annotated of listAnnotated(byKind)) {
      for (const entry of entriesOf(annotated.metadata, 'labels')) {
        const found = misplaced(annotated, entry);
        if (found) yield found;
      }
      const entry = annotated.metadata.at('annotations').entry(injection);
      if (entry && annotated.kind === 'Namespace') yield injectionAsAnnotation(annotated, entry);
    }
  },
});

function misplaced(annotated: Annotated, entry: LocatedEntry): Finding | undefined {
  const { kind, resource, pods, metadata, holder } = annotated;
  const name = entry.key.string!;
  if ((name === inject || name === dataplaneMode) && pods && !pods.metadata.at('labels', name).exists) {
    return finding(
      entry.key,
      l10n.t(
        'The label {0} on the metadata of {1} {2} does not reach its pods. It belongs on the pod template, spec.template.metadata.labels.',
        name,
        kind,
        resource.name,
      ),
      {
        fixes:
          pods.template.type === 'map'
            ? [
                {
                  title: l10n.t('Move to the pod template'),
                  preferred: true,
                  edits: () =>
                    moveEntry(entry, { metadata, carrier: 'labels' }, { holder: pods.template, carrier: 'labels' }),
                },
              ]
            : [],
      },
    );
  }
  if (name === inject && kind === 'Namespace') {
    return finding(
      entry.key,
      l10n.t(
        'The label {0} counts on pods only. For all pods of namespace {1} it is istio-injection: enabled or disabled.',
        name,
        resource.name,
      ),
      {
        fixes: [
          {
            title: l10n.t('Change to istio-injection'),
            preferred: true,
            edits: () =>
              moveEntry(
                entry,
                { metadata, carrier: 'labels' },
                {
                  holder,
                  carrier: 'labels',
                  name: injection,
                  value: entry.value.string === 'false' ? 'disabled' : 'enabled',
                },
              ),
          },
        ],
      },
    );
  }
  if (name === injection && kind !== 'Namespace') {
    const where = kind === 'Pod' ? l10n.t('a pod') : kind;
    return finding(
      entry.key,
      l10n.t(
        'The label {0} counts on namespaces only; on {1} it does nothing. On a pod it is {2}: "true" or "false".',
        name,
        where,
        inject,
      ),
      {
        fixes:
          kind === 'Pod'
            ? [
                {
                  title: l10n.t('Change to {0}', inject),
                  preferred: true,
                  edits: () =>
                    moveEntry(
                      entry,
                      { metadata, carrier: 'labels' },
                      {
                        holder,
                        carrier: 'labels',
                        name: inject,
                        value: entry.value.string === 'disabled' ? '"false"' : '"true"',
                      },
                    ),
                },
              ]
            : [],
      },
    );
  }
  if (!findCatalogueEntry(name, 'label') && findCatalogueEntry(name, 'annotation')) {
    return finding(entry.key, l10n.t('{0} is an annotation, not a label: here it does nothing.', name), {
      fixes: [
        {
          title: l10n.t('Move to the annotations'),
          preferred: true,
          edits: () => moveEntry(entry, { metadata, carrier: 'labels' }, { holder, carrier: 'annotations' }),
        },
      ],
    });
  }
  return undefined;
}

function injectionAsAnnotation({ metadata, holder, resource }: Annotated, entry: LocatedEntry): Finding {
  return finding(
    entry.key,
    l10n.t(
      '{0} is a label, not an annotation: namespace {1} is not labelled for injection by it.',
      injection,
      resource.name,
    ),
    {
      fixes: [
        {
          title: l10n.t('Move to the labels'),
          preferred: true,
          edits: () => moveEntry(entry, { metadata, carrier: 'annotations' }, { holder, carrier: 'labels' }),
        },
      ],
    },
  );
}
