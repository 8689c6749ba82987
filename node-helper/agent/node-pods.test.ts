import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { fakeHost } from '../fake-host.ts';
import { readFileSync } from 'node:fs';
import type { Host } from '../host.ts';
import { apiServer, findApiServer } from './api-server.ts';
import { type ApiState, type NodePods, nodePods } from './node-pods.ts';
import { json, makeCertificates, meshPod, TestApiServer } from './test-api-server.ts';
import type { WatchPace } from './watch-pods.ts';

const certificates = makeCertificates();
if (!certificates) console.log('node-pods: over plain HTTP only, because openssl is not there');

const quick: Partial<WatchPace> = { answer: 500, watch: 60_000, silence: 60_000, firstPause: 10, longestPause: 50 };

let server: TestApiServer;
let pods: NodePods | undefined;
const states: ApiState[] = [];
const tokenFile = certificates && join(certificates.directory, 'token');

/** Only files of the test's own are real. */
const host: Host = {
  ...fakeHost({ files: {} }),
  read: (path) => readFileSync(path, 'utf8'),
  now: () => performance.now(),
};

async function start(pace: Partial<WatchPace> = {}, make = () => new TestApiServer(certificates)): Promise<void> {
  server = await make().listen();
  follow(pace);
}

function follow(pace: Partial<WatchPace> = {}): NodePods {
  const account = certificates ? { caFile: certificates.caFile, tokenFile: tokenFile! } : {};
  const api = apiServer(host, { url: new URL(server.url), ...account });
  states.length = 0;
  pods = nodePods({ api, node: 'n1', pace: { ...quick, ...pace }, onState: (state) => states.push(state) });
  return pods;
}

async function until(condition: () => boolean, what = 'it'): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not happen`);
}

const names = () => (pods?.list() ?? []).map(({ metadata }) => metadata?.name).sort();
const of = (pattern: RegExp) => server.requests.filter((request) => pattern.test(request));

beforeAll(() => {
  if (tokenFile) writeFileSync(tokenFile, 'first\n');
});
afterEach(async () => {
  pods?.close();
  await server.close();
});
afterAll(() => {
  if (certificates) rmSync(certificates.directory, { recursive: true, force: true });
});

describe('the pods of this node', () => {
  it('are listed page by page and followed from there', async () => {
    server = await new TestApiServer(certificates).listen();
    for (let i = 0; i < 120; i++) server.put(meshPod(`p${i}`, `u${i}`));
    follow();
    await until(() => server.watching === 1 && names().length === 120);
    expect(of(/limit=50/)).toHaveLength(3);
    expect(server.requests.every((request) => request.includes('fieldSelector=spec.nodeName%3Dn1'))).toBe(true);
    server.put(meshPod('late', 'u-late'));
    server.remove('shop', 'p7');
    await until(() => names().includes('late') && !names().includes('p7'));
    expect(states).toEqual([{ connected: true }]);
  });

  it('are kept small: only what decides', async () => {
    await start();
    server.put(meshPod('reviews', 'u1'));
    await until(() => names().includes('reviews'));
    const text = JSON.stringify(pods!.list());
    for (const kept of ['istio-proxy', 'ISTIO_META_DNS_CAPTURE', 'sidecar.istio.io/status', 'ReplicaSet'])
      expect(text).toContain(kept);
    for (const gone of ['managedFields', 'SECRET', 'hidden', 'kubectl.kubernetes.io', '"app":"reviews"'])
      expect(text).not.toContain(gone);
  });

  it('go on behind the last bookmark when the connection is cut', async () => {
    await start();
    server.put(meshPod('a', 'u1'));
    await until(() => names().length === 1 && server.watching === 1);
    server.bookmark();
    await until(() => true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.cut();
    await until(() => of(/watch=1/).length === 2);
    expect(of(/watch=1/)[1]).toContain('resourceVersion=3&');
    server.put(meshPod('b', 'u2'));
    await until(() => names().length === 2);
    expect(of(/limit=50/)).toHaveLength(1);
  });

  it('are listed anew, exactly, when the version is too old', async () => {
    await start();
    server.put(meshPod('a', 'u1'));
    await until(() => names().length === 1 && server.watching === 1);
    server.oldest = 100;
    server.cut();
    server.pods.clear();
    await until(() => of(/limit=50/).length >= 2);
    expect(of(/limit=50/)[0]).toContain('resourceVersion=0');
    expect(of(/limit=50/)[1]).not.toContain('resourceVersion');
    server.oldest = 0;
    await until(() => names().length === 0 && server.watching === 1);
  });

  for (const status of [401, 403, 429, 500, 503]) {
    it(`are asked for again after an answer ${status}, not in a hurry`, async () => {
      await start({}, () => {
        const made = new TestApiServer(certificates);
        made.faults = [(_, response) => (json(response, status, { message: 'not now' }), true)];
        return made;
      });
      await until(() => states.length > 0);
      expect(states[0]).toMatchObject({ connected: false });
      expect(states[0]!.why).toContain(String(status));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(server.requests.length).toBeLessThan(25);
      server.faults = [];
      await until(() => pods!.state().connected);
    });
  }

  it('wait as long as the server asks for', async () => {
    await start({}, () => {
      const made = new TestApiServer(certificates);
      made.faults = [(_, response) => (json(response, 429, {}, { 'Retry-After': '1' }), true)];
      return made;
    });
    await until(() => states.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(server.requests).toHaveLength(1);
  });

  it('outlast a server that accepts and says nothing', async () => {
    await start({ answer: 100 }, () => {
      const made = new TestApiServer(certificates);
      made.faults = [() => true];
      return made;
    });
    await until(() => server.requests.length >= 2);
    expect(pods!.state().why).toContain('no answer within 0.1 s');
    server.faults = [];
    await until(() => pods!.state().connected);
  });

  it('outlast a watch that falls silent', async () => {
    await start({ silence: 150 });
    await until(() => of(/watch=1/).length >= 3);
    expect(of(/limit=50/)).toHaveLength(1);
    expect(pods!.state().connected).toBe(true);
  });

  it('outlast a watch that sends garbage, half a line, or an error', async () => {
    await start();
    await until(() => server.watching === 1);
    server.send('<html>proxy error</html>\n');
    await until(() => of(/watch=1/).length >= 2 && server.watching === 1);
    server.send('{"type":"ADDED","obj');
    server.cut();
    await until(() => of(/watch=1/).length >= 3 && server.watching === 1);
    server.send('{"type":"ERROR","object":{"code":500,"message":"etcd is away"}}\n');
    await until(() => of(/watch=1/).length >= 4 && server.watching === 1);
    server.put(meshPod('a', 'u1'));
    await until(() => names().length === 1);
  });

  it('outlast a server that ends each watch at once, without a storm', async () => {
    await start({}, () => {
      const made = new TestApiServer(certificates);
      made.faults = [(request, response) => !!request.url?.includes('watch=1') && (response.end(), true)];
      return made;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(of(/watch=1/).length).toBeGreaterThan(2);
    expect(of(/watch=1/).length).toBeLessThan(40);
  });

  it('are found while the server is not there yet, and after it moved away for a while', async () => {
    await start();
    await until(() => pods!.state().connected);
    const port = Number(new URL(server.url).port);
    await server.close();
    await until(() => !pods!.state().connected);
    server = await new TestApiServer(certificates).listen(port);
    server.put(meshPod('new', 'u9'));
    server.oldest = 2;
    await until(() => names().includes('new'));
  });

  it.skipIf(!tokenFile)('are asked for with the token of the moment', async () => {
    writeFileSync(tokenFile!, 'first\n');
    await start();
    await until(() => server.watching === 1);
    expect(new Set(server.tokens)).toEqual(new Set(['Bearer first']));
    writeFileSync(tokenFile!, 'second\n');
    server.cut();
    await until(() => server.tokens.includes('Bearer second'));
  });

  it.skipIf(!certificates)('are not asked of somebody whom the CA does not know', async () => {
    const others = makeCertificates()!;
    server = await new TestApiServer(others).listen();
    follow();
    await until(() => states.length > 0);
    expect(states[0]!.connected).toBe(false);
    expect(server.requests).toEqual([]);
    rmSync(others.directory, { recursive: true });
  });
});

describe('one pod', () => {
  const ids = { namespace: 'shop', name: 'reviews', uid: 'u1' };

  it('that is not known yet is asked for once, however many want it', async () => {
    await start({}, () => {
      const made = new TestApiServer(certificates);
      made.pods.set('shop/reviews', meshPod('reviews', 'u1'));
      made.faults = [
        (request, response) => !/pods\/reviews/.test(request.url ?? '') && (json(response, 503, {}), true),
      ];
      return made;
    });
    const found = await Promise.all([pods!.find(ids), pods!.find(ids), pods!.find(ids)]);
    expect(found.map((known) => known?.pod.metadata?.uid)).toEqual(['u1', 'u1', 'u1']);
    expect(of(/pods\/reviews$/)).toHaveLength(1);
  });

  it('of the same name but another UID is not the one that was asked for', async () => {
    await start();
    server.put(meshPod('reviews', 'old'));
    await until(() => names().length === 1);
    expect(await pods!.find(ids)).toBeUndefined();
    server.put(meshPod('reviews', 'u1'));
    expect((await pods!.find(ids))?.pod.metadata?.uid).toBe('u1');
  });

  it('is given up after two seconds', async () => {
    await start({}, () => {
      const made = new TestApiServer(certificates);
      made.faults = [() => true];
      return made;
    });
    const begun = performance.now();
    expect(await pods!.find(ids)).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(2_500);
  });

  it('with a name that leads elsewhere is not asked for', async () => {
    await start();
    expect(await pods!.find({ namespace: '..', name: 'secrets', uid: '' })).toBeUndefined();
    expect(of(/secrets/)).toEqual([]);
  });

  it('is deleted only if it is still that one', async () => {
    await start();
    server.put(meshPod('reviews', 'u2'));
    await expect(pods!.delete(ids)).rejects.toMatchObject({ status: 409 });
    await pods!.delete({ ...ids, uid: 'u2' });
    expect(server.pods.size).toBe(0);
  });
});

describe('the API server’s place', () => {
  it('is where the kubelet says, in brackets if need be, or where we are told', async () => {
    server = await new TestApiServer().listen();
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    expect(findApiServer(undefined, env)?.url.href).toBe('https://[fd00::1]:6443/');
    expect(findApiServer('http://127.0.0.1:8001', env)?.url.href).toBe('http://127.0.0.1:8001/');
    expect(findApiServer('none', env)).toBeUndefined();
    expect(findApiServer(undefined, {})).toBeUndefined();
  });
});
