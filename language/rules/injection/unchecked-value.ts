import * as l10n from '@vscode/l10n';
import { checkUncheckedValue, type Effect } from '../../../mesh/injection/unchecked-values.ts';
import { rename } from '../../edits.ts';
import type { LocatedEntry } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { entriesOf } from './annotated.ts';
import { annotationDocs } from './docs.ts';

const inject = 'sidecar.istio.io/inject';

/** No error and no event: the pod runs, and what was written is as if it were not. */
export const uncheckedValue = defineRule({
  id: 'injection/unchecked-value',
  code: 'ML0113',
  severity: 'warning',
  docs: annotationDocs,
  why: 'Some values are checked by nobody when a pod is created: sidecar.istio.io/inject: "yes" is neither yes nor no, and the default decides; an unknown log level keeps the proxy from starting; istio.io/dataplane-mode: Ambient is not ambient.',
  reads: ['AnyPod', 'Namespace'],
  scope: 'resource',
  *check({ AnyPod, Namespace }) {
    for (const { metadata } of AnyPod) {
      const labels = entriesOf(metadata, 'labels');
      const hasLabel = labels.some(({ key }) => key.string === inject);
      for (const entry of labels) yield* judge('label', entry);
      // Beside the label of that name the annotation is not looked at.
      for (const entry of entriesOf(metadata, 'annotations'))
        if (entry.key.string !== inject || !hasLabel) yield* judge('annotation', entry);
    }
    for (const { metadata } of Namespace)
      for (const entry of entriesOf(metadata, 'labels'))
        if (entry.key.string === 'istio.io/dataplane-mode') yield* judge('label', entry);
  },
});

function* judge(carrier: 'label' | 'annotation', { key, value }: LocatedEntry) {
  const problem = value.string === undefined ? undefined : checkUncheckedValue(carrier, key.string!, value.string);
  if (!problem) return;
  const { message, instead, effect } = problem;
  const fixes =
    instead === undefined
      ? []
      : [{ title: l10n.t('Change to "{0}"', instead), preferred: true, edits: () => rename(value, instead) }];
  yield finding(value, `${message} ${say(effect, key.string!)}`, { fixes });
}

function say(effect: Effect, name: string): string {
  switch (effect) {
    case 'default':
      return l10n.t('Nobody refuses it, and {0} counts as if it were not there.', name);
    case 'start':
      return l10n.t('The injector does not check {0}, and the proxy does not start with it.', name);
    case 'fails':
      return l10n.t('The injector fails on it, and the pod cannot be created.');
    case 'unclear':
      return l10n.t('The injector does not check {0}: it has no effect, or the proxy does not start.', name);
  }
}
