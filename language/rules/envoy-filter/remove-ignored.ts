import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { patchesOf } from './patches.ts';

const notRemovable = ['ROUTE_CONFIGURATION', 'HTTP_ROUTE'];

/** The patch is skipped without a word. */
export const removeIgnored = defineRule({
  id: 'envoy-filter/remove-ignored',
  code: 'IST0154',
  severity: 'error',
  docs: istioDocs('IST0154'),
  why: 'REMOVE is not defined for ROUTE_CONFIGURATION and HTTP_ROUTE: the patch is ignored.',
  reads: ['EnvoyFilter'],
  scope: 'resource',
  *check({ EnvoyFilter }) {
    for (const { applyTo, operation } of EnvoyFilter.flatMap(patchesOf)) {
      if (operation.string !== 'REMOVE' || !notRemovable.includes(applyTo)) continue;
      yield finding(operation, l10n.t('REMOVE is ignored for {0}. Use MERGE, or remove its virtual host.', applyTo));
    }
  },
});
