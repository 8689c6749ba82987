/** What the connected cluster holds, on its way under the files: over real HTTP from the demo cluster's API, into the real analysis. */
import { afterEach, expect, test } from 'vitest';
import { parseClusterChange, parseClusterSnapshot } from '../contract/cluster-layer.ts';
import type { ClusterChange, ClusterSnapshot } from '../contract/cluster-layer.ts';
import { createClientNodeCluster } from '../extension/cluster/client-node-cluster.ts';
import { systemClock } from '../extension/cluster/follow.ts';
import type { Fault } from '../extension/demo/faults.ts';
import { eventually, startTestServer } from '../extension/demo/testing.ts';
import { LiveLayer } from '../extension/live-layer/live-layer.ts';
import type { LayerUse } from '../extension/live-layer/live-layer.ts';
import { TreeStore } from '../extension/trees/store/tree-store.ts';
import { Names } from '../language/features/completion/names.ts';
import { Workspace } from '../language/index.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const front = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [front.example.com]
  http: [{ route: [{ destination: { host: checkout } }] }]
`;

async function open({ faults = [] as Fault[], use = 'analysis' as LayerUse } = {}) {
  const server = await startTestServer('with-cni', { faults });
  cleanUps.push(() => server.close());
  const cluster = createClientNodeCluster({
    context: { id: 'kubeconfig:kind-mesh', name: 'kind-mesh', kind: 'kubeconfig', namespace: 'shop' },
    cluster: { name: 'kind-mesh', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(() => cluster.dispose());
  let connects = 0;
  let now = 0;
  const store = new TreeStore({ connect: () => Promise.resolve(((connects += 1), cluster)), coalesceMs: 20 });
  cleanUps.push(() => store.dispose());
  const workspace = new Workspace();
  workspace.setFile('front.yaml', front);
  const told: (ClusterSnapshot | ClusterChange | undefined)[] = [];
  const seen: (number | undefined)[] = [];
  const layer = new LiveLayer({
    store,
    useOf: () => use,
    onDidChange: () => seen.push(layer.state?.asOf),
    clock: { ...systemClock, now: () => Date.now() + now },
    receiver: {
      // As it arrives in another process.
      snapshot: (snapshot) => {
        told.push(snapshot);
        const received = parseClusterSnapshot(overTheWire(snapshot ?? null));
        if (received?.namesOnly) workspace.setNames(received);
        else workspace.setCluster(received);
      },
      change: (change) => {
        told.push(change);
        workspace.changeCluster(parseClusterChange(overTheWire(change)));
      },
    },
  });
  cleanUps.push(() => layer.dispose());
  const start = () => (store.start(), layer.start());
  const stop = () => (store.stop(), layer.stop());
  const messages = () => Promise.resolve(workspace.findings().map(({ code, message }) => `${code} ${message}`));
  return {
    ...{ server, store, layer, workspace, told, start, stop, messages, seen },
    connects: () => connects,
    later: (ms: number) => (now += ms),
  };
}

function overTheWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

const isMissing = (messages: string[]) => messages.some((message) => /^IST0101 .*"checkout"/.test(message));
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'checkout', namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: 80 }], selector: { app: 'checkout' } },
};
const servicePath = '/api/v1/namespaces/shop/services/checkout';

test('nobody is asked and nothing is said before a view is looked at', async () => {
  const { connects, told, layer, messages } = await open();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([connects(), told.length, layer.state]).toEqual([0, 0, undefined]);
  expect(isMissing(await messages())).toBe(false);
});

test('what neither the files nor the cluster hold is told, and no longer once somebody applies it', async () => {
  const { start, messages, server, told, layer } = await open();
  start();
  await eventually(messages, isMissing);
  expect(layer.state).toMatchObject({ cluster: 'kind-mesh', gaps: [] });
  const before = told.length;
  await server.call('PATCH', `${servicePath}?fieldManager=test`, service, 'application/apply-patch+yaml');
  await eventually(messages, (now) => !isMissing(now));
  await server.call('DELETE', servicePath);
  await eventually(messages, isMissing);
  // By what changed alone: the whole cluster was sent once.
  expect(told.slice(before).every((message) => message !== undefined && 'changed' in message)).toBe(true);
});

test('a kind that may not be read is no ground for saying that something is missing', async () => {
  const { start, messages, layer } = await open({ faults: [{ for: '/services', status: 403 }] });
  start();
  await eventually(
    () => Promise.resolve(layer.state),
    (state) => state !== undefined,
  );
  expect(layer.state?.gaps).toEqual(['/Service']);
  expect(isMissing(await messages())).toBe(false);
});

test('after a while in which nobody looked, what is known stays and what is missing is no longer said', async () => {
  const { start, stop, messages, layer, later } = await open();
  start();
  await eventually(messages, isMissing);
  stop();
  expect(layer.state?.asOf).toBeTypeOf('number');
  expect(isMissing(await messages())).toBe(true);
  later(11 * 60_000);
  layer.tellAgain();
  await eventually(messages, (now) => !isMissing(now));
  start();
  await eventually(messages, isMissing);
  expect(layer.state?.asOf).toBeUndefined();
});

test('another cluster takes the first one’s layer away; one that is not wanted never lies under the files', async () => {
  const { start, messages, store, layer, told } = await open();
  start();
  await eventually(messages, isMissing);
  store.stop();
  layer.stop();
  layer.reset();
  expect(told.at(-1)).toBeUndefined();
  expect(isMissing(await messages())).toBe(false);
  const demo = await open({ use: 'nothing' });
  demo.start();
  await demo.store.whenSettled();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(demo.told).toEqual([]);
});

test('the names of a cluster that is nobody’s mesh are offered, and no file is judged by it', async () => {
  const { start, messages, workspace, layer, server } = await open({ use: 'names' });
  start();
  const hosts = () => Promise.resolve(new Names(workspace.known(), undefined).hosts('shop').map(({ name }) => name));
  await eventually(hosts, (names) => names.includes('reviews'));
  expect([layer.state?.use, isMissing(await messages())]).toEqual(['names', false]);
  await server.call('PATCH', `${servicePath}?fieldManager=test`, service, 'application/apply-patch+yaml');
  await eventually(hosts, (names) => names.includes('checkout'));
});

test('who may read one namespace only has its names, and nothing is said to be missing', async () => {
  // All of them are refused; one by one they are not.
  const everywhere = { for: /^\/(?:api|apis\/[^/]+)\/[^/]+\/[^/?]+(?:\?|$)/, status: 403 };
  const { start, messages, workspace, layer } = await open({ faults: [everywhere] });
  start();
  const hosts = () => Promise.resolve(new Names(workspace.known(), undefined).hosts('shop').map(({ name }) => name));
  await eventually(hosts, (names) => names.includes('reviews'));
  expect(layer.state?.gaps).toContain('/Service');
  expect(isMissing(await messages())).toBe(false);
});

test('a connection that is lost while somebody looks is told with the time until which everything was known', async () => {
  const { start, messages, layer, server, seen } = await open();
  start();
  await eventually(messages, isMissing);
  expect(layer.state?.asOf).toBeUndefined();
  const before = Date.now();
  await server.close();
  const asOf = await eventually(
    () => Promise.resolve(layer.state?.asOf),
    (time) => time !== undefined,
  );
  expect(asOf).toBeLessThanOrEqual(Date.now());
  expect(Math.abs(asOf! - before)).toBeLessThan(60_000);
  await eventually(
    () => Promise.resolve(seen.at(-1)),
    (time) => time !== undefined,
  );
  // What is known stays, and for a while it is good enough to say that something is missing.
  expect(isMissing(await messages())).toBe(true);
});
