import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** Keys of portLevelMtls are the workload's own port numbers: a port's name or a Service's port selects nothing. */
export const portNotANumber = defineRule({
  id: 'peer-authentication/port-not-a-number',
  code: 'IST0106',
  severity: 'error',
  docs: istioDocs('IST0106'),
  why: 'The keys of portLevelMtls are port numbers of the workload, 1 to 65535; Istio refuses anything else.',
  reads: ['PeerAuthentication'],
  scope: 'resource',
  *check({ PeerAuthentication }) {
    for (const { spec } of PeerAuthentication) {
      for (const { key } of spec.at('portLevelMtls').entries) {
        const name = String(key.value);
        if (/^\d{1,5}$/.test(name) && Number(name) >= 1 && Number(name) <= 65535) continue;
        yield finding(
          key,
          l10n.t(
            '"{0}" is no port number: the keys of "portLevelMtls" are ports of the workload from 1 to 65535, and Istio refuses others.',
            name,
          ),
        );
      }
    }
  },
});
