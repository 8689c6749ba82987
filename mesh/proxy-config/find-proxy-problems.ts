/** What is wrong with a proxy, in sentences, the worst first. Pure: the clock is the caller's. */
import * as l10n from '@vscode/l10n';
import { pageTitle } from './pages.ts';
import type { CertificateInfo, SyncKind } from './parse-proxy-config.ts';
import { countEndpoints, endpointsOf, needsEndpoints, type ProxyReport } from './report.ts';
import { hour, day, untilOrAgo } from './times.ts';

export function findProblems(report: ProxyReport): string[] {
  return report.config.ztunnel ? ztunnelProblems(report) : envoyProblems(report);
}

function envoyProblems(report: ProxyReport): string[] {
  const { config, certificates, stats, noDump, now } = report;
  return [
    ...(noDump === undefined ? [] : [l10n.t('The proxy’s configuration cannot be read: {0}', noDump)]),
    ...notLive(report),
    ...(stats?.connected === false
      ? [
          l10n.t(
            'The proxy has no connection to its control plane: it goes on with what it has, and learns of no change.',
          ),
        ]
      : []),
    ...config.listeners.flatMap(({ name, state, rejected }) =>
      rejected === undefined
        ? []
        : state === 'refused'
          ? [l10n.t('Listener {0} was refused and is not there: {1}', name, rejected)]
          : [l10n.t('Listener {0}: the last change was refused ({1}).', name, rejected)],
    ),
    ...refused(report),
    ...certificateProblems(certificates, now),
    ...notAcknowledged(report),
    ...missingDestinations(report),
    ...bounded(warming(report)),
    ...withoutEndpoints(report),
    ...bounded(
      endpointsOf(report)
        .filter(({ outlier }) => outlier)
        .map(({ address, cluster }) => l10n.t('Endpoint {0} of {1} is taken out after errors.', address, cluster)),
    ),
    ...unknownTraffic(report),
  ];
}

function notLive({ server, stats, waitsFor = [] }: ProxyReport): string[] {
  const state = server?.state ?? stats?.state ?? '';
  if (state === '' || state === 'LIVE') return [];
  if (state === 'DRAINING') return [l10n.t('The proxy is draining: it takes no new connections and will end.')];
  return waitsFor.length > 0
    ? [l10n.t('The proxy is not ready ({0}): it waits for {1}.', state, waitsFor.join(', '))]
    : [l10n.t('The proxy is not ready ({0}): it takes no traffic yet.', state)];
}

/** Of listeners the dump tells more than counters do. */
function refused({ stats, refusals = [], config }: ProxyReport): string[] {
  const kinds = new Set([...Object.keys(stats?.kinds ?? {}), ...refusals.map(({ kind }) => kind)]) as Set<SyncKind>;
  if (config.listeners.some(({ rejected }) => rejected !== undefined)) kinds.delete('listeners');
  return [...kinds].flatMap((kind) => {
    const { rejected = 0, refused: resources = [] } = stats?.kinds[kind] ?? {};
    const refusal = refusals.find((one) => one.kind === kind);
    if (rejected === 0 && !refusal) return [];
    // Where a later change was taken, that is what counts; without times nobody knows.
    const isOver = (acceptedAt: number) => refusal !== undefined && Date.parse(refusal.at) < acceptedAt;
    if (resources.length > 0 && resources.every(({ acceptedAt }) => isOver(acceptedAt))) return [];
    const isWhole = kind === 'listeners' || kind === 'clusters';
    const updated = config.versions.find((one) => one.kind === kind)?.updated ?? '';
    if (resources.length === 0 && isWhole && isOver(Date.parse(updated))) return [];
    const names = resources.map(({ name }) => name).filter(Boolean);
    if (refusal)
      return [l10n.t('{0}: the proxy refused what the control plane sent last: {1}', pageTitle(kind), refusal.why)];
    const of = names.length > 0 ? ` (${few(names)})` : '';
    return [
      l10n.t(
        '{0}{1}: the proxy refused {2} of what the control plane sent; its log says why.',
        pageTitle(kind),
        of,
        rejected,
      ),
    ];
  });
}

function certificateProblems(certificates: readonly CertificateInfo[], now: string): string[] {
  return certificates.flatMap(({ role, names, secret, validFrom, expires }) => {
    const left = Date.parse(expires) - Date.parse(now);
    const who = names[0] || secret || (role === 'ca' ? l10n.t('an authority') : l10n.t('the workload'));
    if (Date.parse(validFrom) > Date.parse(now))
      return [
        l10n.t(
          'The certificate of {0} is not valid yet: it begins {1}. Compare the clocks.',
          who,
          untilOrAgo(validFrom, now),
        ),
      ];
    if (Number.isNaN(left)) return [];
    if (left < 0) return [l10n.t('The certificate of {0} expired {1}.', who, untilOrAgo(expires, now))];
    // A workload's own lasts a day and is renewed half-way; others are a person's to renew.
    const isShort = role === 'workload' && !(Date.parse(expires) - Date.parse(validFrom) > 2 * day);
    const threshold = isShort ? hour : (role === 'ca' ? 30 : 14) * day;
    return left < threshold ? [l10n.t('The certificate of {0} expires {1}.', who, untilOrAgo(expires, now))] : [];
  });
}

function notAcknowledged({ sync }: ProxyReport): string[] {
  if ('unknown' in sync) return [];
  return (Object.entries(sync.states) as [SyncKind, string][])
    .filter(([, state]) => state === 'stale' || state === 'error')
    .map(([kind]) => l10n.t('istiod sent {0} that the proxy has not acknowledged.', pageTitle(kind)));
}

/** Envoy answers 503 where a route leads to a cluster that it does not have. */
function missingDestinations({ config }: ProxyReport): string[] {
  if (config.clusters.length === 0) return [];
  const clusters = new Set(config.clusters.map(({ name }) => name));
  const configs = new Set(config.routes.map((route) => route.config));
  const fromRoutes = config.routes.flatMap((route) =>
    route.targets
      .filter(({ cluster, weight }) => weight !== 0 && !clusters.has(cluster))
      .map(({ cluster }) =>
        l10n.t(
          'Route {0} of {1} leads to cluster {2}, which is not there: such requests get 503.',
          route.match,
          route.virtualHost,
          cluster,
        ),
      ),
  );
  const chains = config.listeners
    .filter(({ state }) => state === 'active' || state === 'static')
    .flatMap(({ name, chains: all }) =>
      all.map(({ targets, route, asksForRoutes }) => ({ name, targets, route: asksForRoutes ? route : undefined })),
    );
  const fromChains = chains.flatMap(({ name, targets }) =>
    targets
      .filter(({ cluster, weight }) => weight !== 0 && !clusters.has(cluster))
      .map(({ cluster }) =>
        l10n.t('Listener {0} leads to cluster {1}, which is not there: such connections are closed.', name, cluster),
      ),
  );
  const routes = chains.flatMap(({ name, route }) =>
    route === undefined || route === '' || configs.has(route) || config.routes.length === 0
      ? []
      : [l10n.t('Listener {0} asks for the routes “{1}”, which have not come: such requests get 404.', name, route)],
  );
  return [...bounded([...new Set(fromRoutes)]), ...bounded([...new Set(fromChains)]), ...bounded([...new Set(routes)])];
}

function warming({ config: { listeners, clusters, secrets } }: ProxyReport): string[] {
  const held = <T extends { state: string }>(all: readonly T[]) => all.filter(({ state }) => state === 'warming');
  return [
    ...held(listeners).map(({ name }) =>
      l10n.t('Listener {0} waits for its routes or certificates; the one before, if any, goes on.', name),
    ),
    ...held(clusters).map(({ name }) => l10n.t('Cluster {0} waits for its endpoints or certificates.', name)),
    ...held(secrets).map(({ name }) => l10n.t('Secret {0} has not come: traffic that needs it is refused.', name)),
  ];
}

/** One line however many there are: a service scaled to nothing is often meant so. */
function withoutEndpoints(report: ProxyReport): string[] {
  const counts = countEndpoints(report);
  const isKnown = report.endpoints !== undefined || report.config.endpoints.length > 0;
  if (!isKnown) return [];
  const waiting = report.config.clusters.filter((cluster) => cluster.state !== 'warming' && needsEndpoints(cluster));
  const none = waiting.filter(({ name }) => !counts.has(name)).map(({ name }) => name);
  const bad = waiting.filter(({ name }) => counts.get(name)?.good === 0).map(({ name }) => name);
  return [
    ...(bad.length > 0 ? [l10n.t('No endpoint is healthy ({0}): {1}', bad.length, few(bad))] : []),
    ...(none.length > 0 ? [l10n.t('No endpoint at all, requests get 503 ({0}): {1}', none.length, few(none))] : []),
  ];
}

function unknownTraffic({ stats }: ProxyReport): string[] {
  return (stats?.unknownTraffic ?? []).flatMap(({ cluster, count }) => {
    if (cluster === 'BlackHoleCluster')
      return [
        l10n.t(
          '{0} connections or requests were refused because no service of the mesh has that address (BlackHoleCluster).',
          count,
        ),
      ];
    if (cluster.startsWith('Inbound')) return [];
    return [
      l10n.t(
        '{0} connections or requests went out to addresses that the mesh does not know ({1}): without mTLS and routes.',
        count,
        cluster,
      ),
    ];
  });
}

function ztunnelProblems(report: ProxyReport): string[] {
  const { config, now, noDump } = report;
  const { certificates = [], workloads = [], services = [] } = config.ztunnel ?? {};
  const unwell = workloads.filter(({ status }) => status !== '' && status !== 'Healthy').map(({ name }) => name);
  const empty = services.filter(({ endpoints, healthy }) => endpoints > 0 && healthy === 0).map(({ host }) => host);
  return [
    ...(noDump === undefined ? [] : [l10n.t('The proxy’s configuration cannot be read: {0}', noDump)]),
    ...certificates
      .filter(({ state }) => state !== '' && !/^avail/i.test(state))
      .map(({ identity, state }) => l10n.t('The certificate of {0} is not there: {1}.', identity, state)),
    ...certificateProblems(
      certificates.flatMap(({ chain }) => chain),
      now,
    ),
    ...(unwell.length > 0
      ? [l10n.t('Not healthy, and gets no connections ({0}): {1}', unwell.length, few(unwell))]
      : []),
    ...(empty.length > 0 ? [l10n.t('No endpoint is healthy ({0}): {1}', empty.length, few(empty))] : []),
  ];
}

/** A hundred of a kind say no more than ten. */
function bounded(lines: string[]): string[] {
  return lines.length > 10 ? [...lines.slice(0, 10), l10n.t('… and {0} more', lines.length - 10)] : lines;
}

function few(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} …` : names.join(', ');
}
