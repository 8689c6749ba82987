import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { filterMatch } from './patches.ts';

/** Listeners and filter chains are not chosen by the filters in them. */
export const ineffectiveFilterMatch = defineWarning('EnvoyFilter', {
  id: 'envoy-filter/ineffective-filter-match',
  why: 'A match of a filter chooses among filters; with applyTo LISTENER or FILTER_CHAIN it is not looked at, and Istio warns.',
  *check({ spec }) {
    for (const entry of spec.at('configPatches').items) {
      const applyTo = entry.at('applyTo').string ?? '';
      const filter = filterMatch(entry);
      if (!['LISTENER', 'FILTER_CHAIN'].includes(applyTo) || filter.type !== 'map') continue;
      yield finding(
        filter.key ?? filter,
        l10n.t(
          'The match of a filter is not looked at with applyTo {0}. Match by port or name, or patch the filter.',
          applyTo,
        ),
      );
    }
  },
});
