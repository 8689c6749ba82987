/**
 * Records what the proxy of one `productpage` of the demo shop answers: a real Envoy in a network of its own, fed with what
 * istiod would make of the recorded Services, takes the shop's requests and sends them to stand-ins of its pods.
 *
 *     sudo node test/envoy/record-demo-proxy.ts
 *
 * Writes `extension/demo/recordings/broken/proxies/`. Left out: the cluster of the test's own control plane; what was asked of it reads `ads`, as in Istio.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { parseConfigDump } from '../../mesh/proxy-config/parse-proxy-config.ts';
import { statsFilter } from '../../mesh/proxy-config/parse-proxy-stats.ts';
import { addFaults } from '../../extension/demo/add-faults.ts';
import { moveCertificates, moveTimes } from '../../extension/demo/recorded-proxy.ts';
import { readRecording } from '../../extension/demo/recording.ts';
import { TestAuthority } from './certificates.ts';
import { ControlPlane } from './control-plane.ts';
import { DemoShop } from './demo-shop.ts';
import * as shape from './istio-shape.ts';
import { obtainEnvoy } from './obtain-envoy.ts';
import { askAdmin, RunningEnvoy, until } from './run-envoy.ts';

const proxy = { name: 'productpage-6fc8589769-llc7t', namespace: 'shop', ip: '10.88.0.36', app: 'productpage' };
const istiod = 'istiod-7b84d69d9b-brtj5';
/** When the recorded pod's proxy began. */
const began = '2026-11-21T00:25:52.000Z';
const inOwnNetwork = 'MESHLOOM_OWN_NETWORK';
const directory = join(import.meta.dirname, '../../extension/demo/recordings/broken');
const json = [
  '/config_dump?include_eds',
  '/clusters?format=json',
  '/listeners?format=json',
  '/certs',
  '/server_info',
  `/stats?format=json&filter=${encodeURIComponent(statsFilter)}`,
];

if (process.env[inOwnNetwork] === undefined) {
  const again = [process.execPath, import.meta.filename];
  execFileSync('unshare', ['-n', ...again], { stdio: 'inherit', env: { ...process.env, [inOwnNetwork]: '1' } });
} else await record();

async function record(): Promise<void> {
  const program = await obtainEnvoy();
  if ('missing' in program) throw new Error(program.missing);
  const { objects } = await addFaults(await readRecording(directory), directory);
  const shop = new DemoShop(objects, proxy);
  for (const command of [
    'ip link set lo up',
    'ip route add local 10.96.0.0/16 dev lo',
    ...shop.addresses.map((address) => `ip addr add ${address}/32 dev lo`),
    'iptables -t nat -A OUTPUT -p tcp -d 10.96.0.0/16 -m owner ! --gid-owner 1337 -j REDIRECT --to-ports 15001',
  ])
    execFileSync('sh', ['-c', command]);
  const [plane, envoy] = [new ControlPlane(), new RunningEnvoy()];
  const authority = new TestAuthority(envoy.directory);
  const sign = (account: string) => authority.sign(account, `URI:spiffe://cluster.local/ns/shop/sa/${account}`, 1);
  const own = sign('default');
  const { certificate: ca } = authority.root;
  await serve(shop, { cert: own.certificate, key: own.key, ca });
  await plane.open();
  plane.send('clusters', '2026-11-21T00:25:51Z/17', shop.clusters());
  plane.send('endpoints', '2026-11-21T00:25:51Z/17', shop.endpoints());
  plane.send('routes', '2026-11-21T00:25:51Z/17', shop.routes());
  plane.send('listeners', '2026-11-21T00:25:51Z/17', shop.listeners());
  plane.send('secrets', new Date().toISOString(), shape.secrets({ default: own, ROOTCA: { certificate: ca } }));
  const begun = Date.now();
  envoy.start(program.path, shop.bootstrap(plane.ports), ['setpriv', '--regid=1337', '--clear-groups']);
  await until(
    () => askAdmin(15_000, '/config_dump'),
    (dump) => parseConfigDump(JSON.parse(dump)).versions.length >= 4,
  );
  for (let n = 0; n < 12; n++) await visit(shop);
  await writeAnswers(Date.parse(began) - begun);
  await envoy.stop();
  plane.close();
  process.exit(0);
}

/** Pods with a proxy take mutual TLS, the others plain HTTP. */
async function serve(shop: DemoShop, tls: { cert: string; key: string; ca: string }): Promise<void> {
  for (const { address, port, inMesh } of shop.pods) {
    const server = inMesh
      ? createHttpsServer({ ...tls, requestCert: true, ALPNProtocols: ['istio'] }, (_, response) => response.end('ok'))
      : createHttpServer((_, response) => response.end('ok'));
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
  }
}

/** As productpage does for every page: details and reviews are there, ratings refuses what is not mutual TLS. */
async function visit(shop: DemoShop): Promise<void> {
  for (const [name, path] of [
    ['details', '/details/0'],
    ['reviews', '/reviews/0'],
    ['ratings', '/ratings/0'],
  ] as const)
    await new Promise<void>((resolve) => {
      const host = shop.clusterIpOf(name);
      const asked = request({ host, port: 9080, path, headers: { host: `${name}:9080` } }, (response) => {
        response.resume().on('end', resolve);
      });
      asked.on('error', () => resolve()).end();
    });
}

async function writeAnswers(moveMs: number): Promise<void> {
  const answers: Record<string, unknown> = {};
  for (const path of json) {
    const answer: unknown = JSON.parse(await askAdmin(15_000, path));
    answers[`15000${path.split('?')[0]}`] = tidy(moveTimes(moveCertificates(answer, moveMs), moveMs), moveMs);
  }
  for (const [path, method] of [
    ['/ready', 'GET'],
    ['/logging', 'POST'],
  ] as const)
    answers[`15000${path}`] = await askAdmin(15_000, path, method);
  const folder = join(directory, 'proxies');
  mkdirSync(folder, { recursive: true });
  const write = (name: string, recorded: object) =>
    writeFileSync(
      join(folder, `${name}.json`),
      `${JSON.stringify({ recordedAt: began, answers: recorded }, null, 1).replaceAll('istiod-7f5c-abc', istiod)}\n`,
    );
  write(`${proxy.namespace}_${proxy.name}`, answers);
  write(`istio-system_${istiod}`, { '15014/debug/syncz': syncz() });
}

/** Without what only the test has, and what is never looked at but is large. */
function tidy(value: unknown, moveMs: number): unknown {
  // A cluster, its status, its endpoints: named at their beginning.
  const isOurs = (item: unknown) => /^.{0,150}name":"(?:cluster[.])?rest-xds/.test(JSON.stringify(item));
  if (Array.isArray(value)) return value.filter((item) => !isOurs(item)).map((item) => tidy(item, moveMs));
  if (typeof value === 'number' && value > 1e12) return value + moveMs;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !['extensions', 'command_line_options', 'histograms'].includes(key))
      .map(([key, one]) => (key === 'api_config_source' ? ['ads', {}] : [key, tidy(one, moveMs)])),
  );
}

/** istiod's word on it. */
function syncz(): unknown {
  const kinds = [
    'cluster.v3.Cluster',
    'listener.v3.Listener',
    'endpoint.v3.ClusterLoadAssignment',
    'route.v3.RouteConfiguration',
  ];
  return [
    {
      node: { id: `${proxy.name}.${proxy.namespace}`, metadata: { ISTIO_VERSION: '1.29.0' } },
      generic_xds_configs: kinds.map((kind) => ({
        type_url: `type.googleapis.com/envoy.config.${kind}`,
        config_status: 'SYNCED',
      })),
    },
  ];
}
