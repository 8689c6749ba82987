/** A proxy's configuration as a page for people. Pure: the clock is the caller's. */
import * as l10n from '@vscode/l10n';
import { literal, table } from '../markdown.ts';
import type { CertificateInfo, ConfigKind, EndpointInfo, ProxyConfig } from './parse-proxy-config.ts';
import type { ProxySync } from './parse-sync.ts';

export interface ProxyReport {
  /** `Pod shop/reviews-1` */
  subject: string;
  cluster: string;
  config: ProxyConfig;
  /** What `/clusters` says; the endpoints of the dump without it. */
  endpoints?: EndpointInfo[];
  certificates: CertificateInfo[];
  /** Envoy's version and state, from `/server_info`. */
  server?: { version: string; state: string };
  /** istiod's view; a reason when it could not be asked. */
  sync: ProxySync | { unknown: string };
  /** What could not be read, in words. */
  missing: string[];
  /** ISO 8601. */
  now: string;
}

export type ProxyPage = 'overview' | ConfigKind;

/** More rows are counted, not drawn: a page is for reading. */
export const mostRows = 400;

/** @param filter words that must all occur in a row. */
export function describeProxyConfig(report: ProxyReport, page: ProxyPage, filter = ''): string {
  const title =
    page === 'overview'
      ? l10n.t('Proxy of {0}', literal(report.subject))
      : l10n.t('{0} in the proxy of {1}', pageTitle(page), literal(report.subject));
  const parts = [`# ${title}`, l10n.t('Cluster {0}, read at {1}', literal(report.cluster), literal(report.now))];
  if (page === 'overview') parts.push(...overview(report));
  else parts.push(kindTable(report, page, filter));
  return `${parts.join('\n\n')}\n`;
}

export function pageTitle(page: ProxyPage): string {
  switch (page) {
    case 'overview':
      return l10n.t('Overview');
    case 'listeners':
      return l10n.t('Listeners');
    case 'routes':
      return l10n.t('Routes');
    case 'clusters':
      return l10n.t('Clusters');
    case 'endpoints':
      return l10n.t('Endpoints');
    case 'secrets':
      return l10n.t('Secrets and certificates');
  }
}

function overview(report: ProxyReport): string[] {
  const { config, server, missing } = report;
  const endpoints = endpointsOf(report);
  const problems = findProblems(report);
  const counts = [
    [pageTitle('listeners'), config.listeners.length],
    [pageTitle('routes'), config.routes.length],
    [pageTitle('clusters'), config.clusters.length],
    [pageTitle('endpoints'), endpoints.length],
    [pageTitle('secrets'), config.secrets.length],
  ] as const;
  const about = [config.proxy === 'ztunnel' ? 'ztunnel' : 'Envoy', server?.version, server?.state].filter(Boolean);
  return [
    `${literal(about.join(' · '))}${config.node === '' ? '' : `  \n${literal(config.node)}`}`,
    problems.length > 0
      ? `## ${l10n.t('Problems')}\n\n${problems.map((problem) => `- ⚠ ${literal(problem)}`).join('\n')}`
      : l10n.t('Nothing was found wrong.'),
    `## ${l10n.t('Sync with the control plane')}\n\n${describeSync(report)}`,
    `## ${l10n.t('What it holds')}\n\n${table(
      [l10n.t('Kind'), l10n.t('Number')],
      counts.map(([name, count]) => [name, String(count)]),
    )}`,
    ...(report.certificates.length > 0 ? [`## ${l10n.t('Certificates')}\n\n${certificateTable(report)}`] : []),
    ...(missing.length > 0 ? [`> ${l10n.t('Could not be read: {0}', literal(missing.join('; ')))}`] : []),
  ];
}

function describeSync({ sync, config, now }: ProxyReport): string {
  const states = 'unknown' in sync ? {} : sync.states;
  const kinds = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'] as const;
  const rows = kinds.flatMap((kind) => {
    const version = config.versions.find((one) => one.kind === kind);
    const state = states[kind];
    if (!version && !state) return [];
    return [
      [
        pageTitle(kind),
        state === undefined ? '' : syncWord(state),
        literal(version?.version ?? ''),
        version ? `${literal(version.updated)} (${age(version.updated, now)})` : '',
      ],
    ];
  });
  const head = [l10n.t('Kind'), l10n.t('istiod says'), l10n.t('Newest version here'), l10n.t('Since')];
  const reason =
    'unknown' in sync ? `\n\n> ${l10n.t('What istiod sent is not known: {0}', literal(sync.unknown))}` : '';
  return (rows.length > 0 ? table(head, rows) : l10n.t('The proxy tells no versions.')) + reason;
}

function syncWord(state: string): string {
  switch (state) {
    case 'synced':
      return l10n.t('in sync');
    case 'stale':
      return `⚠ ${l10n.t('sent, not acknowledged')}`;
    case 'error':
      return `⚠ ${l10n.t('refused by the proxy')}`;
    default:
      return l10n.t('nothing to send');
  }
}

/** Sentences, the worst first. */
export function findProblems(report: ProxyReport): string[] {
  const { config, certificates, sync, now } = report;
  const rejected = config.listeners.flatMap(({ name, rejected: why }) =>
    why === undefined ? [] : [l10n.t('Listener {0}: the last change was refused ({1}).', name, why)],
  );
  const expiring = certificates.flatMap(({ role, names, expires }) => {
    const left = Date.parse(expires) - Date.parse(now);
    const who = names[0] ?? (role === 'ca' ? l10n.t('an authority') : l10n.t('the workload'));
    if (Number.isNaN(left)) return [];
    if (left < 0) return [l10n.t('The certificate of {0} expired {1}.', who, untilOrAgo(expires, now))];
    const soon = role === 'workload' ? hour : 30 * day;
    return left < soon ? [l10n.t('The certificate of {0} expires {1}.', who, untilOrAgo(expires, now))] : [];
  });
  const warming = [
    ...config.clusters
      .filter(({ state }) => state === 'warming')
      .map(({ name }) => l10n.t('Cluster {0} waits for its endpoints or certificates.', name)),
    ...config.secrets
      .filter(({ state }) => state === 'warming')
      .map(({ name }) => l10n.t('Secret {0} has not come: traffic that needs it is refused.', name)),
  ];
  const stale =
    'unknown' in sync
      ? []
      : Object.entries(sync.states)
          .filter(([, state]) => state === 'stale' || state === 'error')
          .map(([kind]) =>
            l10n.t('istiod sent {0} that the proxy has not acknowledged.', pageTitle(kind as ConfigKind)),
          );
  const out = endpointsOf(report)
    .filter(({ outlier }) => outlier)
    .map(({ address, cluster }) => l10n.t('Endpoint {0} of {1} is taken out after errors.', address, cluster));
  return [...rejected, ...expiring, ...stale, ...bounded(warming), ...bounded(out)];
}

/** A hundred of a kind say no more than ten. */
function bounded(lines: string[]): string[] {
  return lines.length > 10 ? [...lines.slice(0, 10), l10n.t('… and {0} more', lines.length - 10)] : lines;
}

function kindTable(report: ProxyReport, kind: ConfigKind, filter: string): string {
  const { head, rows } = rowsOf(report, kind);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = rows.filter((row) => {
    const text = row.join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const shown = matching.slice(0, mostRows).map((row) => row.map((cell) => literal(shorten(cell))));
  const note =
    words.length > 0
      ? l10n.t('{0} of {1} contain “{2}”.', matching.length, rows.length, literal(filter))
      : l10n.t('{0} in all.', rows.length);
  const cutNote =
    matching.length > mostRows ? ` ${l10n.t('The first {0} are shown: filter for the others.', mostRows)}` : '';
  const certificates = kind === 'secrets' && report.certificates.length > 0 ? `\n\n${certificateTable(report)}` : '';
  return `${note}${cutNote}\n\n${shown.length > 0 ? table(head, shown) : ''}${certificates}`;
}

function rowsOf(report: ProxyReport, kind: ConfigKind): { head: string[]; rows: string[][] } {
  const { config } = report;
  switch (kind) {
    case 'listeners':
      return {
        head: [
          l10n.t('Name'),
          l10n.t('Address'),
          l10n.t('Direction'),
          l10n.t('Filter chains'),
          l10n.t('Routes'),
          l10n.t('Refused because'),
        ],
        rows: config.listeners.map((one) => [
          one.name,
          one.address,
          one.direction,
          String(one.filterChains),
          one.routes.join(', '),
          one.rejected ?? '',
        ]),
      };
    case 'routes':
      return {
        head: [l10n.t('Configuration'), l10n.t('Domains'), l10n.t('Match'), l10n.t('Target')],
        rows: config.routes.map((one) => [one.config, few(one.domains), one.match, one.target]),
      };
    case 'clusters':
      return {
        head: [
          l10n.t('Host'),
          l10n.t('Port'),
          l10n.t('Subset'),
          l10n.t('Direction'),
          l10n.t('Type'),
          l10n.t('Sends'),
          l10n.t('State'),
        ],
        rows: config.clusters.map((one) => [
          one.host,
          one.port,
          one.subset,
          one.direction,
          one.type,
          one.tls,
          one.state,
        ]),
      };
    case 'endpoints':
      return {
        head: [l10n.t('Address'), l10n.t('Health'), l10n.t('Weight'), l10n.t('Cluster')],
        rows: endpointsOf(report).map((one) => [one.address, one.health, one.weight, one.cluster]),
      };
    case 'secrets':
      return {
        head: [l10n.t('Name'), l10n.t('Kind'), l10n.t('State'), l10n.t('Since')],
        rows: config.secrets.map((one) => [one.name, one.kind, one.state, one.updated]),
      };
  }
}

function certificateTable({ certificates, now }: ProxyReport): string {
  return table(
    [l10n.t('For'), l10n.t('Valid'), l10n.t('Serial')],
    certificates.map(({ role, names, expires, serial }) => [
      literal(names.join(', ') || (role === 'ca' ? l10n.t('an authority') : l10n.t('the workload'))),
      `${literal(expires)} (${untilOrAgo(expires, now)})`,
      literal(serial),
    ]),
  );
}

function endpointsOf({ endpoints, config }: ProxyReport): EndpointInfo[] {
  return endpoints ?? config.endpoints;
}

function few(domains: readonly string[]): string {
  return domains.length > 3 ? `${domains.slice(0, 3).join(', ')} +${domains.length - 3}` : domains.join(', ');
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `in 23 hours`, `2 days ago` */
export function untilOrAgo(time: string, now: string): string {
  const left = Date.parse(time) - Date.parse(now);
  if (Number.isNaN(left)) return l10n.t('at an unknown time');
  const span = spanOf(Math.abs(left));
  return left < 0 ? l10n.t('{0} ago', span) : l10n.t('in {0}', span);
}

function age(time: string, now: string): string {
  return untilOrAgo(time, now);
}

function spanOf(ms: number): string {
  if (ms >= 2 * day) return l10n.t('{0} days', Math.floor(ms / day));
  if (ms >= 2 * hour) return l10n.t('{0} hours', Math.floor(ms / hour));
  return l10n.t('{0} minutes', Math.floor(ms / minute));
}
