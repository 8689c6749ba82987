import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A patch says what to patch, how, and with what. */
export const incompletePatch = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/incomplete-patch',
  why: 'An entry of configPatches has applyTo, a patch with an operation, and a value unless the operation is REMOVE. Istio refuses it otherwise.',
  *check({ spec, incomplete }) {
    for (const entry of spec.at('configPatches').items) {
      const fault = entry.type === 'map' ? findFault(entry) : undefined;
      // What is only half typed may still get it; INVALID is written out.
      if (fault && !(incomplete && fault.at.string !== 'INVALID')) yield fault;
    }
  },
});

function findFault(entry: Located): Finding | undefined {
  const { applyTo, patch } = { applyTo: entry.at('applyTo'), patch: entry.at('patch') };
  if (!applyTo.isSet || applyTo.string === 'INVALID')
    return finding(
      applyTo.isSet ? applyTo : entry,
      l10n.t(
        'This entry does not say what it patches: Istio refuses it without "applyTo", such as HTTP_FILTER or CLUSTER.',
      ),
    );
  if (!patch.isSet)
    return finding(entry, l10n.t('There is nothing to apply to {0}: Istio refuses it without "patch".', applyTo.text));
  if (patch.type !== 'map') return undefined;
  const operation = patch.at('operation');
  if (!operation.isSet || operation.string === 'INVALID')
    return finding(
      operation.isSet ? operation : (patch.key ?? patch),
      l10n.t('This patch does not say how it is applied: Istio refuses it without "operation", such as MERGE or ADD.'),
    );
  if (operation.string === 'REMOVE' || patch.at('value').isSet) return undefined;
  return finding(
    operation,
    l10n.t('{0} needs a "value": Istio refuses it without. REMOVE alone has none.', operation.text),
  );
}
