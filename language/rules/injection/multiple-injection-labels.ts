import * as l10n from '@vscode/l10n';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { removeFrom } from './edit-metadata.ts';
import { isSystemNamespace } from './system-namespaces.ts';

const labels = ['istio-injection', 'istio.io/rev', 'istio.io/dataplane-mode'];

/** Only one of them takes effect: istio-injection hides a revision, and a sidecar keeps a pod out of ambient. */
export const multipleInjectionLabels = defineRule({
  id: 'injection/multiple-injection-labels',
  code: 'IST0123',
  severity: 'warning',
  docs: istioDocs('IST0123'),
  why: 'More than one of istio-injection, istio.io/rev and istio.io/dataplane-mode on a namespace: istio-injection hides the revision, and injected pods are not in the ambient mesh. An istio-injection other than "enabled" switches injection off on purpose and is left in peace.',
  reads: ['Namespace'],
  scope: 'resource',
  *check({ Namespace }) {
    for (const { metadata, name } of Namespace) {
      const injection = metadata.at('labels', 'istio-injection');
      if (isSystemNamespace(name) || (injection.exists && injection.string !== 'enabled')) continue;
      const present = metadata.at('labels').entries.filter(({ key }) => labels.includes(String(key.value)));
      const [first, second] = present;
      if (!first || !second) continue;
      yield finding(
        second.key,
        describe(
          name,
          present.map(({ key }) => String(key.value)),
        ),
        {
          related: [{ at: first.key, message: l10n.t('The other label') }],
          fixes: present.length === 2 ? [second, first].map(({ key }) => remove(metadata, String(key.value))) : [],
        },
      );
    }
  },
});

function describe(namespace: string, present: string[]): string {
  const list = present.join(', ');
  if (present.includes('istio-injection') && present.includes('istio.io/rev')) {
    return l10n.t(
      'Namespace {0} has {1}: istio-injection wins, so the default revision injects and istio.io/rev is not looked at. Keep one.',
      namespace,
      list,
    );
  }
  return l10n.t(
    'Namespace {0} has {1}, which contradict each other: pods with a sidecar are not in the ambient mesh. Keep one.',
    namespace,
    list,
  );
}

function remove(metadata: Located, label: string): QuickFix {
  return { title: l10n.t('Remove {0}', label), edits: () => removeFrom(metadata, 'labels', label) };
}
