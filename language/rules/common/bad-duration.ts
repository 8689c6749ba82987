import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { parseDuration } from '../values/durations.ts';

/**
 * Where durations stand in each kind, with the shortest one allowed in milliseconds. `*` goes through every item of a list.
 * Envoy's timers count milliseconds, so Istio refuses fractions of them in most places; what has no least takes any duration.
 */
const traffic: [path: string, least?: number, precision?: 'fractions'][] = [
  ['connectionPool.tcp.connectTimeout', 1],
  ['connectionPool.tcp.idleTimeout', 0],
  ['connectionPool.tcp.maxConnectionDuration', 1],
  ['connectionPool.tcp.tcpKeepalive.time', 1, 'fractions'],
  ['connectionPool.tcp.tcpKeepalive.interval', 1, 'fractions'],
  ['connectionPool.http.idleTimeout', 1],
  ['connectionPool.http.http2KeepAlive.interval', 1, 'fractions'],
  ['connectionPool.http.http2KeepAlive.timeout', 1, 'fractions'],
  ['retryBudget.budgetInterval'],
  ['outlierDetection.interval', 1],
  ['outlierDetection.baseEjectionTime', 1],
  ['loadBalancer.consistentHash.httpCookie.ttl'],
  ['loadBalancer.backendUtilization.weightExpirationPeriod'],
  ['loadBalancer.backendUtilization.weightStabilizationPeriod'],
  ['loadBalancer.backendUtilization.weightUpdatePeriod'],
  ['loadBalancer.warmupDurationSecs', 1, 'fractions'],
  ['loadBalancer.warmup.duration', 1, 'fractions'],
];
const below = (prefix: string): typeof traffic => traffic.map(([path, ...limits]) => [`${prefix}.${path}`, ...limits]);

const durations = {
  VirtualService: [
    ['http.*.timeout', 1],
    ['http.*.retries.perTryTimeout', 1],
    ['http.*.retries.backoff', 1, 'fractions'],
    ['http.*.fault.delay.fixedDelay', 1],
    ['http.*.fault.delay.exponentialDelay', 1, 'fractions'],
    ['http.*.corsPolicy.maxAge', 1],
  ],
  DestinationRule: [
    'trafficPolicy',
    'trafficPolicy.portLevelSettings.*',
    'subsets.*.trafficPolicy',
    'subsets.*.trafficPolicy.portLevelSettings.*',
  ].flatMap(below),
  RequestAuthentication: [['jwtRules.*.timeout', 1, 'fractions']],
  Telemetry: [['metrics.*.reportingInterval', 1, 'fractions']],
} satisfies Record<string, typeof traffic>;

/** Text that is no duration, or one too short or too fine for Envoy. */
export const badDuration = defineRefusal(['VirtualService', 'DestinationRule', 'RequestAuthentication', 'Telemetry'], {
  id: 'common/bad-duration',
  why: 'A duration is a number with a unit (5s, 250ms, 1m30s); Istio refuses anything else, and timeouts below or finer than a millisecond.',
  *check({ kind, spec }) {
    const places: typeof traffic = durations[kind as keyof typeof durations];
    for (const [path, ...limits] of places) {
      for (const value of valuesAt(spec, path.split('.'))) {
        if (value.string === undefined) continue;
        const reason = whyNoDuration(value.string, ...limits);
        if (reason) yield finding(value, reason);
      }
    }
  },
});

function valuesAt(from: Located, [step, ...rest]: string[]): Located[] {
  if (step === undefined) return [from];
  // Most of these places are empty in most resources.
  if (!from.exists) return [];
  return (step === '*' ? from.items : [from.at(step)]).flatMap((next) => valuesAt(next, rest));
}

function whyNoDuration(text: string, least?: number, precision?: 'fractions'): string | undefined {
  const duration = parseDuration(text);
  if (duration === undefined)
    return l10n.t('"{0}" is no duration: write a number with a unit, such as 5s, 250ms or 1m30s.', text);
  if (least === undefined) return undefined;
  if (duration < least) return l10n.t('{0} is too short: Istio takes durations from {1} ms on.', text, least);
  // Sums of decimal fractions are not exact; a millionth of a millisecond is no fraction that somebody wrote.
  if (precision !== 'fractions' && Math.abs(duration - Math.round(duration)) > 1e-6)
    return l10n.t('{0} is too fine: Istio takes whole milliseconds only.', text);
  return undefined;
}
