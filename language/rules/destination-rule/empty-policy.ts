import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { trafficPolicies } from './policies.ts';

/** Settings that say nothing, and settings for no port. */
export const emptyPolicy = defineRefusal('DestinationRule', {
  id: 'destination-rule/empty-policy',
  why: 'A traffic policy sets something, a connectionPool has http or tcp, and an entry of portLevelSettings has its port: Istio refuses empty ones.',
  *check({ spec }) {
    for (const { policy, level } of trafficPolicies(spec)) {
      if (policy.type !== 'map') continue;
      const port = policy.at('port');
      const says = policy.entries.some(
        ({ key, value }) => key.value !== 'port' && value.isSet && (value.type !== 'list' || value.items.length > 0),
      );
      if (!says)
        yield finding(
          policy.key ?? policy,
          level === 'port'
            ? l10n.t('This entry sets nothing for its port: Istio refuses it. Add a setting, or remove it.')
            : l10n.t('This traffic policy sets nothing: Istio refuses it. Add a setting, or remove it.'),
        );
      if (level === 'port' && !port.isSet)
        yield finding(policy, l10n.t('This entry has no port: Istio refuses it. Add "port" with a number.'));
      const pool = policy.at('connectionPool');
      if (pool.type === 'map' && !pool.at('http').isSet && !pool.at('tcp').isSet)
        yield finding(pool, l10n.t('This connectionPool sets nothing: Istio refuses it. Add "http" or "tcp".'));
    }
  },
});
