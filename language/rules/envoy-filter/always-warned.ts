import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** Said once, on the kind: it is true of every EnvoyFilter, and no field of it is to blame. */
export const alwaysWarned = defineWarning('EnvoyFilter', {
  id: 'envoy-filter/always-warned',
  why: 'Istio warns of every EnvoyFilter: it changes what Istio makes of its own configuration, and that may change with every version. Prefer another kind where one will do, and try each EnvoyFilter before an upgrade.',
  *check({ root, name }) {
    yield finding(
      root.at('kind'),
      l10n.t(
        'Istio warns of every EnvoyFilter: {0} depends on how this version of Istio configures Envoy. Use another kind where one will do, and try it before each upgrade.',
        name || 'EnvoyFilter',
      ),
    );
  },
});
