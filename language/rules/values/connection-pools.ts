import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { parseDuration } from './durations.ts';

const counters = [
  ...['tcp.maxConnections', 'http.http1MaxPendingRequests', 'http.http2MaxRequests', 'http.maxRequestsPerConnection'],
  ...['http.maxRetries', 'http.maxConcurrentStreams'],
];

/** With the shortest one allowed, in milliseconds. */
const durations: readonly (readonly [path: string, least: number])[] = [
  ['tcp.connectTimeout', 1],
  ['tcp.idleTimeout', 0],
  ['tcp.maxConnectionDuration', 1],
  ['tcp.tcpKeepalive.time', 1],
  ['tcp.tcpKeepalive.interval', 1],
  ['http.idleTimeout', 1],
  ['http.http2KeepAlive.interval', 1],
  ['http.http2KeepAlive.timeout', 1],
];

/** What Istio refuses of the settings of a connection pool. `incomplete`: nothing is said of what is absent. */
export function* findPoolFaults(pool: Located, incomplete: boolean): Iterable<Finding> {
  if (pool.type !== 'map') return;
  if (!incomplete && !pool.at('http').isSet && !pool.at('tcp').isSet)
    yield finding(
      pool.key ?? pool,
      l10n.t('This connection pool sets nothing: Istio refuses it. Add "http" or "tcp", or remove it.'),
    );
  for (const value of counters.map((path) => pool.at(...path.split('.')))) {
    if ((value.number ?? 0) >= 0) continue;
    yield finding(value, l10n.t('"{0}" cannot be negative: Istio refuses {1}.', value.key?.string ?? '', value.text));
  }
  for (const [path, least] of durations) {
    const value = pool.at(...path.split('.'));
    const reason = value.string ? whyNoTimeout(value.string, least) : undefined;
    if (reason) yield finding(value, reason);
  }
  const http = pool.at('http');
  if (http.at('h2UpgradePolicy').string === 'UPGRADE' && http.at('useClientProtocol').boolean === true)
    yield finding(
      http.entry('useClientProtocol')!.key,
      l10n.t('"useClientProtocol" contradicts h2UpgradePolicy UPGRADE: Istio refuses both together. Remove one.'),
    );
  const keepAlive = http.at('http2KeepAlive');
  const missing = ['interval', 'timeout'].filter((name) => !keepAlive.at(name).isSet);
  if (!incomplete && keepAlive.type === 'map' && missing.length > 0)
    yield finding(
      keepAlive.key ?? keepAlive,
      l10n.t(
        '"http2KeepAlive" needs "interval" and "timeout": Istio refuses it without {0}.',
        missing.map((name) => `"${name}"`).join(', '),
      ),
    );
}

function whyNoTimeout(text: string, least: number): string | undefined {
  const duration = parseDuration(text);
  if (duration === undefined)
    return l10n.t('"{0}" is no duration: write a number with a unit, such as 5s, 250ms or 1m30s.', text);
  if (duration < least) return l10n.t('{0} is too short: Istio takes durations from {1} ms on.', text, least);
  // Sums of decimal fractions are not exact; a millionth of a millisecond is no fraction that somebody wrote.
  if (Math.abs(duration - Math.round(duration)) > 1e-6)
    return l10n.t('{0} is too fine: Istio takes whole milliseconds only.', text);
  return undefined;
}
