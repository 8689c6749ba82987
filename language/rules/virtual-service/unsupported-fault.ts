import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Fields that were reserved for faults which Istio never learned. */
export const unsupportedFault = defineRefusal('VirtualService', {
  id: 'virtual-service/unsupported-fault',
  why: 'http2Error and exponentialDelay are in the API, but Istio does not implement them and refuses both.',
  *check({ spec }) {
    for (const fault of spec.at('http').items.map((http) => http.at('fault'))) {
      const error = fault.at('abort').entry('http2Error');
      if (error?.value.isSet)
        yield finding(
          error.key,
          l10n.t('Istio does not implement "http2Error" and refuses it. Use "httpStatus" or "grpcStatus".'),
        );
      const delay = fault.at('delay').entry('exponentialDelay');
      if (delay?.value.isSet)
        yield finding(
          delay.key,
          l10n.t('Istio does not implement "exponentialDelay" and refuses it. Use "fixedDelay".'),
        );
    }
  },
});
