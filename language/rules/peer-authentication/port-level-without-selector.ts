import * as l10n from '@vscode/l10n';
import { insertEntry } from '../../edits.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** A port says nothing without a workload: Istio refuses port-level mTLS in a policy for a namespace or the mesh. */
export const portLevelWithoutSelector = defineRule({
  id: 'peer-authentication/port-level-without-selector',
  code: 'IST0106',
  severity: 'error',
  docs: istioDocs('IST0106'),
  why: 'Ports belong to a workload, so Istio refuses portLevelMtls in a policy that selects no workload.',
  reads: ['PeerAuthentication'],
  scope: 'resource',
  *check({ PeerAuthentication }) {
    for (const { spec, incomplete } of PeerAuthentication) {
      const ports = spec.entry('portLevelMtls');
      // Without ports in it, that is what is said of it.
      if (incomplete || !ports?.value.isSet || ports.value.entries.length === 0) continue;
      if (spec.at('selector', 'matchLabels').entries.some(({ value }) => value.isSet)) continue;
      // With `selector:` already there, what is missing are its labels: only a person knows which.
      const fixes = spec.at('selector').exists
        ? []
        : [
            {
              title: l10n.t('Add a selector'),
              edits: () => insertEntry(spec, ['selector', 'matchLabels'], 'app', 'my-app'),
            },
          ];
      yield finding(
        ports.key,
        l10n.t(
          '"portLevelMtls" needs a selector with labels: Istio refuses ports for a whole namespace. Add "selector.matchLabels", or use "mtls".',
        ),
        { fixes },
      );
    }
  },
});
