/** A proxy's configuration as a page for people. Pure: the clock is the caller's. */
import * as l10n from '@vscode/l10n';
import { literal, table } from '../markdown.ts';
import { describeTraffic } from './describe-traffic.ts';
import { describeZtunnel, ztunnelRows } from './describe-ztunnel.ts';
import { findProblems } from './find-proxy-problems.ts';
import { pageTitle, type ProxyPage } from './pages.ts';
import { configKinds, syncKinds, type ConfigKind } from './parse-proxy-config.ts';
import { endpointsOf, type ProxyReport } from './report.ts';
import { spanOf, untilOrAgo } from './times.ts';

/** More rows are counted, not drawn: a page is for reading. */
export const mostRows = 400;

/** @param filter words that must all occur in a row. */
export function describeProxyConfig(report: ProxyReport, page: ProxyPage, filter = ''): string {
  const title =
    page === 'overview'
      ? l10n.t('Proxy of {0}', literal(report.subject))
      : l10n.t('{0} · proxy of {1}', pageTitle(page), literal(report.subject));
  const parts = [`# ${title}`, l10n.t('Cluster {0}, read at {1}', literal(report.cluster), clock(report.now))];
  if (report.isRecorded)
    parts.push(`> ${l10n.t('From a recording: no proxy runs here. This is what one answered when it was recorded.')}`);
  if (page === 'overview') parts.push(...overview(report));
  else if (page === 'bootstrap') parts.push(bootstrap(report));
  else if (page === 'traffic') parts.push(traffic(report, filter));
  else parts.push(kindTable(report, page, filter));
  return `${parts.join('\n\n')}\n`;
}

function overview(report: ProxyReport): string[] {
  const { config, server, missing, stats } = report;
  const problems = findProblems(report);
  const state = server?.state || stats?.state;
  const uptime = server?.uptime === undefined ? undefined : l10n.t('runs for {0}', spanOf(server.uptime * 1000));
  const about = [config.proxy === 'ztunnel' ? 'ztunnel' : 'Envoy', server?.version, state, uptime].filter(Boolean);
  const { node } = config.bootstrap;
  return [
    `${literal(about.join(' · '))}${node === '' ? '' : `  \n${literal(node)}`}`,
    ...(report.onBehalfOf === undefined
      ? []
      : [l10n.t('{0} has no proxy of its own: this ztunnel, on its node, is its proxy.', literal(report.onBehalfOf))]),
    problems.length > 0
      ? `## ${l10n.t('Problems')}\n\n${problems.map((problem) => `- ⚠ ${literal(shorten(problem, 600))}`).join('\n')}`
      : l10n.t('Nothing was found wrong.'),
    ...(config.ztunnel ? describeZtunnel(report) : envoyOverview(report)),
    ...(missing.length > 0 ? [`> ${l10n.t('Could not be read: {0}', literal(missing.join('; ')))}`] : []),
  ];
}

function envoyOverview(report: ProxyReport): string[] {
  const { config } = report;
  const counts = configKinds.map((kind) => [
    pageTitle(kind),
    String(kind === 'endpoints' ? endpointsOf(report).length : config[kind].length),
  ]);
  if (config.extensions.length > 0) counts.push([pageTitle('extensions'), literal(config.extensions.join(', '))]);
  return [
    `## ${l10n.t('Sync with the control plane')}\n\n${describeSync(report)}`,
    ...(report.noDump === undefined
      ? [`## ${l10n.t('What it holds')}\n\n${table([l10n.t('Kind'), l10n.t('Number')], counts)}`]
      : []),
    ...(report.certificates.length > 0 ? [`## ${l10n.t('Certificates')}\n\n${certificateTable(report)}`] : []),
  ];
}

function describeSync({ sync, config, stats, now }: ProxyReport): string {
  const states = 'unknown' in sync ? {} : sync.states;
  const rows = syncKinds.flatMap((kind) => {
    const version = config.versions.find((one) => one.kind === kind);
    const state = states[kind];
    const counters = stats?.kinds[kind];
    if (!version && !state && !counters) return [];
    const since = version?.updated || (counters?.acceptedAt ? new Date(counters.acceptedAt).toISOString() : '');
    return [
      [
        pageTitle(kind),
        state === undefined ? '' : syncWord(state),
        clock(shorten(version?.version ?? '')),
        since === '' ? '' : `${clock(since)} (${untilOrAgo(since, now)})`,
        counters === undefined ? '' : String(counters.accepted),
        counters === undefined ? '' : counters.rejected > 0 ? `⚠ ${counters.rejected}` : '0',
      ],
    ];
  });
  const head = [
    ...[l10n.t('Kind'), l10n.t('istiod says'), l10n.t('Newest version here'), l10n.t('Since')],
    ...[l10n.t('Taken'), l10n.t('Refused')],
  ];
  const notes = [
    stats?.connected === true && stats.controlPlane !== ''
      ? l10n.t('Connected to {0}.', literal(stats.controlPlane))
      : stats?.connected === true
        ? l10n.t('Connected to its control plane.')
        : '',
    'unknown' in sync ? l10n.t('What istiod sent is not known: {0}', literal(sync.unknown)) : '',
  ].filter(Boolean);
  const quoted = notes.map((note) => `\n\n> ${note}`).join('');
  return (rows.length > 0 ? table(head, rows) : l10n.t('The proxy tells no versions.')) + quoted;
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

function bootstrap({ config: { bootstrap: about }, server }: ProxyReport): string {
  const rows = [
    [l10n.t('Node'), about.node],
    [l10n.t('Workload'), about.cluster],
    ['Istio', about.istioVersion],
    ['Envoy', server?.version ?? ''],
    [l10n.t('Control plane'), about.discovery],
    [l10n.t('Interception'), about.interception],
    [l10n.t('Network'), about.network],
    [l10n.t('Mesh'), about.meshId],
    [l10n.t('Admin port'), about.admin],
  ].filter(([, value]) => value !== '');
  return table(
    [l10n.t('Setting'), l10n.t('Value')],
    rows.map((row) => row.map((cell) => literal(cell))),
  );
}

function traffic(report: ProxyReport, filter: string): string {
  const all = describeTraffic(report);
  const { note, shown } = choose(all, (line) => line, filter);
  return `${note}\n\n${shown.map((line) => `- ${literal(shorten(line, 600))}`).join('\n')}`;
}

/** Those rows that have all the words, and a sentence on how many there are. */
function choose<T>(all: readonly T[], textOf: (one: T) => string, filter: string): { note: string; shown: T[] } {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = all.filter((one) => {
    const text = textOf(one).toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const note =
    words.length > 0
      ? l10n.t('{0} of {1} contain “{2}”.', matching.length, all.length, literal(filter))
      : l10n.t('{0} in all.', all.length);
  const cut =
    matching.length > mostRows ? ` ${l10n.t('The first {0} are shown: filter for the others.', mostRows)}` : '';
  return { note: note + cut, shown: matching.slice(0, mostRows) };
}

function kindTable(
  report: ProxyReport,
  page: Exclude<ProxyPage, 'overview' | 'traffic' | 'bootstrap'>,
  filter: string,
): string {
  const { head, rows } = isEnvoyKind(page)
    ? rowsOf(report, page)
    : page === 'logging'
      ? loggers(report)
      : ztunnelRows(report, page);
  const { note, shown } = choose(rows, (row) => row.join(' '), filter);
  const cells = shown.map((row) => row.map((cell) => literal(shorten(cell))));
  const certificates =
    page === 'secrets' && report.certificates.length > 0
      ? `\n\n## ${l10n.t('Certificates')}\n\n${certificateTable(report)}`
      : '';
  return `${note}\n\n${cells.length > 0 ? table(head, cells) : ''}${certificates}`;
}

function isEnvoyKind(page: ProxyPage): page is ConfigKind {
  return (configKinds as readonly string[]).includes(page);
}

/** Seventy say the same: those that somebody has set stand first. */
function loggers({ loggers: levels = {} }: ProxyReport) {
  const all = Object.entries(levels);
  const common = (level: string) => all.filter(([, one]) => one === level).length;
  const rows = all.sort(([a, x], [b, y]) => common(x) - common(y) || inOrder(x, y) || inOrder(a, b));
  return { head: [l10n.t('Logger'), l10n.t('Level')], rows };
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Without its fractions of a second, which nobody reads. */
function clock(time: string): string {
  return literal(time.replace(/\.\d+Z$/, 'Z'));
}

function rowsOf(report: ProxyReport, kind: ConfigKind): { head: string[]; rows: string[][] } {
  const { config, now } = report;
  switch (kind) {
    case 'listeners':
      return {
        head: [
          ...[l10n.t('Name'), l10n.t('Address'), l10n.t('Direction'), l10n.t('Match'), l10n.t('TLS'), l10n.t('Target')],
          ...[l10n.t('Filters'), l10n.t('State')],
        ],
        rows: config.listeners.flatMap((one) => {
          const state = [one.state, one.rejected ?? '', one.transparent ? 'transparent' : '']
            .filter(Boolean)
            .join(': ');
          const row = (match: string, tls: string, target: string, filters: string) => [
            ...[one.name, one.address, one.direction, match, tls, target, filters, state],
          ];
          if (one.chains.length === 0) return [row('', '', '', '')];
          return one.chains.map(({ match, tls, route, targets, filters }) =>
            row(
              match,
              tls,
              route === undefined ? targets.map(({ cluster }) => cluster).join(', ') : l10n.t('route {0}', route),
              filters.map(shortName).join(', '),
            ),
          );
        }),
      };
    case 'routes':
      return {
        head: [
          ...[l10n.t('Configuration'), l10n.t('Domains'), l10n.t('Match'), l10n.t('Target'), l10n.t('On the way')],
          l10n.t('From'),
        ],
        rows: config.routes.map((one) => [
          ...[one.config, few(one.domains), one.match, one.target, one.extras.join(', '), one.source],
        ]),
      };
    case 'clusters':
      return {
        head: [
          ...[l10n.t('Host'), l10n.t('Port'), l10n.t('Subset'), l10n.t('Direction'), l10n.t('Type'), l10n.t('Sends')],
          ...[l10n.t('State'), l10n.t('From')],
        ],
        rows: sortedBy(config.clusters, ({ host, name, port }) => `${host || name} ${port.padStart(5)}`).map((one) => [
          ...[
            one.host || one.name,
            one.port,
            one.subset,
            one.direction,
            [one.type, one.loadBalancing].filter(Boolean).join(', '),
          ],
          ...[one.tls, one.state, one.source],
        ]),
      };
    case 'endpoints':
      return {
        head: [
          ...[l10n.t('Address'), l10n.t('Health'), l10n.t('Weight'), l10n.t('Locality'), l10n.t('Cluster')],
          l10n.t('Connections (failed)'),
          l10n.t('Requests (errors)'),
        ],
        rows: sortedBy(endpointsOf(report), ({ cluster }) => cluster).map((one) => [
          ...[one.address, one.health, one.weight],
          [one.locality, one.priority > 0 ? l10n.t('priority {0}', one.priority) : ''].filter(Boolean).join(', '),
          one.cluster,
          one.traffic ? `${one.traffic.connections} (${one.traffic.failedConnections})` : '',
          one.traffic ? `${one.traffic.requests} (${one.traffic.errors})` : '',
        ]),
      };
    case 'secrets':
      return {
        head: [l10n.t('Name'), l10n.t('Kind'), l10n.t('State'), l10n.t('Since'), l10n.t('Valid until')],
        rows: config.secrets.map((one) => [
          ...[one.name, one.kind, one.state, one.updated.replace(/\.\d+Z$/, 'Z')],
          report.certificates
            .filter(({ secret }) => secret === one.name)
            .map(({ expires }) => untilOrAgo(expires, now))
            .join(', '),
        ]),
      };
  }
}

/** What Envoy keeps in no order is looked up by its name. */
function sortedBy<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...all].sort((a, b) => inOrder(keyOf(a), keyOf(b)));
}

function certificateTable({ certificates, now }: ProxyReport): string {
  return table(
    [l10n.t('For'), l10n.t('Valid until'), l10n.t('Secret'), l10n.t('Serial')],
    certificates
      .slice(0, mostRows)
      .map((one) => [
        literal(few(one.names) || (one.role === 'ca' ? l10n.t('an authority') : l10n.t('the workload'))),
        `${clock(one.expires)} (${untilOrAgo(one.expires, now)})`,
        literal(one.secret),
        literal(one.serial),
      ]),
  );
}

/** Envoy's own filters say their family in front. */
function shortName(filter: string): string {
  return filter.replace(/^envoy\.(?:filters\.)?(?:http\.|network\.)?/, '');
}

function few(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} +${names.length - 3}` : names.join(', ');
}

function shorten(text: string, most = 200): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
