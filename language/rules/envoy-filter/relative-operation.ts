import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { relativePatches } from './patches.ts';

/** What it inserts before, replaces or removes may not be there yet when it runs. */
export const relativeOperation = defineRule({
  id: 'envoy-filter/relative-operation',
  code: 'IST0151',
  severity: 'warning',
  docs: istioDocs('IST0151'),
  why: 'REMOVE, REPLACE, INSERT_BEFORE and INSERT_AFTER depend on what other patches did before. Without a priority nothing says which comes first.',
  reads: ['EnvoyFilter'],
  *check({ EnvoyFilter }) {
    for (const { envoyFilter, patch, followsVersion } of relativePatches(EnvoyFilter)) {
      if (followsVersion) continue;
      yield finding(
        patch.operation,
        l10n.t(
          '{0} depends on what other EnvoyFilters did before, and {1} does not say when it comes. Set its priority.',
          patch.operation.string!,
          envoyFilter.name,
        ),
      );
    }
  },
});
