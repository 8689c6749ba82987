/** Where a proxy sends what comes to it, one sentence for each route and each TCP chain. */
import * as l10n from '@vscode/l10n';
import { splitClusterName } from './parse-proxy-config.ts';
import type { FilterChainInfo, ListenerInfo, RouteInfo, Target } from './parse-proxy-config.ts';
import { countEndpoints, needsEndpoints, type EndpointCount, type ProxyReport } from './report.ts';

/** @returns sentences, plain text: what comes in first, then what goes out. */
export function describeTraffic(report: ProxyReport): string[] {
  const say = new Sentences(report);
  const { listeners, routes } = report.config;
  const live = listeners.filter(({ state }) => state !== 'draining' && state !== 'refused');
  const byConfig = new Map<string, RouteInfo[]>();
  for (const route of routes) {
    const of = byConfig.get(route.config);
    if (of) of.push(route);
    else byConfig.set(route.config, [route]);
  }
  const chains = live.flatMap((listener) => listener.chains.map((chain) => ({ listener, chain })));
  // Many chains ask the same routes: 9080 is every service's that has this port, 8080 comes in with TLS and without.
  const asking = new Map<string, typeof chains>();
  for (const one of chains) {
    if (one.chain.route === undefined) continue;
    const key = `${one.listener.direction} ${one.chain.route}`;
    const of = asking.get(key);
    if (of) of.push(one);
    else asking.set(key, [one]);
  }
  const lines = chains.flatMap(({ listener, chain }) => {
    if (chain.route === undefined) return say.chain(listener, chain);
    const same = asking.get(`${listener.direction} ${chain.route}`) ?? [];
    if (same[0]?.chain !== chain) return [];
    const tls = [...new Set(same.map((one) => one.chain.tls))].join(' / ');
    return (byConfig.get(chain.route) ?? []).map((route) => say.route(listener, { ...chain, tls }, route));
  });
  const order = (line: { inbound: boolean }) => (line.inbound ? 0 : 1);
  return say.restAtOnce(lines.sort((a, b) => order(a) - order(b))).map(({ text }) => text);
}

interface Line {
  inbound: boolean;
  text: string;
  /** A port of which it tells the rest: of requests, or of what is no HTTP; either goes on as it came. */
  rest?: { port: string; of: 'http' | 'tcp' };
}

class Sentences {
  readonly #counts: Map<string, EndpointCount>;
  readonly #clusters: Map<string, { name: string; type: string }>;
  /** Its listeners are called outbound, too; but what comes to them comes from outside. */
  readonly #isGateway: boolean;

  constructor(report: ProxyReport) {
    this.#counts = countEndpoints(report);
    this.#isGateway = report.config.bootstrap.node.startsWith('router~');
    this.#clusters = new Map(report.config.clusters.map((cluster) => [cluster.name, cluster]));
  }

  route(listener: ListenerInfo, chain: Pick<FilterChainInfo, 'match'> & { tls: string }, route: RouteInfo): Line {
    const inbound = comesIn(listener);
    const hosts = hostsOf(route);
    const port = portOf(listener, chain, route);
    const match = route.match === '/*' ? '' : ` ${route.match}`;
    const what = this.#isGateway
      ? l10n.t('Port {0}, {1}, host {2}{3}', port, chain.tls, hosts, match)
      : inbound
        ? l10n.t('In, port {0}{1}, {2}', port, match, chain.tls)
        : hosts === '*' && isOfOneService(listener)
          ? l10n.t('Out (HTTP), {0}{1}', listener.address, match)
          : hosts === '*'
            ? l10n.t('Out, port {0}, any other host{1}', port, match)
            : l10n.t('Out, port {0}, {1}{2}', port, hosts, match);
    const where = route.targets.length > 0 ? this.#destinations(route.targets) : route.target;
    const more = [...route.extras, route.source && `← ${route.source}`].filter(Boolean);
    const isRest = !inbound && !this.#isGateway && hosts === '*' && match === '' && more.length === 0;
    return {
      ...{ inbound, text: `${what}: ${[where || '?', ...more].join('; ')}` },
      ...(isRest && goesOn(route.targets) && { rest: { port, of: 'http' } }),
    };
  }

  chain(listener: ListenerInfo, chain: FilterChainInfo): Line[] {
    if (chain.targets.length === 0) return [];
    const inbound = comesIn(listener);
    const isOnly = listener.chains.length === 1 && (chain.match === '' || chain.match === '*');
    const match = chain.match === '' || chain.match === '*' ? l10n.t('all else') : chain.match;
    const at = isOnly ? listener.address : `${listener.address}, ${match}`;
    const what =
      inbound || this.#isGateway ? l10n.t('In (TCP), {0}, {1}', at, chain.tls) : l10n.t('Out (TCP), {0}', at);
    const own = /:(\d+)$/.exec(listener.address)?.[1];
    const isLoop = match === `port ${own}` && chain.targets[0]?.cluster === 'BlackHoleCluster';
    const where = isLoop
      ? l10n.t('refused, nobody calls the proxy by its own port')
      : this.#destinations(chain.targets);
    const port = /^(?:0\.0\.0\.0|\[::\]):(\d+)$/.exec(listener.address)?.[1];
    const isRest = !inbound && !this.#isGateway && !isOnly && chain.match === '*' && goesOn(chain.targets);
    return [{ inbound, text: `${what}: ${where}`, ...(isRest && port !== undefined && { rest: { port, of: 'tcp' } }) }];
  }

  /** Every port of HTTP has two such lines: ports that have both are told together, at the end. */
  restAtOnce(lines: readonly Line[]): Line[] {
    const portsOf = (kind: 'http' | 'tcp') =>
      new Set(lines.flatMap(({ rest }) => (rest?.of === kind ? [rest.port] : [])));
    const tcp = portsOf('tcp');
    const both = [...portsOf('http')].filter((port) => tcp.has(port));
    if (both.length < 2) return [...lines];
    const ports = both.sort((a, b) => Number(a) - Number(b)).join(', ');
    const where = this.#destination('PassthroughCluster');
    const text = l10n.t('Out, ports {0}, any other host, and what is not HTTP: {1}', ports, where);
    return [...lines.filter(({ rest }) => rest === undefined || !both.includes(rest.port)), { inbound: false, text }];
  }

  #destinations(targets: readonly Target[]): string {
    const whole = targets.reduce((sum, { weight = 0 }) => sum + weight, 0);
    const names = targets.map(({ cluster, weight }) => {
      const share = weight === undefined || targets.length === 1 ? '' : ` ${percentOf(weight, whole)}`;
      return `${this.#destination(cluster)}${share}`;
    });
    return names.join(', ');
  }

  #destination(name: string): string {
    const cluster = this.#clusters.get(name);
    if (!cluster) return `⚠ ${l10n.t('{0}, which is not there', name)}`;
    if (name === 'BlackHoleCluster') return l10n.t('refused, no service of the mesh has it (BlackHoleCluster)');
    if (name === 'PassthroughCluster') return l10n.t('wherever it was going, without routes (PassthroughCluster)');
    if (name.startsWith('InboundPassthroughCluster'))
      return l10n.t('the application, on the port it was for ({0})', name);
    const { direction, port, subset, host } = splitClusterName(name);
    if (direction === 'inbound') return l10n.t('the application on port {0}', port);
    const place = [host, port].filter(Boolean).join(':');
    const named = subset === '' ? place : l10n.t('{0} subset {1}', place, subset);
    return `${named}${this.#health(cluster)}`;
  }

  #health(cluster: { name: string; type: string }): string {
    if (!needsEndpoints(cluster)) return '';
    const { all, good } = this.#counts.get(cluster.name) ?? { all: 0, good: 0 };
    if (all === 0) return ` (⚠ ${l10n.t('no endpoint')})`;
    if (good === 0) return ` (⚠ ${l10n.t('none of {0} endpoints healthy', all)})`;
    if (all === 1) return ` (${l10n.t('1 endpoint')})`;
    return good === all
      ? ` (${l10n.t('{0} endpoints', all)})`
      : ` (${l10n.t('{0} of {1} endpoints healthy', good, all)})`;
  }
}

/** A Service whose protocol nobody tells, or a headless one, has a listener at its own address. */
function isOfOneService({ address }: ListenerInfo): boolean {
  return !/^(?:0\.0\.0\.0|\[::\]):/.test(address) && /^(?:\d+\.|\[)/.test(address);
}

function goesOn(targets: readonly Target[]): boolean {
  return targets.length === 1 && targets[0]?.cluster === 'PassthroughCluster';
}

/** Of the bootstrap's own listeners nobody says it: the agent's and Prometheus' requests come to them. */
function comesIn({ direction, state }: ListenerInfo): boolean {
  return direction === 'inbound' || (direction === '' && state === 'static');
}

function percentOf(weight: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round((weight * 1000) / whole) / 10} %`;
}

/** One name of several that mean the same: `reviews.shop.svc.cluster.local`. */
function hostsOf({ domains, virtualHost }: RouteInfo): string {
  if (domains.includes('*')) return '*';
  const full = domains.find((domain) => /\.svc\./.test(domain)) ?? domains[0] ?? virtualHost;
  return full.replace(/:\d+$/, '');
}

function portOf(listener: ListenerInfo, chain: Pick<FilterChainInfo, 'match'>, route: RouteInfo): string {
  const ofConfig = /^(?:inbound(?:-vip|-pod)?\|)?(\d+)(?:\||$)/.exec(route.config)?.[1];
  const ofChain = /^port (\d+)/.exec(chain.match)?.[1];
  return ofChain ?? ofConfig ?? /:(\d+)(?:,|$)/.exec(listener.address)?.[1] ?? '?';
}
