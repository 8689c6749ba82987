import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { tagOverrides } from './tags.ts';

/** A tag of a metric is set to something, or it is removed; to set it is what happens unless another operation is named. */
export const badTagOverride = defineRefusal('Telemetry', {
  id: 'telemetry/bad-tag-override',
  why: 'A tag override sets the tag to a value (UPSERT, which is the default) or removes the tag (REMOVE): Istio refuses the first without a value and the second with one.',
  *check({ spec, incomplete }) {
    for (const { key, value } of tagOverrides(spec)) {
      const fault = value.type === 'map' || value.type === 'null' ? checkOverride(key, value, incomplete) : undefined;
      if (fault) yield fault;
    }
  },
});

function checkOverride(tag: Located, override: Located, incomplete: boolean): Finding | undefined {
  const { operation, value } = { operation: override.at('operation'), value: override.at('value') };
  if (operation.string === 'REMOVE' && value.isSet)
    return finding(
      value.key ?? value,
      l10n.t(
        'REMOVE takes the tag "{0}" away, so Istio refuses a "value" with it. Remove one of the two.',
        String(tag.value),
      ),
      { fixes: [dropField(override, 'value')] },
    );
  const isUpsert = operation.isSet ? operation.string === 'UPSERT' : true;
  if (!isUpsert || incomplete || (value.isSet && value.string !== '')) return undefined;
  return finding(
    value.isSet ? value : tag,
    l10n.t(
      'Nothing says what the tag "{0}" is set to: Istio refuses it. Add "value", or "operation: REMOVE".',
      String(tag.value),
    ),
  );
}
