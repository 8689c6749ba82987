import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Pod } from '../../mesh/kubernetes.ts';
import { createClientNodeCluster } from './client-node-cluster.ts';
import { ClusterFailure, resourceTypes, type Cluster, type WatchEvent } from './cluster.ts';
import type { KubeconfigUser } from './kubeconfig.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function clusterAt(server: string, user: Partial<KubeconfigUser> = {}, environment = {}): Cluster {
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:kind-mesh', name: 'kind-mesh', kind: 'kubeconfig' },
    cluster: { name: 'kind', server, skipTLSVerify: false },
    user: { name: 'jane', impersonateGroups: [], ...user },
    environment,
  });
  cleanUps.push(() => cluster.dispose());
  return cluster;
}

async function clusterThatAnswers(handler: Handler, user?: Partial<KubeconfigUser>): Promise<Cluster> {
  return clusterAt(`http://127.0.0.1:${await listen(createServer(handler))}`, user);
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const status = (code: number, reason: string, message: string, details = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details,
});

async function failureOf(promise: Promise<unknown>): Promise<ClusterFailure> {
  const error = await promise.then(
    () => expect.fail('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ClusterFailure);
  return error as ClusterFailure;
}

describe('a failure of the API server', () => {
  const cases: [string, number, unknown, string, RegExp, RegExp][] = [
    [
      '401',
      401,
      status(401, 'Unauthorized', 'Unauthorized'),
      'unauthorized',
      /does not accept the credentials/,
      /Log in/,
    ],
    [
      '403 of RBAC',
      403,
      status(
        403,
        'Forbidden',
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "bookinfo"',
      ),
      'forbidden',
      /user “jane” lacks the right to list pods/,
      /verb “list” on “pods” in namespace “bookinfo”/,
    ],
    ['403 without words', 403, '', 'forbidden', /you lack the right to list pods/, /verb “list” on “pods”/],
    [
      '403 of the anonymous',
      403,
      status(403, 'Forbidden', 'pods is forbidden: User "system:anonymous" cannot list resource "pods"'),
      'unauthorized',
      /anonymous/,
      /Log in/,
    ],
    ['404 of a kind', 404, '404 page not found', 'not-found', /does not know pods/, /version of the cluster/],
    [
      '409',
      409,
      status(409, 'Conflict', 'Apply failed with 1 conflict: conflict with "helm"'),
      'conflict',
      /conflict with "helm"/,
      /who owns it/,
    ],
    ['410', 410, status(410, 'Expired', 'too old resource version'), 'gone', /too old/, /Refresh/],
    ['422', 422, status(422, 'Invalid', 'spec.x: Required value'), 'invalid', /spec\.x: Required value/, /Correct/],
    [
      '429',
      429,
      status(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 30 }),
      'too-many-requests',
      /overloaded/,
      /Wait 30 s/,
    ],
    [
      '500',
      500,
      status(500, 'InternalError', 'etcdserver: no leader'),
      'server-error',
      /\(500\): etcdserver: no leader\./,
      /log/,
    ],
    ['503 of a proxy', 503, '<html>\nUnavailable</html>', 'server-error', /\(503\)/, /Try again/],
    ['a redirect to a login page', 302, '', 'unexpected', /302/, /login page/],
    [
      'HTML instead of JSON',
      200,
      '<!doctype html><title>Log in</title>',
      'unexpected',
      /not JSON, or cut off: “<!doctype html>/,
      /login page/,
    ],
    ['an answer that is cut off', 200, '{"items":[{"metadata":', 'unexpected', /cut off/, /URL/],
    ['an empty answer', 200, '', 'unexpected', /empty/, /URL/],
    ['items that are no list', 200, '{"items":{}}', 'unexpected', /not a list/, /URL/],
  ];
  it.each(cases)('says what, why and what next: %s', async (_title, code, body, reason, why, next) => {
    const cluster = await clusterThatAnswers((_request, response) => json(response, code, body));
    const failure = await failureOf(cluster.list(resourceTypes.pods, { namespace: 'bookinfo' }));
    expect(failure.reason).toBe(reason);
    expect(failure.message).toMatch(/^Could not list pods in namespace “bookinfo” of context “kind-mesh”: /);
    expect(failure.message).toMatch(why);
    expect(failure.next).toMatch(next);
    if (code !== 200) expect(failure.status).toBe(code);
  });

  it('tells a refusal of admission from a missing right', async () => {
    const said = 'pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)';
    const cluster = await clusterThatAnswers((_request, response) =>
      json(response, 403, status(403, 'Forbidden', said)),
    );
    const failure = await failureOf(
      cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', namespace: 'shop' } }),
    );
    expect(failure.message).toBe(
      `Could not apply pods “x” in namespace “shop” of context “kind-mesh”: the cluster’s admission control refuses it (403): ${said}.`,
    );
  });

  it('names a refused connection', async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    const failure = await failureOf(clusterAt(`http://127.0.0.1:${port}`).list(resourceTypes.nodes));
    expect(failure.reason).toBe('unreachable');
    expect(failure.message).toBe(
      `Could not list nodes in context “kind-mesh”: the API server http://127.0.0.1:${port} refused the connection.`,
    );
    expect(failure.next).toBe('Start the cluster or choose another one.');
    expect(failure.cause).toBeInstanceOf(Error);
  });

  it('names an unknown host', async () => {
    const failure = await failureOf(clusterAt('https://no-such-host.invalid').get(resourceTypes.nodes, 'n1'));
    expect(failure.message).toContain('the host name “no-such-host.invalid” is unknown.');
  });

  it('names a connection that breaks in the middle', async () => {
    const cluster = await clusterThatAnswers((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"items":[');
      setTimeout(() => response.destroy(), 20);
    });
    const failure = await failureOf(cluster.list(resourceTypes.pods));
    expect(failure.reason).toBe('unreachable');
    expect(failure.message).toContain('broke');
  });

  it('names http spoken to a TLS port, and TLS spoken to an http port', async () => {
    const port = await listen(createServer((_request, response) => json(response, 200, {})));
    const failure = await failureOf(clusterAt(`https://127.0.0.1:${port}`).list(resourceTypes.pods));
    expect(failure.reason).toBe('unreachable');
    expect(failure.message).toContain('does not speak the protocol of its URL');
  });
});

describe('TLS', () => {
  function selfSigned(): { key: Buffer; cert: Buffer; file: string } {
    const directory = mkdtempSync(join(tmpdir(), 'meshloom-tls-'));
    cleanUps.push(() => rmSync(directory, { recursive: true }));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
  }

  it('refuses an unknown authority and takes the one that the kubeconfig names, over one connection', async () => {
    const { key, cert } = selfSigned();
    let connections = 0;
    const server = createTlsServer({ key, cert }, (_request, response) =>
      json(response, 200, { items: [], metadata: { resourceVersion: '7' } }),
    );
    server.on('secureConnection', () => connections++);
    const port = await listen(server as unknown as Server);
    const failure = await failureOf(clusterAt(`https://localhost:${port}`).list(resourceTypes.pods));
    expect(failure.message).toContain('is not signed by a known authority (DEPTH_ZERO_SELF_SIGNED_CERT)');
    expect(failure.next).toContain('certificate-authority');

    connections = 0;
    const trusted = createClientNodeCluster({
      context: { id: 'kubeconfig:tls', name: 'tls', kind: 'kubeconfig' },
      cluster: {
        name: 'tls',
        server: `https://localhost:${port}`,
        skipTLSVerify: false,
        caData: cert.toString('base64'),
      },
      environment: {},
    });
    cleanUps.push(() => trusted.dispose());
    for (let i = 0; i < 3; i++)
      expect(await trusted.list(resourceTypes.pods)).toEqual({ items: [], resourceVersion: '7' });
    expect(connections).toBe(1);

    const byAddress = createClientNodeCluster({
      context: { id: 'kubeconfig:tls', name: 'tls', kind: 'kubeconfig' },
      cluster: {
        name: 'tls',
        server: `https://127.0.0.1:${port}`,
        skipTLSVerify: false,
        caData: cert.toString('base64'),
      },
      environment: {},
    });
    cleanUps.push(() => byAddress.dispose());
    expect((await failureOf(byAddress.list(resourceTypes.pods))).message).toContain('is for other names');
  });

  it('shows the client certificate that the kubeconfig holds, and skips the check when it is told to', async () => {
    const { key, cert } = selfSigned();
    let shown: string | undefined;
    const server = createTlsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      shown = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
      json(response, 200, { items: [] });
    });
    const port = await listen(server as unknown as Server);
    const cluster = createClientNodeCluster({
      context: { id: 'kubeconfig:tls', name: 'tls', kind: 'kubeconfig' },
      cluster: { name: 'tls', server: `https://127.0.0.1:${port}`, skipTLSVerify: true },
      user: { name: 'u', impersonateGroups: [], certData: cert.toString('base64'), keyData: key.toString('base64') },
      environment: {},
    });
    cleanUps.push(() => cluster.dispose());
    await cluster.list(resourceTypes.pods);
    expect(shown).toBe('localhost');
    const upgrade = new Promise<string>((resolve) => {
      server.on('upgrade', (request, socket) => {
        resolve(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
        socket.destroy();
      });
    });
    const exec = failureOf(cluster.exec({ namespace: 'a', name: 'b', container: 'c' }, ['true']));
    expect(await upgrade).toBe('localhost');
    expect((await exec).reason).toBe('unreachable');
  });

  it('names a certificate file that is not there', async () => {
    const failure = await failureOf(
      clusterAt('https://127.0.0.1:1', { certFile: '/no/such.crt' }).list(resourceTypes.pods),
    );
    expect(failure.reason).toBe('kubeconfig');
    expect(failure.message).toContain('the file /no/such.crt, which the kubeconfig names, cannot be read (ENOENT)');
  });
});

describe('a server that never answers', () => {
  it('is given up at the deadline', async () => {
    const cluster = await clusterThatAnswers(() => undefined);
    const begin = performance.now();
    const failure = await failureOf(cluster.list(resourceTypes.pods, { timeoutMs: 200 }));
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(failure.reason).toBe('timeout');
    expect(failure.message).toContain('did not answer within 0.2 s.');
  });

  it('is given up at the deadline also when it stops in the middle of its answer', async () => {
    const cluster = await clusterThatAnswers((_request, response) => response.write('{"items":['));
    expect((await failureOf(cluster.list(resourceTypes.pods, { timeoutMs: 200 }))).reason).toBe('timeout');
  });

  it('is left at once when the user cancels, and the connection is closed', async () => {
    const cancel = new AbortController();
    let closed = false;
    const cluster = await clusterThatAnswers((request) => {
      request.socket.on('close', () => (closed = true));
      cancel.abort();
    });
    const failure = await failureOf(cluster.list(resourceTypes.pods, { signal: cancel.signal }));
    expect(failure.reason).toBe('cancelled');
    await expect.poll(() => closed).toBe(true);
    expect((await failureOf(cluster.list(resourceTypes.pods, { signal: cancel.signal }))).reason).toBe('cancelled');
  });

  it('is given up at the deadline by exec, too', async () => {
    const server = createServer();
    server.on('upgrade', () => undefined);
    const cluster = clusterAt(`http://127.0.0.1:${await listen(server)}`);
    const failure = await failureOf(
      cluster.exec({ namespace: 'a', name: 'b', container: 'c' }, ['true'], { timeoutMs: 200 }),
    );
    expect(failure.reason).toBe('timeout');
  });
});

describe('list', () => {
  const pods = Array.from({ length: 1234 }, (_, index) => ({ metadata: { name: `p${index}` } }));

  it('reads all pages and gives each object its kind', async () => {
    const asked: string[] = [];
    const cluster = await clusterThatAnswers((request, response) => {
      asked.push(request.url!);
      const query = new URL(request.url!, 'http://x').searchParams;
      const [limit, from] = [Number(query.get('limit')), Number(query.get('continue') ?? 0)];
      const next = from + limit < pods.length ? String(from + limit) : '';
      json(response, 200, {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '42', continue: next },
        items: pods.slice(from, from + limit),
      });
    });
    const { items, resourceVersion } = await cluster.list<Pod>(resourceTypes.pods, {
      namespace: 'shop',
      labelSelector: 'app=a',
    });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(pods.map(({ metadata }) => metadata.name));
    expect(items[0]).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p0' } });
    expect(resourceVersion).toBe('42');
    expect(asked).toEqual(
      ['', ...Array.from({ length: 12 }, (_, at) => `&continue=${(at + 1) * 100}`)].map(
        (more) => `/api/v1/namespaces/shop/pods?limit=100&labelSelector=app%3Da${more}`,
      ),
    );
  });

  it('starts again when the pages expire under its hands', async () => {
    let expired = false;
    const cluster = await clusterThatAnswers((request, response) => {
      if (!request.url!.includes('continue')) return json(response, 200, { items: [{}], metadata: { continue: 'x' } });
      if (expired) return json(response, 200, { items: [{}], metadata: {} });
      expired = true;
      json(response, 410, status(410, 'Expired', 'The provided continue parameter is too old'));
    });
    expect((await cluster.list(resourceTypes.pods)).items).toHaveLength(2);
  });

  it('waits as an overloaded server asks and tries again', async () => {
    let asked = 0;
    const cluster = await clusterThatAnswers((_request, response) =>
      asked++ === 0
        ? json(response, 429, status(429, 'TooManyRequests', 'wait'), { 'retry-after': '0' })
        : json(response, 200, { items: [] }),
    );
    expect((await cluster.list(resourceTypes.pods)).items).toEqual([]);
    expect(asked).toBe(2);
  });
});

it.each([
  [
    'a Status with 200',
    status(403, 'Forbidden', 'pods is forbidden: User "j" cannot list resource "pods"'),
    'forbidden',
  ],
  ['an object', { kind: 'Pod', metadata: { name: 'a' } }, 'unexpected'],
  ['a list without a list', { kind: 'PodList', items: { a: 1 } }, 'unexpected'],
  ['nothing', {}, 'unexpected'],
])('takes %s for no empty list', async (_what, said, reason) => {
  const cluster = await clusterThatAnswers((_request, response) => json(response, 200, said));
  expect((await failureOf(cluster.list(resourceTypes.pods))).reason).toBe(reason);
});

it('takes a list of nothing, as servers in Go write it, for an empty one', async () => {
  const cluster = await clusterThatAnswers((_request, response) =>
    json(response, 200, { kind: 'PodList', items: null }),
  );
  expect((await cluster.list(resourceTypes.pods)).items).toEqual([]);
});

it('does not carry its credentials on to where it is sent, and says where that is', async () => {
  const cluster = await clusterThatAnswers((_request, response) =>
    response.writeHead(302, { location: 'https://login.example/?next=/api' }).end(),
  );
  const { reason, message } = await failureOf(cluster.list(resourceTypes.pods));
  expect(reason).toBe('unexpected');
  expect(message).toContain('it sends us on to https://login.example/?next=/api (302).');
});

it('shows no credentials where nothing is encrypted, but on this machine itself', async () => {
  const shown: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    shown.push(request.headers.authorization);
    json(response, 200, { items: [] });
  });
  // As a proxy it leads every name to itself.
  server.on('connect', (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    server.emit('connection', socket);
  });
  const port = await listen(server);
  const secret = [{ token: 't' }, { username: 'jane', password: 'p' }];
  const environment = { http_proxy: `http://127.0.0.1:${port}` };
  for (const user of secret) await clusterAt('http://mesh.example', user, environment).list(resourceTypes.pods);
  expect(shown).toEqual([undefined, undefined]);
  await clusterAt(`http://127.0.0.1:${port}`, secret[0]).list(resourceTypes.pods);
  expect(shown[2]).toBe('Bearer t');
});

it('asks the API server what the user may do', async () => {
  const asked: { method?: string; url?: string; body: string }[] = [];
  const cluster = await clusterThatAnswers((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push({ method: request.method!, url: request.url!, body });
      json(response, 201, { kind: 'SelfSubjectAccessReview', status: { allowed: body.includes('"shop"') } });
    });
  });
  expect(await cluster.mayList(resourceTypes.deployments, 'shop')).toBe(true);
  expect(await cluster.mayList(resourceTypes.pods, 'web')).toBe(false);
  expect(asked[0]).toMatchObject({ method: 'POST', url: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' });
  expect((JSON.parse(asked[0]!.body) as { spec: object }).spec).toEqual({
    resourceAttributes: { verb: 'list', group: 'apps', resource: 'deployments', namespace: 'shop' },
  });
});

it('takes a new connection when the server has closed the one that it kept', async () => {
  let requests = 0;
  const cluster = await clusterThatAnswers((request, response) => {
    // The second request on a connection finds it closed.
    if (++requests === 2) return request.socket.destroy();
    json(response, 200, { items: [] });
  });
  await cluster.list(resourceTypes.pods);
  expect((await cluster.list(resourceTypes.pods)).items).toEqual([]);
  expect(requests).toBe(3);
});

it('a login may take longer than a request, and can be cancelled', async () => {
  const script = `setTimeout(() => console.log(JSON.stringify({ status: { token: 't' } })), 600)`;
  const exec = { command: process.execPath, args: ['-e', script], env: [], provideClusterInfo: false };
  const slow = await clusterThatAnswers((_request, response) => json(response, 200, { items: [] }), { exec });
  expect((await slow.list(resourceTypes.pods, { timeoutMs: 300 })).items).toEqual([]);
  const other = await clusterThatAnswers((_request, response) => json(response, 200, { items: [] }), { exec });
  const begin = performance.now();
  const failure = await failureOf(other.list(resourceTypes.pods, { signal: AbortSignal.timeout(50) }));
  expect(failure.reason).toBe('cancelled');
  expect(performance.now() - begin).toBeLessThan(500);
});

it('takes packed answers, and says so when one is cut off', async () => {
  const packed = gzipSync(JSON.stringify({ items: [{ metadata: { name: 'größe' } }] }));
  const whole = await clusterThatAnswers((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(packed);
  });
  expect((await whole.list<Pod>(resourceTypes.pods)).items[0]?.metadata?.name).toBe('größe');
  const cut = await clusterThatAnswers((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(packed.subarray(0, 20));
  });
  expect((await failureOf(cut.list(resourceTypes.pods))).reason).toBe('unreachable');
});

it('a failure is recognised also when it comes from another bundle with its own copy of the class', () => {
  const foreign = Object.assign(new Error('x'), { name: 'ClusterFailure', reason: 'gone', next: '' });
  expect(foreign instanceof ClusterFailure).toBe(true);
  expect(new Error('x') instanceof ClusterFailure).toBe(false);
  expect({ name: 'ClusterFailure' } instanceof ClusterFailure).toBe(false);
  expect((undefined as unknown) instanceof ClusterFailure).toBe(false);
});

describe('get and delete', () => {
  it('answer that an object is not there, but not that its kind is unknown', async () => {
    const missing = await clusterThatAnswers((_request, response) =>
      json(response, 404, status(404, 'NotFound', 'pods "x" not found', { name: 'x' })),
    );
    expect(await missing.get(resourceTypes.pods, 'x', { namespace: 'shop' })).toBeUndefined();
    expect(await missing.delete(resourceTypes.pods, 'x', { namespace: 'shop' })).toBe(false);
    const unknown = await clusterThatAnswers((_request, response) => json(response, 404, '404 page not found'));
    expect((await failureOf(unknown.get(resourceTypes.pods, 'x', { namespace: 'shop' }))).reason).toBe('not-found');
  });
});

describe('apply', () => {
  it('is server-side, with our name and strict fields, and a dry run says so', async () => {
    const seen: string[] = [];
    const cluster = await clusterThatAnswers((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
      json(response, 200, { kind: 'ConfigMap' });
    });
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' } };
    await cluster.apply(object, { dryRun: true });
    await cluster.apply(
      { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd', namespace: 'n' } },
      { force: true },
    );
    expect(seen).toEqual([
      'PATCH /api/v1/namespaces/n/configmaps/c?fieldManager=meshloom&dryRun=All&fieldValidation=Strict application/apply-patch+yaml',
      'PATCH /apis/apps/v1/namespaces/n/daemonsets/d?fieldManager=meshloom&force=true&fieldValidation=Strict application/apply-patch+yaml',
    ]);
  });

  it('asks the server for the path of a kind that it does not know', async () => {
    const seen: string[] = [];
    const cluster = await clusterThatAnswers((request, response) => {
      seen.push(request.url!);
      json(
        response,
        200,
        request.method === 'GET' ? { resources: [{ name: 'sidecars', kind: 'Sidecar', namespaced: true }] } : {},
      );
    });
    await cluster.apply({
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata: { name: 's', namespace: 'n' },
    });
    expect(seen[0]).toBe('/apis/networking.istio.io/v1');
    expect(seen[1]).toContain('/apis/networking.istio.io/v1/namespaces/n/sidecars/s?');
    const failure = await failureOf(
      cluster.apply({ apiVersion: 'networking.istio.io/v1', kind: 'Sidecarr', metadata: { name: 's' } }),
    );
    expect(failure.message).toContain('has no kind Sidecarr');
  });
});

describe('watch', () => {
  const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

  async function watchAll(handler: Handler, signal = new AbortController().signal) {
    const cluster = await clusterThatAnswers(handler);
    const events: WatchEvent<Pod>[] = [];
    const done = cluster.watch<Pod>(resourceTypes.pods, {
      namespace: 'shop',
      resourceVersion: '5',
      signal,
      onEvent: (event) => events.push(event),
    });
    return { events, done };
  }

  it('hands over every event, also when they arrive in pieces, and ends when the server ends it', async () => {
    let url = '';
    const text =
      line('ADDED', { metadata: { name: 'größe' } }) +
      line('BOOKMARK', { metadata: { resourceVersion: '9' } }) +
      line('DELETED', { metadata: { name: 'b' } });
    const { events, done } = await watchAll((request, response) => {
      url = request.url!;
      const bytes = Buffer.from(text);
      const send = (from: number) =>
        from < bytes.length
          ? response.write(bytes.subarray(from, from + 7), () => setImmediate(send, from + 7))
          : response.end();
      send(0);
    });
    await done;
    expect(events).toEqual([
      { type: 'ADDED', object: { metadata: { name: 'größe' } } },
      { type: 'BOOKMARK', resourceVersion: '9' },
      { type: 'DELETED', object: { metadata: { name: 'b' } } },
    ]);
    expect(url).toMatch(/watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=\d+$/);
  });

  it('ends quietly when it is told to', async () => {
    const stop = new AbortController();
    const { events, done } = await watchAll((_request, response) => response.write(line('ADDED', {})), stop.signal);
    await expect.poll(() => events.length).toBe(1);
    stop.abort();
    await done;
  });

  it('says that the state is gone, told by status or by event', async () => {
    const gone = status(410, 'Expired', 'too old resource version: 5 (100)');
    const byStatus = await watchAll((_request, response) => json(response, 410, gone));
    expect((await failureOf(byStatus.done)).reason).toBe('gone');
    const byEvent = await watchAll((_request, response) => response.end(line('ERROR', gone)));
    expect((await failureOf(byEvent.done)).reason).toBe('gone');
  });

  it('says that the connection broke', async () => {
    const { done } = await watchAll((_request, response) => {
      response.write(line('ADDED', {}) + '{"type":"MOD');
      setTimeout(() => response.destroy(), 20);
    });
    expect((await failureOf(done)).reason).toBe('unreachable');
  });

  it('passes over what says nothing to it, and takes what comes in odd ways', async () => {
    const big = 'x'.repeat(5 * 1024 * 1024);
    const { events, done } = await watchAll((_request, response) =>
      response.end(
        '\n\r\n' +
          line('HELLO', { metadata: { name: 'of a version to come' } }) +
          line('ADDED', null) +
          line('ADDED', 'text') +
          line('BOOKMARK', {}) +
          line('ADDED', { metadata: { name: 'big', annotations: { big } } }) +
          JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'last' } } }),
      ),
    );
    await done;
    expect(events.map((event) => (event.type === 'BOOKMARK' ? event : event.object.metadata?.name))).toEqual([
      { type: 'BOOKMARK', resourceVersion: '' },
      'big',
      'last',
    ]);
  });

  it('reads what a proxy packed, line by line as it comes', async () => {
    let goOn: (() => void) | undefined;
    const { events, done } = await watchAll((request, response) => {
      expect(request.headers['accept-encoding']).toBe('identity');
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(line('ADDED', { metadata: { name: 'a' } }));
      gzip.flush();
      goOn = () => gzip.end(line('DELETED', { metadata: { name: 'a' } }));
    });
    await expect.poll(() => events.length, { timeout: 5_000, interval: 10 }).toBe(1);
    goOn?.();
    await done;
    expect(events).toHaveLength(2);
  });

  it.each([
    [500, 'server-error', { type: 'ERROR', object: { kind: 'Status', code: 500, message: 'etcdserver: no leader' } }],
    [504, 'gone', { type: 'ERROR', object: status(504, 'Timeout', 'Too large resource version: 9, current: 5') }],
    [403, 'forbidden', status(403, 'Forbidden', 'pods is forbidden')],
    [0, 'unexpected', { type: 'ADDED' as unknown, object: Number.NaN, toJSON: () => 5 }],
  ])('says what is wrong in the middle of it: %s is %s', async (_code, reason, said) => {
    const { done } = await watchAll((_request, response) => response.end(`${JSON.stringify(said)}\n`));
    expect((await failureOf(done)).reason).toBe(reason);
  });

  it('gives up a line that has no end, in little time', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const { done } = await watchAll((_request, response) => {
      let sent = 0;
      const send = () => {
        while (sent++ < 1_600) if (!response.write(chunk)) return void response.once('drain', send);
        response.end();
      };
      send();
    });
    const before = process.cpuUsage();
    expect((await failureOf(done)).message).toContain('larger than 16 MB');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2_000);
  });

  it('lets the reader’s own mistake through and closes the connection', async () => {
    let closed = false;
    const cluster = await clusterThatAnswers((request, response) => {
      request.socket.on('close', () => (closed = true));
      response.write(line('ADDED', {}));
    });
    const onEvent = () => {
      throw new RangeError('mine');
    };
    await expect(
      cluster.watch(resourceTypes.pods, { resourceVersion: '1', signal: new AbortController().signal, onEvent }),
    ).rejects.toThrow('mine');
    await expect.poll(() => closed).toBe(true);
  });
});

describe('exec', () => {
  async function execServer(protocol: string, serve: (socket: WebSocket, url: URL) => void): Promise<Cluster> {
    const server = createServer();
    const sockets = new WebSocketServer({
      server,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    sockets.on('connection', (socket, request) => serve(socket, new URL(request.url!, 'http://x')));
    cleanUps.push(() => sockets.close());
    return clusterAt(`http://127.0.0.1:${await listen(server)}`);
  }
  const frame = (channel: number, text: string) => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);
  const pod = { namespace: 'meshloom-system', name: 'helper-1', container: 'helper' };
  const success = JSON.stringify({ status: 'Success' });

  it('sends standard input, closes it, and collects both outputs and the exit code', async () => {
    let asked: URL | undefined;
    const cluster = await execServer('v5.channel.k8s.io', (socket, url) => {
      asked = url;
      const read: Buffer[] = [];
      socket.on('message', (data: Buffer) => {
        if (data[0] === 0) read.push(data.subarray(1));
        if (data[0] !== 255) return;
        const text = Buffer.concat(read).toString();
        socket.send(frame(1, `got ${text.length} `));
        socket.send(frame(2, 'a warning'));
        socket.send(frame(1, text.slice(-3)));
        socket.send(
          frame(
            3,
            JSON.stringify({
              status: 'Failure',
              reason: 'NonZeroExitCode',
              details: { causes: [{ reason: 'ExitCode', message: '3' }] },
            }),
          ),
        );
        socket.close();
      });
    });
    const stdin = `${'x'.repeat(100_000)}€`;
    expect(await cluster.exec(pod, ['node', 'x.js', 'a b&c'], { stdin })).toEqual({
      stdout: 'got 100001 xx€',
      stderr: 'a warning',
      exitCode: 3,
    });
    expect(asked?.pathname).toBe('/api/v1/namespaces/meshloom-system/pods/helper-1/exec');
    expect(asked?.searchParams.getAll('command')).toEqual(['node', 'x.js', 'a b&c']);
    expect(asked?.searchParams.get('stdin')).toBe('true');
  });

  it('works with a server that speaks v4 only', async () => {
    const cluster = await execServer('v4.channel.k8s.io', (socket) => {
      socket.on('message', (data: Buffer) => {
        expect(data[0]).toBe(0);
        socket.send(frame(1, data.subarray(1).toString()));
        socket.send(frame(3, success));
      });
    });
    expect(await cluster.exec(pod, ['cat'], { stdin: 'hello\n' })).toEqual({
      stdout: 'hello\n',
      stderr: '',
      exitCode: 0,
    });
  });

  it('leaves the exit code out when the connection ends without a status', async () => {
    const cluster = await execServer('v5.channel.k8s.io', (socket) => {
      socket.send(frame(1, 'half'));
      socket.close();
    });
    expect(await cluster.exec(pod, ['x'])).toEqual({ stdout: 'half', stderr: '' });
  });

  it('says why a command could not start', async () => {
    const cluster = await execServer('v5.channel.k8s.io', (socket) =>
      socket.send(
        frame(3, JSON.stringify(status(500, 'InternalError', 'exec: "node": executable file not found in $PATH'))),
      ),
    );
    const failure = await failureOf(cluster.exec(pod, ['node']));
    expect(failure.message).toContain('Could not run a command in pod “helper-1” in namespace “meshloom-system”');
    expect(failure.message).toContain('executable file not found');
  });

  it('names the missing right', async () => {
    const cluster = await clusterThatAnswers((_request, response) => json(response, 403, ''));
    const failure = await failureOf(cluster.exec(pod, ['x']));
    expect(failure.next).toContain('“get” and “create” on “pods/exec” in namespace “meshloom-system”');
  });

  it('is left at once when the user cancels', async () => {
    const cancel = new AbortController();
    let closed = false;
    const cluster = await execServer('v5.channel.k8s.io', (socket) => {
      socket.on('close', () => (closed = true));
      cancel.abort();
    });
    expect((await failureOf(cluster.exec(pod, ['sleep'], { signal: cancel.signal }))).reason).toBe('cancelled');
    await expect.poll(() => closed).toBe(true);
  });
});

describe('credentials', () => {
  async function headersWith(user: Partial<KubeconfigUser>): Promise<IncomingMessage['headers'] & { raw?: string[] }> {
    let headers: IncomingMessage['headers'] = {};
    const cluster = await clusterThatAnswers((request, response) => {
      headers = request.headers;
      json(response, 200, { items: [] });
    }, user);
    await cluster.list(resourceTypes.pods);
    return headers;
  }

  it('are a token, a token file, a password, and whom to impersonate', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'meshloom-token-')), 'token');
    writeFileSync(file, 'from-file\n');
    expect((await headersWith({ token: 'abc' })).authorization).toBe('Bearer abc');
    expect((await headersWith({ token: 'abc', tokenFile: file })).authorization).toBe('Bearer from-file');
    expect((await headersWith({ username: 'u', password: 'p' })).authorization).toBe(
      `Basic ${Buffer.from('u:p').toString('base64')}`,
    );
    const impersonated = await headersWith({
      impersonateUser: 'bob',
      impersonateUid: '7',
      impersonateGroups: ['a', 'b'],
    });
    expect([
      impersonated['impersonate-user'],
      impersonated['impersonate-uid'],
      impersonated['impersonate-group'],
    ]).toEqual(['bob', '7', 'a, b']);
  });

  const plugin = (script: string) => ({
    exec: {
      command: process.execPath,
      args: ['-e', script],
      env: [{ name: 'GREETING', value: 'hi' }],
      provideClusterInfo: true,
    },
  });

  it('of a plugin are asked for once, however many requests wait for them', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'meshloom-plugin-')), 'runs');
    const script = `
      require('node:fs').appendFileSync(${JSON.stringify(file)}, 'x');
      const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      const token = process.env.GREETING + ' ' + spec.interactive + ' ' + spec.cluster.server.slice(0, 7);
      setTimeout(() => console.log(JSON.stringify({ kind: 'ExecCredential', status: { token } })), 100);`;
    const seen = new Set<string | undefined>();
    const cluster = await clusterThatAnswers((request, response) => {
      seen.add(request.headers.authorization);
      json(response, 200, { items: [] });
    }, plugin(script));
    await Promise.all([1, 2, 3, 4].map(() => cluster.list(resourceTypes.pods)));
    expect([...seen]).toEqual(['Bearer hi false http://']);
    expect(readFileSync(file, 'utf8')).toBe('x');
  });

  it('of a plugin are asked for again after the server refused them', async () => {
    const script = `console.log(JSON.stringify({ status: { token: String(process.hrtime.bigint()) } }))`;
    const tokens = new Set<string | undefined>();
    const cluster = await clusterThatAnswers((request, response) => {
      tokens.add(request.headers.authorization);
      json(response, 401, '');
    }, plugin(script));
    for (let i = 0; i < 2; i++) expect((await failureOf(cluster.list(resourceTypes.pods))).reason).toBe('unauthorized');
    expect(tokens.size).toBe(2);
  });

  it('of a plugin that is missing, fails or says nothing are explained', async () => {
    const missing = await failureOf(
      clusterAt('http://127.0.0.1:1', {
        exec: { command: 'no-such-login', args: [], env: [], provideClusterInfo: false },
      }).list(resourceTypes.pods),
    );
    expect(missing.message).toMatch(
      /^Could not log in to context “kind-mesh”: the program “no-such-login”, with which user “.+” of the kubeconfig logs in, was not found on the PATH: \S/,
    );
    expect(missing.next).toMatch(/Install it .* Refresh/);
    const failing = await failureOf(
      clusterAt('http://127.0.0.1:1', plugin(`console.error('session expired'); process.exit(4)`)).list(
        resourceTypes.pods,
      ),
    );
    expect(failing.message).toContain('ended with code 4: session expired');
    const silent = await failureOf(clusterAt('http://127.0.0.1:1', plugin('')).list(resourceTypes.pods));
    expect(silent.message).toContain('printed no credential');
  });

  it('go through the proxy that the environment names', async () => {
    let seen = '';
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      seen = request.url!;
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    const port = await listen(proxy);
    await failureOf(
      clusterAt('https://cluster.example', {}, { HTTPS_PROXY: `http://127.0.0.1:${port}` }).list(resourceTypes.pods),
    );
    expect(seen).toBe('cluster.example:443');
  });
});
