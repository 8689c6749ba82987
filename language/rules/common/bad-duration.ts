import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
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

/** The same places as a tree, so that what is not written is passed over once. */
interface Place {
  below: [step: string, place: Place][];
  limits?: [least?: number, precision?: 'fractions'];
}

const trees = new Map(Object.entries(durations).map(([kind, places]) => [kind, treeOf(places as typeof traffic)]));

function treeOf(places: typeof traffic): Place {
  const root: Place = { below: [] };
  for (const [path, ...limits] of places) {
    let here = root;
    for (const step of path.split('.')) {
      let next = here.below.find(([name]) => name === step)?.[1];
      if (!next) here.below.push([step, (next = { below: [] })]);
      here = next;
    }
    here.limits = limits;
  }
  return root;
}

/** Text that is no duration, or one too short or too fine for Envoy. */
export const badDuration = defineRefusal(['VirtualService', 'DestinationRule', 'RequestAuthentication', 'Telemetry'], {
  id: 'common/bad-duration',
  why: 'A duration is a number with a unit (5s, 250ms, 1m30s); Istio refuses anything else, and timeouts below or finer than a millisecond.',
  check({ kind, spec }) {
    const found: Finding[] = [];
    checkBelow(spec, trees.get(kind)!, found);
    return found;
  },
});

function checkBelow(value: Located, { below, limits }: Place, found: Finding[]): void {
  const reason = limits && value.string !== undefined ? whyNoDuration(value.string, ...limits) : undefined;
  if (reason) found.push(finding(value, reason));
  for (const [step, place] of below) {
    if (step === '*') for (const item of value.items) checkBelow(item, place, found);
    else {
      const next = value.entry(step)?.value;
      if (next) checkBelow(next, place, found);
    }
  }
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
