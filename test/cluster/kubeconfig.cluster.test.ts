/** What a kubeconfig can say about the way to an API server and about who asks, held against a real one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import type { ClusterFailure } from '../../extension/cluster/cluster.ts';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { readKubeconfig, resolveContext } from '../../extension/cluster/kubeconfig.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { failureOf, say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

let plane: ControlPlane | undefined;
const cleanUps: (() => unknown)[] = [];

describe.skipIf(missing)('a kubeconfig, on a real API server', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
  }, 600_000);
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(async () => await plane?.dispose(), 60_000);

  const pki = (name: string) => plane!.space.path('pki', name);

  /** Writes the file and reads it as the extension does. */
  async function connectWith(user: object, cluster: object = {}, environment: Record<string, string> = {}) {
    const file = plane!.space.write(
      'kubeconfigs/tried',
      JSON.stringify({
        clusters: [
          { name: 'c', cluster: { server: plane!.url, 'certificate-authority': '../pki/ca.crt', ...cluster } },
        ],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      }),
    );
    const resolved = resolveContext(await readKubeconfig({ paths: [file], source: 'setting' }), 'x');
    const connected = createClientNodeCluster({
      ...resolved,
      context: { id: 'kubeconfig:x', name: 'x', kind: 'kubeconfig' },
      environment,
    });
    cleanUps.push(() => connected.dispose());
    return connected;
  }
  const ask = async (...how: Parameters<typeof connectWith>) =>
    (await (await connectWith(...how)).list(resourceTypes.namespaces)).items.length;
  const refusal = async (...how: Parameters<typeof connectWith>) =>
    (await failureOf((await connectWith(...how)).list(resourceTypes.namespaces))) as ClusterFailure;
  const token = () => ({ token: plane!.token });

  it('client certificates: as files, relative to the kubeconfig, and as data', async () => {
    expect(await ask({ 'client-certificate': '../pki/client.crt', 'client-key': '../pki/client.key' })).toBeGreaterThan(
      3,
    );
    const data = (name: string) => readFileSync(pki(name)).toString('base64');
    const inline = { 'client-certificate-data': data('client.crt'), 'client-key-data': data('client.key') };
    expect(await ask(inline)).toBeGreaterThan(3);
  });

  it('tokens: in the file, and in a file of their own that is read again after it was renewed', async () => {
    expect(await ask(token())).toBeGreaterThan(3);
    const tokenFile = plane!.space.write('kubeconfigs/token', 'expired');
    const cluster = await connectWith({ tokenFile: 'token', token: 'also wrong' });
    expect(((await failureOf(cluster.list(resourceTypes.namespaces))) as ClusterFailure).status).toBe(401);
    plane!.space.write('kubeconfigs/token', `${plane!.token}\n`);
    expect((await cluster.list(resourceTypes.namespaces)).items.length).toBeGreaterThan(3);
    plane!.space.write('kubeconfigs/token', '');
    expect(((await failureOf(cluster.list(resourceTypes.namespaces))) as ClusterFailure).message).toContain(
      `the token file ${tokenFile} is empty`,
    );
  });

  it('a login program that gives a client certificate, through proxies too', async () => {
    const status = {
      clientCertificateData: readFileSync(pki('client.crt'), 'utf8'),
      clientKeyData: readFileSync(pki('client.key'), 'utf8'),
    };
    const credential = plane!.space.write(
      'kubeconfigs/credential.json',
      JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1beta1', status }),
    );
    const exec = { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'cat', args: [credential] };
    expect(await ask({ exec })).toBeGreaterThan(3);
    const proxy = await httpProxy();
    expect(await ask({ exec }, { 'proxy-url': proxy.url })).toBeGreaterThan(3);
    expect(proxy.asked).toEqual([new URL(plane!.url).host]);
  });

  it('impersonation of a user with groups, a uid and more, in the words that name who is meant', async () => {
    const failure = await refusal({
      ...token(),
      as: 'jane',
      'as-groups': ['devs'],
      'as-uid': '7',
      'as-user-extra': { 'example.org/Team': ['a', 'b'] },
    });
    expect(failure.message).toContain('user “jane” lacks the right to list namespaces');
    const allowed = { ...token(), as: 'jane', 'as-groups': ['system:masters'] };
    expect(await ask(allowed)).toBeGreaterThan(3);
  });

  it('an authority among several in one file, as file and as data; without it nothing is trusted', async () => {
    const other = pki('other.crt');
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=other',
        '-keyout',
        pki('other.key'),
        '-out',
        other,
      ],
      { stdio: 'ignore' },
    );
    const bundle = [other, pki('ca.crt')].map((file) => readFileSync(file, 'utf8')).join('\n');
    plane!.space.write('kubeconfigs/bundle.crt', bundle);
    expect(await ask(token(), { 'certificate-authority': 'bundle.crt' })).toBeGreaterThan(3);
    const data = {
      'certificate-authority': undefined,
      'certificate-authority-data': Buffer.from(bundle).toString('base64'),
    };
    expect(await ask(token(), data)).toBeGreaterThan(3);
    const wrong = await refusal(token(), { 'certificate-authority': '../pki/other.crt' });
    expect(wrong.message).toContain('is not signed by a known authority');
    expect(
      await ask(token(), { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true }),
    ).toBeGreaterThan(3);
  });

  it('tls-server-name: the name that the certificate must have', async () => {
    expect(await ask(token(), { 'tls-server-name': 'kubernetes.default.svc' })).toBeGreaterThan(3);
    const wrong = await refusal(token(), { 'tls-server-name': 'elsewhere.example' });
    expect(wrong.message).toContain('is for other names');
    const proxy = await httpProxy();
    expect(await ask(token(), { 'tls-server-name': 'localhost', 'proxy-url': proxy.url })).toBeGreaterThan(3);
  });

  it('proxies: of the cluster, of the environment, not where NO_PROXY says so; with a password; SOCKS; and what is wrong with them', async () => {
    const { host, hostname } = new URL(plane!.url);
    const proxy = await httpProxy('jane:secret');
    const withPassword = proxy.url.replace('//', '//jane:secret@');
    expect(await ask(token(), { 'proxy-url': withPassword })).toBeGreaterThan(3);
    expect(await ask(token(), {}, { HTTPS_PROXY: withPassword })).toBeGreaterThan(3);
    expect(proxy.asked).toEqual([host, host]);
    expect(await ask(token(), {}, { HTTPS_PROXY: withPassword, NO_PROXY: `${hostname}/32` })).toBeGreaterThan(3);
    expect(proxy.asked).toHaveLength(2);
    const socks = await socksProxy();
    expect(await ask(token(), { 'proxy-url': socks.url })).toBeGreaterThan(3);
    expect(socks.asked()).toBe(1);

    const refused = await refusal(token(), { 'proxy-url': proxy.url.replace('//', '//jane:wrong@') });
    expect(refused.message).toContain(`through the proxy ${proxy.url}`);
    expect(refused.message).not.toContain('wrong');
    const dead = await refusal(token(), { 'proxy-url': 'http://127.0.0.1:1' });
    expect(dead.reason).toBe('unreachable');
    expect(dead.message).toContain('through the proxy http://127.0.0.1:1');
    const nonsense = await refusal(token(), { 'proxy-url': 'proxy.example:3128' });
    expect([nonsense.reason, nonsense.message]).toEqual([
      'kubeconfig',
      expect.stringContaining('“proxy.example:3128” is no http'),
    ]);
  });

  it('a watch and its cut go through a proxy as well', async () => {
    const proxy = await httpProxy();
    const cluster = await connectWith(token(), { 'proxy-url': proxy.url });
    const { resourceVersion } = await cluster.list(resourceTypes.namespaces);
    const stop = new AbortController();
    const opened = new Promise<void>((resolve) => {
      const options = { resourceVersion, signal: stop.signal, onEvent: () => undefined, onOpen: resolve };
      cleanUps.push(() => stop.abort());
      void cluster.watch(resourceTypes.namespaces, options).catch(() => undefined);
    });
    await opened;
  });

  it('one that works among ninety-nine dead ones: found at once, and nobody else is asked', async () => {
    const names = Array.from({ length: 100 }, (_, at) => `c${at}`);
    const file = plane!.space.write(
      'kubeconfigs/hundred',
      JSON.stringify({
        clusters: names.map((name) => ({
          name,
          cluster:
            name === 'c77'
              ? { server: plane!.url, 'certificate-authority': '../pki/ca.crt' }
              : { server: 'https://10.255.255.1:6443' },
        })),
        users: [
          { name: 'u', user: token() },
          { name: 'dead', user: { exec: { command: '/no/such/program' } } },
        ],
        contexts: names.map((name) => ({ name, context: { cluster: name, user: name === 'c77' ? 'u' : 'dead' } })),
      }),
    );
    const begin = performance.now();
    const config = await readKubeconfig({ paths: [file], source: 'setting' });
    expect([config.contexts.length, config.problems]).toEqual([100, []]);
    const { cluster, user } = resolveContext(config, 'c77');
    const connected = createClientNodeCluster({
      context: { id: 'x', name: 'c77', kind: 'kubeconfig' },
      cluster,
      ...(user && { user }),
      environment: {},
    });
    cleanUps.push(() => connected.dispose());
    expect((await connected.list(resourceTypes.namespaces)).items.length).toBeGreaterThan(3);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});

/** @param login that it asks for. */
async function httpProxy(login?: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createHttpServer();
  server.on('connect', (request, socket: Socket) => {
    const shown = request.headers['proxy-authorization'];
    if (login && shown !== `Basic ${Buffer.from(login).toString('base64')}`)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    asked.push(request.url ?? '');
    const { hostname, port } = new URL(`http://${request.url}`);
    const through = connectTcp(Number(port), hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    join(socket, through);
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, asked };
}

/** SOCKS5 without a login: greeting, one request, then bytes. */
async function socksProxy(): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createTcpServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (request) => {
        asked += 1;
        const isName = request[3] === 3;
        const length = isName ? request[4]! : 4;
        const start = isName ? 5 : 4;
        const address = request.subarray(start, start + length);
        const host = isName ? address.toString() : [...address].join('.');
        const through = connectTcp(request.readUInt16BE(start + length), host, () =>
          socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
        );
        join(socket, through);
      });
    });
  });
  return { url: `socks5://127.0.0.1:${await listen(server)}`, asked: () => asked };
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const)
    socket.on('error', () => peer.destroy());
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
