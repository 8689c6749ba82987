import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoCel } from '../values/cel.ts';

/** Which requests are logged is an expression in the Common Expression Language: `response.code >= 400`. */
export const badFilter = defineRefusal('Telemetry', {
  id: 'telemetry/bad-filter',
  why: 'The filter of an access log is an expression in CEL, such as response.code >= 400: Istio refuses what does not parse. It does not look at the names in it.',
  *check({ spec, incomplete }) {
    for (const filter of spec.at('accessLogging').items.map((logging) => logging.at('filter'))) {
      const expression = filter.at('expression');
      if (filter.type !== 'map' || (!expression.string && incomplete)) continue;
      if (!expression.isSet || expression.string === '') {
        yield finding(
          expression.isSet ? expression : filter,
          l10n.t(
            'A filter without an expression says nothing: Istio refuses it. Add one, such as response.code >= 400.',
          ),
        );
      } else if (expression.string !== undefined) {
        const reason = whyNoCel(expression.string);
        if (reason) yield finding(expression, l10n.t('This is no CEL expression: {0}. Istio refuses it.', reason));
      }
    }
  },
});
