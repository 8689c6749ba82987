/** A proxy's configuration, read through its admin port; and what istiod says about it. No editor here. */
import * as l10n from '@vscode/l10n';
import type { Container, Pod } from '../../mesh/kubernetes.ts';
import { findProxy } from '../../mesh/pods/describe-pod.ts';
import {
  emptyConfig,
  parseCertificates,
  parseClusterStatuses,
  parseConfigDump,
  type ProxyConfig,
} from '../../mesh/proxy-config/parse-proxy-config.ts';
import { parsePrometheus, parseStats, statsFilter } from '../../mesh/proxy-config/parse-proxy-stats.ts';
import { parseLoggers, parseServer, parseUnready } from '../../mesh/proxy-config/parse-server.ts';
import { findRefusals, findSync, type ProxySync } from '../../mesh/proxy-config/parse-sync.ts';
import type { ProxyReport } from '../../mesh/proxy-config/report.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { AdminDoor } from './admin-door.ts';
import { isReady } from './pod-targets.ts';
import { isTooLarge, readAdmin, type AdminPlace } from './read-admin.ts';
import { addUnknown, readCertificates } from './read-certificates.ts';

const usualAdminPort = 15_000;
const usualStatusPort = 15_020;
const agentDebugPort = 15_004;
const istiodPort = 15_014;

/** Parts of a dump, for a proxy whose whole one is too large; endpoints are left to `/clusters`. */
const dumpParts = [
  'mask=bootstrap',
  ...['dynamic_listeners', 'static_listeners', 'dynamic_route_configs', 'static_route_configs'].map(ofResource),
  ...['dynamic_active_clusters', 'dynamic_warming_clusters', 'static_clusters'].map(ofResource),
  ...['dynamic_active_secrets', 'dynamic_warming_secrets'].map(ofResource),
];

function ofResource(name: string): string {
  return `resource=${name}`;
}

/**
 * @param pod with a proxy, a ztunnel, or one of the ambient mesh: its node's ztunnel is then read.
 * @throws ClusterFailure when the proxy tells nothing at all; what else is missing is named in the report.
 */
export async function readProxy(cluster: Cluster, pod: Pod, now: string, signal?: AbortSignal): Promise<ProxyReport> {
  const { phase = '' } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') throw hasEnded(pod, phase);
  const served = findProxy(pod) ? pod : await findZtunnel(cluster, pod, signal);
  return await new ProxyReader(cluster, served, signal).read(now, served === pod ? undefined : pod);
}

class ProxyReader {
  readonly #cluster: Cluster;
  readonly #pod: Pod;
  readonly #place: AdminPlace;
  readonly #door: AdminDoor;
  readonly #signal: AbortSignal | undefined;
  readonly #missing: string[] = [];

  constructor(cluster: Cluster, pod: Pod, signal: AbortSignal | undefined) {
    this.#cluster = cluster;
    this.#pod = pod;
    this.#signal = signal;
    const { namespace = '', name = '' } = pod.metadata ?? {};
    this.#place = { namespace, name, port: adminPortOf(pod) };
    this.#door = new AdminDoor(cluster, this.#place, findProxy(pod)?.name ?? '', signal);
  }

  async read(now: string, behalf: Pod | undefined): Promise<ProxyReport> {
    const { namespace, name } = this.#place;
    const about = {
      ...{ subject: `Pod ${namespace}/${name}`, cluster: this.#cluster.context.name, now, missing: this.#missing },
      ...(this.#cluster.context.kind === 'demo' && { isRecorded: true }),
      ...(behalf && { onBehalfOf: `${behalf.metadata?.namespace ?? ''}/${behalf.metadata?.name ?? ''}` }),
    };
    const dump = await this.#readDump();
    if ('failed' in dump) return { ...about, ...(await this.#readAgent(dump.failed)) };
    if (dump.proxy === 'ztunnel') {
      const version = dump.ztunnel?.version ?? '';
      const server = version === '' ? {} : { server: { version, state: '' } };
      const loggers = await this.#optional('/logging', (text) => parseLoggers(text), 'POST');
      return {
        ...about,
        config: dump,
        certificates: [],
        sync: { unknown: '' },
        ...server,
        ...(loggers && { loggers }),
      };
    }
    return { ...about, ...(await this.#readEnvoy(dump)) };
  }

  async #readDump(): Promise<ProxyConfig | { failed: ClusterFailure }> {
    try {
      return parseConfigDump(parseJson(await this.#door.ask('/config_dump?include_eds', { timeoutMs: 60_000 })));
    } catch (error) {
      if (this.#signal?.aborted || !(error instanceof ClusterFailure)) throw error;
      if (!isTooLarge(error)) return { failed: error };
    }
    this.#missing.push(l10n.t('the whole dump at once (it is too large, so its parts were read)'));
    const parts = [];
    for (const query of dumpParts)
      parts.push(await this.#optional(`/config_dump?${query}`, (text) => wrapPart(query, JSON.parse(text))));
    return parseConfigDump({ configs: parts.flatMap((part) => part ?? []) });
  }

  async #readEnvoy(config: ProxyConfig): Promise<Omit<ProxyReport, 'subject' | 'cluster' | 'now' | 'missing'>> {
    // One after the other: several dumps of a large mesh at once are a burden on the pod.
    const endpoints = await this.#optional('/clusters?format=json', (text) => parseClusterStatuses(JSON.parse(text)));
    const loaded = await this.#optional('/certs', (text) => parseCertificates(JSON.parse(text)));
    const server = await this.#optional('/server_info', (text) => parseServer(JSON.parse(text)));
    const path = `/stats?format=json&filter=${encodeURIComponent(statsFilter)}`;
    const stats = await this.#optional(path, (text) => parseStats(JSON.parse(text)));
    const loggers = await this.#optional('/logging', (text) => parseLoggers(text), 'POST');
    const isWaiting = server !== undefined && /INITIALIZING/.test(server.state);
    const waitsFor = isWaiting
      ? await this.#optional('/init_dump', (text) => parseUnready(JSON.parse(text)))
      : undefined;
    const sync = await this.#readSync();
    const refused = Object.entries(stats?.kinds ?? {}).some(
      ([kind, { rejected }]) => kind !== 'listeners' && rejected > 0,
    );
    // Most counters are switched off in Istio: what istiod does not see acknowledged may have been refused, too.
    const inDoubt =
      !('unknown' in sync) && Object.values(sync.states).some((state) => ['error', 'stale'].includes(state));
    const refusals = refused || inDoubt ? await this.#readRefusals() : undefined;
    return {
      config,
      sync,
      certificates: addUnknown(readCertificates(config.secrets), loaded ?? []),
      ...(endpoints && { endpoints }),
      ...(server && { server }),
      ...(stats && { stats }),
      ...(loggers && { loggers }),
      ...(waitsFor && { waitsFor }),
      ...(refusals && { refusals }),
    };
  }

  /** Without the admin port: the agent beside Envoy tells its counters and whether it is ready. */
  async #readAgent(failed: ClusterFailure): Promise<Omit<ProxyReport, 'subject' | 'cluster' | 'now' | 'missing'>> {
    const port = Number(this.#pod.metadata?.annotations?.['status.sidecar.istio.io/port']) || usualStatusPort;
    const options = this.#signal ? { signal: this.#signal } : {};
    try {
      const metrics = await readAdmin(this.#cluster, { ...this.#place, port }, '/stats/prometheus', options);
      const stats = parsePrometheus(metrics);
      const noDump = `${failed.message} ${l10n.t('What is shown is what port {0} tells.', port)}`;
      return { config: emptyConfig(), noDump, stats, certificates: [], sync: await this.#readSync() };
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      throw failed;
    }
  }

  async #optional<T>(path: string, parse: (text: string) => T, method: 'GET' | 'POST' = 'GET'): Promise<T | undefined> {
    try {
      return parse(await this.#door.ask(path, { method }));
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      this.#missing.push(error instanceof ClusterFailure ? error.message : l10n.t('{0} (not understood)', path));
      return undefined;
    }
  }

  /** Why the last changes were refused stands in the log alone. */
  async #readRefusals() {
    const { namespace, name } = this.#place;
    const place = { namespace, name, container: findProxy(this.#pod)?.name ?? '' };
    let log = '';
    const signal = AbortSignal.any([AbortSignal.timeout(15_000), ...(this.#signal ? [this.#signal] : [])]);
    try {
      const onText = (text: string) => void (log += text);
      await this.#cluster.streamLog(place, { tailLines: 5000, signal, onText });
      return findRefusals(log);
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      this.#missing.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Each istiod knows its own proxies only, so all of a revision are asked, a few at most; then the proxy's own agent. */
  async #readSync(): Promise<ProxySync | { unknown: string }> {
    const { namespace, name } = this.#place;
    const signal = this.#signal ? { signal: this.#signal } : {};
    const place = controlPlaneOf(this.#pod);
    let reason = l10n.t('no istiod serves this proxy.');
    try {
      const options = { labelSelector: 'app=istiod', ...signal };
      const { items } = await this.#cluster.list<Pod>(resourceTypes.pods, { namespace: place, ...options });
      const ready = items.filter(isReady).slice(0, 4);
      if (ready.length === 0) reason = l10n.t('no istiod is ready in namespace {0}.', place);
      for (const { metadata } of ready) {
        const istiod = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', port: istiodPort };
        const answer = parseJson(await readAdmin(this.#cluster, istiod, '/debug/syncz', signal));
        const found = findSync(answer, `${name}.${namespace}`);
        if (found) return found;
      }
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      reason = error instanceof Error ? error.message : String(error);
    }
    try {
      // The agent hands the question on through its own connection; istiod answers it for its own namespace's proxies.
      const agent = { ...this.#place, port: agentDebugPort };
      const answer = parseJson(await readAdmin(this.#cluster, agent, '/debug/syncz', { timeoutMs: 6000, ...signal }));
      return findSync(answer, `${name}.${namespace}`) ?? { unknown: reason };
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      return { unknown: reason };
    }
  }
}

/** A list alone is `{ "configs": [its entries] }`: put back into the message that a whole dump has it in. */
function wrapPart(query: string, part: unknown): unknown[] {
  const { configs } = part as { configs?: unknown };
  if (!Array.isArray(configs)) return [];
  const [, field = '', kind = ''] = /^resource=(\w*?(listener|cluster|route|secret)\w*)$/.exec(query) ?? [];
  if (kind === '') return configs as unknown[];
  const name = `${kind[0]!.toUpperCase()}${kind.slice(1)}s`;
  return [{ '@type': `envoy.admin.v3.${name}ConfigDump`, [field]: configs as unknown[] }];
}

/** `proxyAdminPort` moves it; ztunnel has an address in its environment. */
function adminPortOf(pod: Pod): number {
  const env = findProxy(pod)?.env ?? [];
  const valueOf = (wanted: string) => env.find(({ name }) => name === wanted)?.value ?? '';
  const ofZtunnel = /:(\d+)$/.exec(valueOf('ADMIN_ADDR'))?.[1];
  const annotation = pod.metadata?.annotations?.['proxy.istio.io/config'] ?? '';
  // JSON in the environment, YAML in the annotation: one field of either.
  const pattern = /"?proxyAdminPort"?\s*:\s*"?(\d+)/;
  const moved = pattern.exec(valueOf('PROXY_CONFIG'))?.[1] ?? pattern.exec(annotation)?.[1];
  const port = Number(ofZtunnel ?? moved);
  return port > 0 && port < 65_536 ? port : usualAdminPort;
}

/** @throws ClusterFailure when the pod is not in the mesh, or its node has no ztunnel. */
async function findZtunnel(cluster: Cluster, pod: Pod, signal: AbortSignal | undefined): Promise<Pod> {
  const { metadata, spec } = pod;
  const isAmbient = metadata?.annotations?.['ambient.istio.io/redirection'] === 'enabled';
  if (!isAmbient || spec?.nodeName === undefined) throw noProxy(pod);
  const options = {
    labelSelector: 'app=ztunnel',
    fieldSelector: `spec.nodeName=${spec.nodeName}`,
    ...(signal && { signal }),
  };
  const { items } = await cluster.list<Pod>(resourceTypes.pods, options).catch(async (error: unknown) => {
    if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
    return await cluster.list<Pod>(resourceTypes.pods, { ...options, namespace: 'istio-system' });
  });
  const found = items.find(isReady) ?? items[0];
  if (found) return found;
  throw new ClusterFailure(
    'not-found',
    l10n.t('Pod {0} is in the ambient mesh, but node {1} has no ztunnel pod.', metadata?.name ?? '', spec.nodeName),
    l10n.t('Look at the DaemonSet ztunnel: without it the pod has no network.'),
  );
}

function hasEnded({ metadata }: Pod, phase: string): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    l10n.t(
      'Pod {0} in namespace {1} has ended ({2}), and its proxy with it.',
      metadata?.name ?? '',
      metadata?.namespace ?? '',
      phase,
    ),
    l10n.t('“Show Logs” still has what its proxy said.'),
  );
}

function noProxy({ metadata }: Pod): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    l10n.t('Pod {0} in namespace {1} has no proxy of its own.', metadata?.name ?? '', metadata?.namespace ?? ''),
    l10n.t('“Mesh: Explain Injection” says why.'),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ClusterFailure(
      'unexpected',
      l10n.t('The proxy’s dump is not JSON, or was cut off.'),
      l10n.t('Try again.'),
      { cause },
    );
  }
}

/** From the address that the proxy was given: `istiod-canary.istio-system.svc:15012`. */
function controlPlaneOf(pod: Pod): string {
  const env: Container['env'] = findProxy(pod)?.env ?? [];
  const address = env.find(({ name }) => name === 'CA_ADDR')?.value ?? '';
  return /^[^.:]+\.([^.:]+)\.svc/.exec(address)?.[1] ?? 'istio-system';
}
