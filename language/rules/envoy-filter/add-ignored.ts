import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { patchesOf } from './patches.ts';

const notAddable = ['ROUTE_CONFIGURATION', 'HTTP_ROUTE'];

/** The patch is skipped without a word. */
export const addIgnored = defineRule({
  id: 'envoy-filter/add-ignored',
  code: 'IST0153',
  severity: 'error',
  docs: istioDocs('IST0153'),
  why: 'ADD is not defined for ROUTE_CONFIGURATION and HTTP_ROUTE: the patch is ignored.',
  reads: ['EnvoyFilter'],
  scope: 'resource',
  *check({ EnvoyFilter }) {
    for (const { applyTo, operation } of EnvoyFilter.flatMap(patchesOf)) {
      if (operation.string !== 'ADD' || !notAddable.includes(applyTo)) continue;
      yield finding(operation, l10n.t('ADD is ignored for {0}. Use MERGE, or INSERT_FIRST for a route.', applyTo));
    }
  },
});
