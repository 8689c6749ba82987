import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { isWrongPort } from '../values/ports.ts';
import { trafficPolicies } from './policies.ts';

/** Istio takes any number here, and then no connection ever has it. */
export const portOutOfRange = defineRule({
  id: 'destination-rule/port-out-of-range',
  code: 'ML0012',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy-PortTrafficPolicy',
  why: 'The port of an entry in portLevelSettings is not checked by Istio: settings for one that is no port (0, or above 65535) apply to nothing.',
  reads: ['DestinationRule'],
  scope: 'resource',
  *check({ DestinationRule }) {
    for (const { policy, level } of DestinationRule.flatMap(({ spec }) => [...trafficPolicies(spec)])) {
      const number = policy.at('port', 'number');
      if (level === 'port' && isWrongPort(number.number))
        yield finding(
          number,
          l10n.t('{0} is no port, so these settings apply to nothing. Ports are 1 to 65535.', number.text),
        );
    }
  },
});
