/** What a person is shown of a proxy, read from a real Envoy that a small control plane feeds, faults included. */
import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProxy } from '../../extension/actions/read-proxy.ts';
import { ClusterFailure } from '../../extension/cluster/cluster.ts';
import { describeProxyConfig } from '../../mesh/proxy-config/describe-proxy-config.ts';
import { describeTraffic } from '../../mesh/proxy-config/describe-traffic.ts';
import { findProblems } from '../../mesh/proxy-config/find-proxy-problems.ts';
import { pagesOf } from '../../mesh/proxy-config/pages.ts';
import { parseConfigDump } from '../../mesh/proxy-config/parse-proxy-config.ts';
import { parsePrometheus } from '../../mesh/proxy-config/parse-proxy-stats.ts';
import type { ProxyReport } from '../../mesh/proxy-config/report.ts';
import { TestAuthority } from './certificates.ts';
import { ControlPlane } from './control-plane.ts';
import { istiod, localCluster, sidecarPod, type LocalCluster } from './envoy-pod.ts';
import * as shape from './istio-shape.ts';
import { obtainEnvoy } from './obtain-envoy.ts';
import { askAdmin, freePort, RunningEnvoy, until } from './run-envoy.ts';

const program = await obtainEnvoy();
const noTool =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl, which makes its certificates, is missing';
const missing = 'missing' in program ? program.missing : noTool;
if (missing !== undefined) console.warn(`test/envoy: skipped, because ${missing}`);

const reviews = shape.reviews;
const day = 24 * 60 * 60 * 1000;
const later = (ms: number) => new Date(Date.now() + ms).toISOString();

describe.skipIf(missing !== undefined)('a proxy, read from a real Envoy', { timeout: 60_000 }, () => {
  const plane = new ControlPlane();
  const envoy = new RunningEnvoy();
  let port = 0;

  beforeAll(async () => {
    await plane.open();
    port = await freePort();
    const authority = new TestAuthority(envoy.directory);
    const own = authority.sign('default', 'URI:spiffe://cluster.local/ns/shop/sa/reviews', 1);
    const { certificate } = authority.root;
    plane.send('clusters', 'c1', shape.clusters());
    plane.send('endpoints', 'e1', shape.endpoints());
    plane.send('routes', 'r1', shape.routes());
    plane.send('listeners', 'l1', shape.listeners());
    plane.send('secrets', 's1', shape.secrets({ default: own, ROOTCA: { certificate } }));
    const bootstrap = shape.bootstrap({ admin: { address: '127.0.0.1', port }, plane: plane.ports });
    envoy.start((program as { path: string }).path, bootstrap);
    await until(
      () => askAdmin(port, '/config_dump'),
      (dump) => parseConfigDump(JSON.parse(dump)).versions.length >= 4,
    );
  });
  afterAll(async () => {
    await envoy.stop();
    plane.close();
  });

  const read = async (more: Partial<LocalCluster> = {}, now = later(0)): Promise<ProxyReport> => {
    const cluster = localCluster({ ports: { [`reviews-1:${port}`]: port }, log: () => envoy.log, ...more });
    return await readProxy(cluster, sidecarPod(port), now);
  };

  it('has everything that was sent, and tells nothing wrong but what is', async () => {
    const report = await read();
    const { config, server, stats, certificates, loggers } = report;
    expect(report.missing).toEqual([]);
    expect(config.versions.map(({ kind, version }) => [kind, version])).toEqual(
      expect.arrayContaining([
        ['clusters', 'c1'],
        ['listeners', 'l1'],
        ['routes', 'r1'],
        ['secrets', 's1'],
      ]),
    );
    expect(config.versions.every(({ updated }) => Math.abs(Date.parse(updated) - Date.now()) < 60_000)).toBe(true);
    expect(config.bootstrap).toMatchObject({
      cluster: 'reviews.shop',
      istioVersion: '1.29.0',
      interception: 'REDIRECT',
    });
    expect(server).toMatchObject({ version: '1.40.0', state: 'LIVE' });
    expect(loggers).toMatchObject({ rbac: 'warning', config: 'warning' });
    expect(stats).toMatchObject({ connected: true, state: 'LIVE', kinds: { clusters: { accepted: 1, rejected: 0 } } });
    expect(stats?.kinds.endpoints).toMatchObject({ accepted: 4 });
    expect(certificates).toMatchObject([
      { role: 'workload', secret: 'default', names: ['spiffe://cluster.local/ns/shop/sa/reviews'] },
      { role: 'ca', secret: 'ROOTCA', names: ['cluster.local'] },
    ]);
    const tls = Object.fromEntries(config.clusters.map(({ name, tls: sends }) => [name, sends]));
    expect(tls).toMatchObject({
      [shape.clusterName('v1')]: 'mTLS / plaintext',
      [shape.clusterName('', 'api.example.com', 443)]: 'TLS',
      [shape.clusterName('', 'mysql.shop.svc.cluster.local', 3306)]: 'plaintext',
    });
    expect(findProblems(report)).toEqual([
      `Route ~ /v[0-9]+ of ${reviews}:9080 leads to cluster ${shape.clusterName('v9')}, which is not there: such requests get 503.`,
      `No endpoint is healthy (1): ${shape.clusterName('v2')}`,
      `No endpoint at all, requests get 503 (1): ${shape.clusterName('', 'mysql.shop.svc.cluster.local', 3306)}`,
    ]);
  });

  it('is told in sentences', async () => {
    const report = await read();
    expect(describeTraffic(report)).toEqual([
      'In (TCP), 0.0.0.0:15006, port 15006, plaintext: refused, nobody calls the proxy by its own port',
      'In, port 9080, mTLS / plaintext: the application on port 9080',
      'In (TCP), 0.0.0.0:15006, to 0.0.0.0/0, plaintext: the application, on the port it was for (InboundPassthroughCluster)',
      'Out (TCP), 0.0.0.0:15001, port 15001: refused, nobody calls the proxy by its own port',
      'Out (TCP), 0.0.0.0:15001, all else: wherever it was going, without routes (PassthroughCluster)',
      `Out, port 9080, ${reviews} /api*, header end-user = jason, method ~ GET|HEAD, not header x-old, query page = 1*: ${reviews}:9080 subset v2 (⚠ none of 1 endpoints healthy); retries 2 (connect-failure,refused-stream,unavailable,503); mirror to ${shape.clusterName('')} (10 %); fault: delay 5s 10 %; fault: abort 503 50 %; ← VirtualService shop/reviews`,
      `Out, port 9080, ${reviews} /old/*: redirect https://new.example.com (found)`,
      `Out, port 9080, ${reviews} /health: response 200`,
      `Out, port 9080, ${reviews} ~ /v[0-9]+: ⚠ ${shape.clusterName('v9')}, which is not there; retries 2 (connect-failure,refused-stream,unavailable,503); rewrite to /`,
      `Out, port 9080, ${reviews}: ${reviews}:9080 subset v1 (2 of 4 endpoints healthy) 75 %, ${reviews}:9080 subset v2 (⚠ none of 1 endpoints healthy) 25 %; timeout 3s; retries 2 (connect-failure,refused-stream,unavailable,503); ← VirtualService shop/reviews`,
      'Out, port 9080, any other host: wherever it was going, without routes (PassthroughCluster)',
      'Out (TCP), 0.0.0.0:9080, all else: wherever it was going, without routes (PassthroughCluster)',
      'Out (TCP), 10.96.0.6:3306: mysql.shop.svc.cluster.local:3306 (⚠ no endpoint)',
    ]);
    for (const page of pagesOf('envoy')) expect(describeProxyConfig(report, page)).not.toMatch(/undefined|\[object/);
    expect(describeProxyConfig(report, 'endpoints', 'fd00 degraded')).toMatch(
      /1 of 10 contain[^]*north\/b, priority 1/,
    );
  });

  it('says when certificates end', async () => {
    const soon = findProblems(await read({}, later(day - 20 * 60_000)));
    expect(soon[0]).toMatch(/^The certificate of spiffe:\S+ expires in (19|20) minutes\.$/);
    expect(findProblems(await read({}, later(3 * day)))[0]).toMatch(
      /^The certificate of spiffe:\S+ expired 2 days ago\.$/,
    );
    expect(findProblems(await read({}, later(3649 * day))).join('\n')).toMatch(
      /of cluster\.local expires in \d+ hours/,
    );
    expect(findProblems(await read({}, later(-day)))[0]).toMatch(/is not valid yet: it begins in 2\d hours/);
  });

  it('is set against what istiod says, and says who serves it', async () => {
    const syncz = [
      { proxy: 'reviews-1.shop', cluster_sent: 'a', cluster_acked: 'b', listener_sent: 'a', listener_acked: 'a' },
    ];
    const answers = await serve((path) => (path === '/debug/syncz' ? JSON.stringify(syncz) : undefined));
    const ports = { [`reviews-1:${port}`]: port, 'istiod-7f5c-abc:15014': answers.port };
    const report = await read({ ports, pods: [istiod] });
    expect(report.sync).toMatchObject({ states: { clusters: 'stale', listeners: 'synced', routes: 'not sent' } });
    expect(findProblems(report)[0]).toBe('istiod sent Clusters that the proxy has not acknowledged.');
    // Without any right in istiod's namespace the proxy's own agent hands the question on.
    const asXds = await serve(() => JSON.stringify({ resources: syncz }));
    const agent = await read({ ports: { [`reviews-1:${port}`]: port, 'reviews-1:15004': asXds.port } });
    expect(agent.sync).toMatchObject({ states: { clusters: 'stale' } });
    for (const { server } of [answers, asXds]) server.close();
  });

  it('is read in parts when the whole dump is too large, to the same effect', async () => {
    const whole = await read();
    const through = await serve(undefined, async (path, method) =>
      path.includes('include_eds') ? undefined : await askAdmin(port, path, method),
    );
    const parts = await read({ ports: { [`reviews-1:${port}`]: through.port } });
    through.server.close();
    expect(parts.missing.join()).toContain('too large');
    for (const kind of ['listeners', 'routes', 'clusters', 'secrets', 'bootstrap'] as const)
      expect(parts.config[kind]).toEqual(whole.config[kind]);
    expect(findProblems(parts)).toEqual(findProblems(whole));
  });

  it('is asked from inside its container where ports cannot be forwarded', async () => {
    const refusal = new ClusterFailure('forbidden', 'You may not forward ports.', 'Ask.');
    const commands: string[][] = [];
    const exec = async (command: string[]) => {
      commands.push(command);
      const url = new URL(command.at(-1)!);
      const method = command[command.indexOf('-X') + 1];
      return { stdout: await askAdmin(port, `${url.pathname}${url.search}`, method), exitCode: 0 };
    };
    const report = await read({ refusal, exec });
    expect(report.config.clusters.length).toBe((await read()).config.clusters.length);
    expect(commands[0]!.slice(0, 2)).toEqual(['curl', '-sSf']);
    await expect(read({ refusal })).rejects.toThrow(
      /may not forward ports.*inside the container istio-proxy did not work/,
    );
  });

  it('without its admin port tells what its agent’s metrics tell', async () => {
    const metrics = await askAdmin(port, '/stats/prometheus');
    const agent = await serve((path) => (path === '/stats/prometheus' ? metrics : undefined));
    const report = await read({ ports: { 'reviews-1:15020': agent.port } });
    agent.server.close();
    expect(report.noDump).toMatch(/nothing answers on port \d+.*What is shown is what port 15020 tells/);
    expect(report.stats).toMatchObject({ connected: true, state: 'LIVE', kinds: { clusters: { accepted: 1 } } });
    expect(report.stats?.kinds.secrets).toMatchObject({ accepted: 2, rejected: 0 });
    expect(describeProxyConfig(report, 'overview')).toContain('cannot be read');
    await expect(read({ ports: {} })).rejects.toThrow(/nothing answers/);
  });

  it('that answers half, nonsense or never is an error in words, and can be given up', async () => {
    const dump = await askAdmin(port, '/config_dump?include_eds');
    const half = await serve(() => dump.slice(0, dump.length / 2));
    await expect(read({ ports: { [`reviews-1:${port}`]: half.port } })).rejects.toThrow(/not JSON, or was cut off/);
    half.server.close();
    const silent = createTcpServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const stop = new AbortController();
    const cluster = localCluster({ ports: { [`reviews-1:${port}`]: (silent.address() as AddressInfo).port } });
    setTimeout(() => stop.abort(), 100);
    const started = performance.now();
    await expect(readProxy(cluster, sidecarPod(port), later(0), stop.signal)).rejects.toMatchObject({
      reason: 'cancelled',
    });
    expect(performance.now() - started).toBeLessThan(3000);
    silent.close();
  });

  it('that refuses changes says which and why, and what waits for what', async () => {
    const [, , , tcp] = shape.listeners();
    const broken = {
      name: 'envoy.filters.network.tcp_proxy',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
        stat_prefix: 'x',
      },
    };
    const [first] = shape.endpoints();
    const nowhere = [{ lb_endpoints: [{ endpoint: { address: shape.socket('not-an-ip', 1) } }] }];
    plane.send('clusters', 'c2', [...shape.clusters(), shape.lateCluster(), { name: 'broken', type: 'EDS' }]);
    plane.send('listeners', 'l2', [
      ...shape.listeners().slice(0, 3),
      { ...tcp, filter_chains: [{ filters: [broken] }] },
      { name: 'bad', address: shape.socket('192.0.2.1', 1), filter_chains: [{ filters: [] }, { filters: [] }] },
      shape.waitingListener(),
    ]);
    plane.send('routes', 'r2', [
      {
        ...shape.routes()[0],
        virtual_hosts: [
          { name: 'a', domains: ['x'] },
          { name: 'b', domains: ['x'] },
        ],
      },
    ]);
    plane.send('endpoints', 'e2', [{ ...first, endpoints: nowhere }]);
    const report = await until(
      () => read(),
      ({ refusals = [], config }) => refusals.length >= 4 && config.listeners.some(({ state }) => state === 'warming'),
    );
    const problems = findProblems(report);
    // Kinds come in the order of Envoy's counters.
    expect([...problems.slice(0, 2), ...problems.slice(2, 5).sort(), problems[5]]).toEqual([
      'Listener 10.96.0.6_3306: the last change was refused (stat_prefix: "x" : Proto constraint validation failed (field: "cluster_specifier", reason: is required)).',
      "Listener bad was refused and is not there: error adding listener '192.0.2.1:1': filter chain '' has the same matching rules defined as ''. duplicate matcher is: {}",
      'Clusters: the proxy refused what the control plane sent last: Error adding/updating cluster(s) broken: cannot create an EDS cluster without an EDS config',
      expect.stringMatching(/^Endpoints: the proxy refused .*: malformed IP address: not-an-ip/),
      'Routes: the proxy refused what the control plane sent last: Only unique values for domains are permitted. Duplicate entry of domain x in route 9080',
      expect.stringMatching(/leads to cluster outbound\|9080\|v9\|/),
    ]);
    expect(problems.filter((problem) => problem.includes('7070'))).toHaveLength(1);
    expect(problems).toEqual(
      expect.arrayContaining([
        'Listener 0.0.0.0_7070 waits for its routes or certificates; the one before, if any, goes on.',
        `Cluster ${shape.clusterName('', 'late.shop.svc.cluster.local', 80)} waits for its endpoints or certificates.`,
      ]),
    );
    // It goes on with what it had.
    expect(report.config.routes.filter(({ config }) => config === '9080')).toHaveLength(6);
    expect(report.stats?.controlPlane).toBe('istiod-7f5c-abc');
    // What is accepted afterwards ends the complaint, though the counters stay.
    plane.send('clusters', 'c3', shape.clusters());
    const after = await until(
      () => read(),
      ({ config }) => config.versions.some(({ kind, version }) => kind === 'clusters' && version === 'c3'),
    );
    expect(after.stats?.kinds.clusters?.rejected).toBeGreaterThan(0);
    expect(findProblems(after).join('\n')).not.toContain('Clusters: the proxy refused');
  });

  it('names the same from its metrics as from its own statistics', async () => {
    const { kinds } = parsePrometheus(await askAdmin(port, '/stats/prometheus'));
    expect(kinds.routes?.refused).toMatchObject([{ name: '9080' }]);
    expect(kinds.listeners?.rejected).toBeGreaterThan(0);
  });

  it('tells what its traffic met: endpoints taken out, connections to nowhere, listeners that drain', async () => {
    const broken = createServer((_, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
    const cluster = shape.clusterName('', 'flaky.shop.svc.cluster.local', 80);
    const address = shape.socket('127.0.0.1', (broken.address() as AddressInfo).port);
    const [http, nowhere, kept] = [await freePort(), await freePort(), await freePort()];
    const outlier_detection = { consecutive_5xx: 2, interval: '0.1s', max_ejection_percent: 100 };
    const flaky = shape.edsCluster(cluster, { transport_socket_matches: undefined, outlier_detection });
    const served = { cluster_name: cluster, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
    plane.send('endpoints', 'e1b', [...shape.endpoints(), served]);
    plane.send('clusters', 'c1b', [...shape.clusters(), flaky]);
    plane.send('listeners', 'l1b', [...shape.listeners(), ...shape.openListeners({ http, nowhere, kept }, cluster)]);
    await until(
      () => askAdmin(http, '/'),
      () => true,
    );
    const connections = [nowhere, kept].map((local) => connect(local, '127.0.0.1').on('error', () => undefined));
    const report = await until(
      async () => (await askAdmin(http, '/'), await read()),
      ({ endpoints = [] }) => endpoints.some(({ outlier }) => outlier),
    );
    const flakyEndpoint = report.endpoints!.find((one) => one.cluster === cluster)!;
    expect(flakyEndpoint.health).toBe('HEALTHY, failed_outlier_check');
    expect(flakyEndpoint.traffic!.errors).toBeGreaterThanOrEqual(2);
    expect(flakyEndpoint.traffic!.requests).toBeGreaterThanOrEqual(flakyEndpoint.traffic!.errors);
    expect(findProblems(report)).toEqual(
      expect.arrayContaining([
        `Endpoint 127.0.0.1:${address.socket_address.port_value} of ${cluster} is taken out after errors.`,
        expect.stringMatching(
          /^1 connections or requests were refused because no service of the mesh has that address/,
        ),
      ]),
    );
    plane.send('listeners', 'l1c', shape.listeners());
    const draining = await until(
      () => read(),
      ({ config }) => config.listeners.some(({ state }) => state === 'draining'),
    );
    expect(draining.config.listeners.find(({ name }) => name === 'kept')?.state).toBe('draining');
    expect(describeTraffic(draining).join()).not.toContain(String(kept));
    for (const connection of connections) connection.destroy();
    broken.close();
  });
});

/** A small HTTP server; what it does not know is 404, or too large where it hands on. */
async function serve(
  answer?: (path: string) => string | undefined,
  handOn?: (path: string, method: string) => Promise<string | undefined>,
): Promise<{ port: number; server: Server }> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (answer) {
      const body = answer(path);
      response.writeHead(body === undefined ? 404 : 200).end(body ?? '');
      return;
    }
    void handOn!(path, request.method ?? 'GET').then((body) => {
      response.writeHead(200);
      if (body !== undefined) return response.end(body);
      const megabyte = Buffer.alloc(1024 * 1024, ' ');
      const pour = () => {
        while (!response.destroyed && response.write(megabyte));
      };
      response.on('drain', pour).on('error', () => undefined);
      pour();
      return undefined;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}
