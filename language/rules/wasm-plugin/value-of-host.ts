import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { wasmModule } from './modules.ts';

/** A variable of a module's VM is written down (INLINE) or taken from the proxy's own environment (HOST). */
export const valueOfHost = defineRefusal(['TrafficExtension', 'WasmPlugin'], {
  id: 'wasm-plugin/value-of-host',
  why: 'With valueFrom: HOST a variable has the value it has in the proxy, so Istio refuses a "value" with it.',
  *check(resource) {
    for (const variable of wasmModule(resource).at('vmConfig', 'env').items) {
      const value = variable.entry('value');
      if (variable.at('valueFrom').string !== 'HOST' || !value?.value.isSet) continue;
      yield finding(
        value.key,
        l10n.t(
          'With "valueFrom: HOST" the proxy gives the variable {0} its value: Istio refuses "value" beside it. Remove one of the two.',
          variable.at('name').string ?? '',
        ),
        { fixes: [dropField(variable, 'value'), dropField(variable, 'valueFrom')] },
      );
    }
  },
});
