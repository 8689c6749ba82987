import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** What Envoy can retry on, besides statuses by number. */
const policies = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx'],
  ...['refused-stream', 'retriable-status-codes', 'retriable-headers', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

/** `attempts` that is not written is 0: retries are off, and what else is said of them would silently not happen. */
export const badRetries = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-retries',
  why: 'Without attempts (absent is 0) there are no retries, so Istio refuses whatever else is said of them; and it refuses conditions that Envoy does not know.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const retries = http.at('retries');
      const { attempts, retryOn } = { attempts: retries.at('attempts'), retryOn: retries.at('retryOn') };
      if ((attempts.number ?? 0) < 0)
        yield finding(
          attempts,
          l10n.t('There cannot be {0} attempts: Istio refuses it. Use 0 for no retries.', attempts.text),
        );
      const isOff = !attempts.isSet || attempts.number === 0;
      const set = ['perTryTimeout', 'retryOn', 'retryRemoteLocalities'].find(
        (field) => retries.at(field).isSet && retries.at(field).string !== '',
      );
      if (isOff && set)
        yield finding(
          attempts.isSet ? attempts : retries.entry(set)!.key,
          l10n.t('Retries are off without "attempts", so Istio refuses "{0}". Set "attempts" to 1 or more.', set),
        );
      for (const policy of retryOn.string ? retryOn.string.split(',') : []) {
        const name = policy.trim();
        if (policies.has(name) || /^[1-5]\d\d$/.test(name)) continue;
        const meant = findNearMiss(name, policies);
        const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
        yield finding(retryOn, l10n.t('Envoy knows no condition "{0}" to retry on: Istio refuses it.', name) + hint);
      }
    }
  },
});
