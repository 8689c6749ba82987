import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { relativePatches } from './patches.ts';

/** Whether the earlier patch was there depends on the proxy's version, and so does what this one finds. */
export const relativeAfterProxyVersion = defineRule({
  id: 'envoy-filter/relative-after-proxy-version',
  code: 'IST0155',
  severity: 'warning',
  docs: istioDocs('IST0155'),
  why: 'A relative operation without priority on a filter that an earlier patch adds for some proxy versions only: proxies of other versions get another outcome.',
  reads: ['EnvoyFilter'],
  *check({ EnvoyFilter }) {
    for (const { envoyFilter, patch, followsVersion } of relativePatches(EnvoyFilter)) {
      if (!followsVersion) continue;
      yield finding(
        patch.operation,
        l10n.t(
          '{0} depends on a patch of {1} that only some proxy versions get, and {2} does not say when it comes. Set its priority.',
          patch.operation.string!,
          patch.filter,
          envoyFilter.name,
        ),
      );
    }
  },
});
