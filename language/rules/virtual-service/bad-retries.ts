import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** What Envoy can retry on, besides statuses by number. */
const policies = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx'],
  ...['refused-stream', 'retriable-status-codes', 'retriable-headers', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

/** The statuses that have a name; Istio knows no others. */
const statuses = [
  ...[100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423],
  ...[424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
];

/** `attempts` that is not written is 0: retries are off, and what else is said of them would silently not happen. */
export const badRetries = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-retries',
  why: 'Without attempts (absent is 0) there are no retries, so Istio refuses whatever else is said of them; and it refuses conditions that Envoy does not know, and spaces between them.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const retries = http.at('retries');
      yield* checkAttempts(retries);
      yield* checkConditions(retries.at('retryOn'));
    }
  },
});

function* checkAttempts(retries: Located): Iterable<Finding> {
  const attempts = retries.at('attempts');
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
}

function* checkConditions(retryOn: Located): Iterable<Finding> {
  const names = retryOn.string ? retryOn.string.split(',') : [];
  const tidy = names.map((name) => name.trim());
  if (tidy.every(isCondition)) {
    if (names.every(isCondition)) return;
    const better = tidy.join(',');
    yield finding(retryOn, l10n.t('Istio refuses spaces between the conditions to retry on. Write "{0}".', better), {
      fixes: [{ title: l10n.t('Remove the spaces'), preferred: true, edits: () => rename(retryOn, better) }],
    });
    return;
  }
  for (const name of tidy.filter((one) => !isCondition(one))) {
    const meant = findNearMiss(name, policies);
    const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
    yield finding(retryOn, l10n.t('Envoy knows no condition "{0}" to retry on: Istio refuses it.', name) + hint);
  }
}

function isCondition(name: string): boolean {
  return policies.has(name) || (/^[+]?\d+$/.test(name) && statuses.includes(Number(name)));
}
