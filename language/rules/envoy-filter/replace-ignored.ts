import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { patchesOf } from './patches.ts';

const replaceable = ['NETWORK_FILTER', 'HTTP_FILTER', 'VIRTUAL_HOST'];

/** The patch is skipped without a word. */
export const replaceIgnored = defineRule({
  id: 'envoy-filter/replace-ignored',
  code: 'IST0152',
  severity: 'error',
  docs: istioDocs('IST0152'),
  why: 'REPLACE is only defined for NETWORK_FILTER, HTTP_FILTER and VIRTUAL_HOST; elsewhere the patch is ignored.',
  reads: ['EnvoyFilter'],
  scope: 'resource',
  *check({ EnvoyFilter }) {
    for (const { applyTo, operation } of EnvoyFilter.flatMap(patchesOf)) {
      if (operation.string !== 'REPLACE' || replaceable.includes(applyTo)) continue;
      yield finding(
        operation,
        l10n.t(
          'REPLACE is ignored for {0}: it is defined for NETWORK_FILTER, HTTP_FILTER and VIRTUAL_HOST. Use MERGE.',
          applyTo,
        ),
      );
    }
  },
});
