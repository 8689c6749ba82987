import * as k8s from '@kubernetes/client-node';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { eventually, helperManifests, startTestServer, type TestServer } from './testing.ts';

let server: TestServer;

function client(): k8s.KubeConfig {
  const kubeConfig = new k8s.KubeConfig();
  kubeConfig.loadFromString(server.kubeconfig);
  return kubeConfig;
}

/** Applies as `kubectl apply --server-side` does, over the real client's discovery. */
async function applyAll(objects: KubernetesObject[]): Promise<void> {
  const api = k8s.KubernetesObjectApi.makeApiClient(client());
  for (const object of objects) {
    await api.patch(
      object as k8s.KubernetesObject,
      undefined,
      undefined,
      'meshloom',
      true,
      k8s.PatchStrategy.ServerSideApply,
    );
  }
}

beforeEach(async () => {
  server = await startTestServer('with-cni');
});
afterEach(() => server.close());

const ssa = 'application/apply-patch+yaml';
const configMap = (data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data,
});
const apply = (manager: string, object: object, query = '') =>
  server.call('PATCH', `/api/v1/namespaces/shop/configmaps/settings?fieldManager=${manager}${query}`, object, ssa);

describe('reading', () => {
  it('lists what was recorded, as the real client reads it', async () => {
    const { items } = await client().makeApiClient(k8s.CoreV1Api).listPodForAllNamespaces();
    expect(items).toHaveLength(18);
    expect(items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)).toContain(
      'locked/api-c66899c6-mhg5n',
    );
    expect(items[0]).not.toHaveProperty('kind');
  });

  it('takes a list apart into pages that show one moment, whatever is written meanwhile', async () => {
    const first = await server.call('GET', '/api/v1/namespaces/shop/pods?limit=4');
    expect(first.body.metadata.remainingItemCount).toBe(7);
    await server.call('DELETE', '/api/v1/namespaces/shop/pods/reviews-6cb6f49678-9fmxc', { gracePeriodSeconds: 0 });
    const names = first.body.items.map(({ metadata }) => metadata.name);
    let next = first.body.metadata.continue;
    while (next) {
      const page = await server.call('GET', `/api/v1/namespaces/shop/pods?limit=4&continue=${next}`);
      expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      names.push(...page.body.items.map(({ metadata }) => metadata.name));
      next = page.body.metadata.continue;
    }
    expect(names).toHaveLength(11);
    expect(new Set(names).size).toBe(11);
    expect(names).toContain('reviews-6cb6f49678-9fmxc');
  });

  it.each([
    ['labelSelector=app%3Dreviews', 2],
    ['labelSelector=app+in+(reviews,details),app!%3Ddetails', 2],
    ['labelSelector=!app', 2],
    ['labelSelector=istio-injection', 0],
    ['fieldSelector=status.phase%3DPending', 1],
    ['fieldSelector=spec.nodeName!%3Dn1', 1],
    ['fieldSelector=metadata.namespace%3Dplain', 2],
    ['fieldSelector=metadata.name%3Dcli,metadata.namespace%3Ddefault', 1],
  ])('selects pods by %s', async (query, count) => {
    const { body } = await server.call('GET', `/api/v1/pods?${query}`);
    expect(body.items).toHaveLength(count);
  });

  it('selects events by what they are about', async () => {
    const { body } = await server.call(
      'GET',
      '/api/v1/namespaces/shop/events?fieldSelector=involvedObject.kind%3DPod,reason%3DFailedScheduling',
    );
    expect(body.items.length).toBeGreaterThan(0);
  });

  it('tells what it serves, recorded or not', async () => {
    const groups = await client().makeApiClient(k8s.ApisApi).getAPIVersions();
    expect(groups.groups.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['apps', 'networking.istio.io', 'authorization.k8s.io']),
    );
    const { body } = await server.call('GET', '/version');
    expect(body).toMatchObject({ major: '1', minor: '34', gitVersion: 'v1.34.4' });
    expect((await server.call('GET', '/apis/networking.istio.io/v1/virtualservices')).body).toMatchObject({
      kind: 'VirtualServiceList',
      items: [],
    });
  });

  it('says that a recorded cluster has no logs', async () => {
    const log = await client().makeApiClient(k8s.CoreV1Api).readNamespacedPodLog({ namespace: 'default', name: 'cli' });
    expect(log).toContain('recording');
  });

  it('lets the holder of the token do everything', async () => {
    const review = await client()
      .makeApiClient(k8s.AuthorizationV1Api)
      .createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { verb: 'create', resource: 'pods' } } },
      });
    expect(review.status?.allowed).toBe(true);
  });
});

describe('refusing', () => {
  it.each([
    ['GET', '/api/v1/namespaces/shop/pods/nobody', undefined, 404, 'NotFound', 'pods "nobody" not found'],
    [
      'GET',
      '/apis/apps/v1/namespaces/shop/deployments/nobody',
      undefined,
      404,
      'NotFound',
      'deployments.apps "nobody" not found',
    ],
    ['GET', '/api/v1/unicorns', undefined, 404, 'NotFound', 'could not find the requested resource'],
    ['GET', '/apis/nobody.example/v1', undefined, 404, 'NotFound', 'could not find the requested resource'],
    ['GET', '/nowhere', undefined, 404, 'NotFound', 'could not find the requested resource'],
    [
      'GET',
      '/api/v1/pods?fieldSelector=spec.color%3Dred',
      undefined,
      400,
      'BadRequest',
      'field label not supported: spec.color',
    ],
    ['GET', '/api/v1/pods?labelSelector=a%20b', undefined, 400, 'BadRequest', 'unable to parse requirement'],
    ['GET', '/api/v1/pods?limit=many', undefined, 400, 'BadRequest', 'limit'],
    ['GET', '/api/v1/pods?continue=xyz', undefined, 400, 'BadRequest', 'continue key is not valid'],
    ['GET', '/api/v1/pods?watch=true&resourceVersion=999999', undefined, 504, 'Timeout', 'Too large resource version'],
    ['POST', '/api/v1/namespaces/shop/configmaps', '{', 400, 'BadRequest', 'unrecognized'],
    [
      'POST',
      '/api/v1/namespaces/shop/configmaps',
      { kind: 'Secret', apiVersion: 'v1' },
      400,
      'BadRequest',
      'cannot be handled as a ConfigMap',
    ],
    [
      'POST',
      '/api/v1/namespaces/shop/configmaps',
      { kind: 'ConfigMap', apiVersion: 'v1' },
      422,
      'Invalid',
      'metadata.name',
    ],
    ['POST', '/api/v1/namespaces/nowhere/configmaps', configMap({}), 404, 'NotFound', 'namespaces "nowhere" not found'],
    [
      'POST',
      '/api/v1/namespaces',
      { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'shop' } },
      409,
      'AlreadyExists',
      'namespaces "shop" already exists',
    ],
    [
      'POST',
      '/api/v1/namespaces',
      { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'Shop_1' } },
      422,
      'Invalid',
      'RFC 1123',
    ],
    ['PUT', '/api/v1/pods', {}, 405, 'MethodNotAllowed', 'does not allow this method'],
    ['PATCH', '/api/v1/namespaces/shop', 'x: [', 415, 'UnsupportedMediaType', 'application/apply-patch+yaml'],
    ['DELETE', '/api/v1/namespaces/shop/pods/nobody', undefined, 404, 'NotFound', 'pods "nobody" not found'],
    [
      'GET',
      '/api/v1/namespaces/shop/pods/dns-5f566c5fb6-42wwk/exec',
      undefined,
      400,
      'BadRequest',
      'Upgrade request required',
    ],
  ])('answers %s %s (%j) with %i %s', async (method, path, body, code, reason, message) => {
    const answer = await server.call(method, path, body);
    expect(answer.status).toBe(code);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason });
    expect(answer.body.message).toContain(message);
  });

  it('refuses a pod where the namespace enforces baseline and it asks for more', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'wide' },
      spec: { hostPID: true, containers: [{ name: 'a', image: 'b' }] },
    };
    const { status, body } = await server.call('POST', '/api/v1/namespaces/locked/pods', pod);
    expect(status).toBe(403);
    expect(body.message).toContain('violates PodSecurity "baseline:latest": host namespaces (hostPID=true)');
  });

  it('knows nobody without the token, not even for its version', async () => {
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${server.token}`]) {
      const response = await fetch(`${server.url}/version`, { headers: { ...(authorization && { authorization }) } });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    }
  });

  it('refuses what would not fit into etcd', async () => {
    const { status, body } = await server.call(
      'POST',
      '/api/v1/namespaces/shop/configmaps',
      configMap({ big: 'x'.repeat(1024 * 1024 + 1) }),
    );
    expect(status).toBe(422);
    expect(body.message).toContain('1048576');
    const larger = await server.call(
      'POST',
      '/api/v1/namespaces/shop/configmaps',
      configMap({ big: 'x'.repeat(4 * 1024 * 1024) }),
    );
    expect(larger.status).toBe(413);
  });
});

describe('watching', () => {
  interface Seen {
    type: string;
    object: k8s.KubernetesObject & { metadata: k8s.V1ObjectMeta; code?: number; data?: Record<string, string> };
  }

  async function watch(
    path: string,
    query: Record<string, string>,
    act: () => Promise<unknown>,
    until: (seen: Seen[]) => boolean,
  ): Promise<Seen[]> {
    const seen: Seen[] = [];
    let ended = false;
    const controller = await new k8s.Watch(client()).watch(
      path,
      query,
      (type, object: Seen['object']) => seen.push({ type, object }),
      () => (ended = true),
    );
    await act();
    await eventually(
      () => Promise.resolve(seen),
      (events) => ended || until(events),
    );
    controller.abort();
    return seen;
  }

  const nothing = () => Promise.resolve();

  it('tells everything that is there first, when asked without a version', async () => {
    const seen = await watch('/api/v1/namespaces', {}, nothing, (events) => events.length === 8);
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['ADDED']));
    expect(seen[0]!.object).toMatchObject({ kind: 'Namespace', apiVersion: 'v1' });
  });

  it('tells every change after the list, and nothing twice', async () => {
    const list = await server.call('GET', '/api/v1/namespaces/shop/configmaps');
    const seen = await watch(
      '/api/v1/namespaces/shop/configmaps',
      { resourceVersion: list.body.metadata.resourceVersion! },
      async () => {
        await apply('a', configMap({ x: '1' }));
        await apply('a', configMap({ x: '2' }));
        await apply('a', configMap({ x: '2' }));
        await server.call('DELETE', '/api/v1/namespaces/shop/configmaps/settings');
      },
      (events) => events.length === 3,
    );
    expect(seen.map(({ type, object }) => [type, object.data?.x])).toEqual([
      ['ADDED', '1'],
      ['MODIFIED', '2'],
      ['DELETED', '2'],
    ]);
    const versions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  });

  it('tells as ADDED and DELETED what a change brings into a selector and out of it', async () => {
    const list = await server.call('GET', '/api/v1/configmaps');
    const label = (stage: string) =>
      server.call(
        'PATCH',
        '/api/v1/namespaces/istio-system/configmaps/istio',
        { metadata: { labels: { stage } } },
        'application/merge-patch+json',
      );
    const seen = await watch(
      '/api/v1/configmaps',
      { resourceVersion: list.body.metadata.resourceVersion!, labelSelector: 'stage=one' },
      async () => {
        await label('two');
        await label('one');
        await label('two');
      },
      (events) => events.length === 2,
    );
    expect(seen.map(({ type, object }) => [type, object.metadata.labels?.stage])).toEqual([
      ['ADDED', 'one'],
      ['DELETED', 'one'],
    ]);
  });

  it('says 410 in the stream when the version is older than it remembers', async () => {
    const seen = await watch('/api/v1/pods', { resourceVersion: '1' }, nothing, (events) => events.length === 1);
    expect(seen).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
  });

  it('ends after timeoutSeconds, with a bookmark for who wants one', async () => {
    const list = await server.call('GET', '/api/v1/pods');
    const response = await fetch(
      `${server.url}/api/v1/pods?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${list.body.metadata.resourceVersion}`,
      {
        headers: { authorization: `Bearer ${server.token}` },
      },
    );
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Seen);
    expect(lines).toMatchObject([
      { type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: list.body.metadata.resourceVersion } } },
    ]);
  });

  it('marks the end of the list for who streams it', async () => {
    const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
    const seen = await watch('/api/v1/nodes', query, nothing, (events) => events.length === 2);
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(seen[1]!.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  it('forgets the oldest changes, and then says so to watches and to late pages', async () => {
    await server.close();
    server = await startTestServer('with-cni', { remember: 3 });
    const list = await server.call('GET', '/api/v1/pods?limit=1');
    for (let x = 0; x < 20; x++) await apply('a', configMap({ x: String(x) }));
    const seen = await watch(
      '/api/v1/pods',
      { resourceVersion: list.body.metadata.resourceVersion! },
      nothing,
      (events) => events.length === 1,
    );
    expect(seen[0]!.object.code).toBe(410);
    const late = await server.call('GET', `/api/v1/pods?limit=1&continue=${list.body.metadata.continue}`);
    expect(late.status).toBe(410);
  });
});

describe('server-side apply', () => {
  it('creates, then changes, and counts nothing when nothing changed', async () => {
    const created = await apply('meshloom', configMap({ a: '1' }));
    expect(created.status).toBe(201);
    expect(created.body.metadata.managedFields).toMatchObject([
      { manager: 'meshloom', operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:a': {} } } },
    ]);
    const again = await apply('meshloom', configMap({ a: '1' }));
    expect(again.status).toBe(200);
    expect(again.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
  });

  it('removes what its manager no longer says, and leaves what others said', async () => {
    await apply('meshloom', configMap({ a: '1', b: '1' }));
    await apply('other', configMap({ b: '1', c: '1' }));
    const { body } = await apply('meshloom', configMap({ a: '2' }));
    expect(body.data).toEqual({ a: '2', b: '1', c: '1' });
  });

  it('names field and owner when another manager says otherwise, and takes the field over by force', async () => {
    await apply('other', configMap({ a: '1' }));
    const refused = await apply('meshloom', configMap({ a: '2' }));
    expect(refused.status).toBe(409);
    expect(refused.body.details.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "other" using v1', field: '.data.a' },
    ]);
    const forced = await apply('meshloom', configMap({ a: '2' }), '&force=true');
    expect(forced.body.data).toEqual({ a: '2' });
    expect(forced.body.metadata.managedFields!.map(({ manager }) => manager)).toEqual(['meshloom']);
  });

  it('merges containers by name', async () => {
    const deployment = (containers: object[]) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'reviews' },
      spec: { template: { spec: { containers } } },
    });
    const path = '/apis/apps/v1/namespaces/shop/deployments/reviews?fieldManager=meshloom';
    const before = await server.call('GET', path);
    const added = await server.call('PATCH', path, deployment([{ name: 'extra', image: 'x:1' }]), ssa);
    const names = (body: unknown) =>
      (body as { spec: { template: { spec: { containers: { name: string }[] } } } }).spec.template.spec.containers.map(
        ({ name }) => name,
      );
    expect(new Set(names(added.body))).toEqual(new Set([...names(before.body), 'extra']));
    const removed = await server.call('PATCH', path, deployment([{ name: 'app' }]), ssa);
    expect(names(removed.body)).toEqual(names(before.body));
  });

  it('changes nothing on a dry run, and shows what would be', async () => {
    const { status, body } = await apply('meshloom', configMap({ a: '1' }), '&dryRun=All');
    expect(status).toBe(201);
    expect(body.data).toEqual({ a: '1' });
    expect((await server.call('GET', '/api/v1/namespaces/shop/configmaps/settings')).status).toBe(404);
  });

  it('reads YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  a: "yes" # a comment\n';
    const { body } = await server.call(
      'PATCH',
      '/api/v1/namespaces/shop/configmaps/settings?fieldManager=meshloom',
      yaml,
      ssa,
    );
    expect(body.data).toEqual({ a: 'yes' });
  });

  it.each([
    ['/api/v1/namespaces/shop/configmaps/settings', configMap({}), 422, 'fieldManager'],
    [
      '/api/v1/namespaces/shop/configmaps/other?fieldManager=m',
      configMap({}),
      400,
      'does not match the name on the URL',
    ],
    [
      '/api/v1/namespaces/shop/configmaps/settings?fieldManager=m',
      { ...configMap({}), metadata: { namespace: 'plain' } },
      400,
      'namespace',
    ],
    ['/api/v1/namespaces/shop/configmaps/settings?fieldManager=m&dryRun=Some', configMap({}), 400, 'dryRun'],
    [
      '/api/v1/namespaces/shop/configmaps/settings?fieldManager=m',
      { ...configMap({}), metadata: { resourceVersion: '1', managedFields: [] } },
      400,
      'managedFields',
    ],
  ])('refuses %s', async (path, body, code, message) => {
    const answer = await server.call('PATCH', path, body, ssa);
    expect([answer.status, answer.body.message]).toEqual([code, expect.stringContaining(message)]);
  });
});

describe('other writes', () => {
  it('refuses to replace what has changed meanwhile', async () => {
    const read = await server.call('GET', '/api/v1/namespaces/istio-system/configmaps/istio');
    const changed = await server.call('PUT', '/api/v1/namespaces/istio-system/configmaps/istio', {
      ...read.body,
      data: { mesh: '' },
    });
    expect(changed.status).toBe(200);
    const late = await server.call('PUT', '/api/v1/namespaces/istio-system/configmaps/istio', {
      ...read.body,
      data: {},
    });
    expect([late.status, late.body.reason]).toEqual([409, 'Conflict']);
  });

  it('takes merge, strategic and JSON patches', async () => {
    const path = '/apis/apps/v1/namespaces/shop/deployments/reviews';
    const patch = (body: unknown, type: string) =>
      server.call('PATCH', path, body, `application/${type}+json; charset=utf-8`);
    const merged = await patch({ metadata: { labels: { app: null, tier: 'web' } } }, 'merge-patch');
    expect(merged.body.metadata.labels).toEqual({ tier: 'web' });
    const strategic = await patch(
      { spec: { template: { spec: { containers: [{ name: 'app', image: 'x:2' }] } } } },
      'strategic-merge-patch',
    );
    expect(strategic.body.metadata.generation).toBe(merged.body.metadata.generation! + 1);
    const tested = await patch(
      [
        { op: 'test', path: '/metadata/labels/tier', value: 'web' },
        { op: 'add', path: '/metadata/labels/a~1b', value: 'c' },
      ],
      'json-patch',
    );
    expect(tested.body.metadata.labels).toEqual({ tier: 'web', 'a/b': 'c' });
    expect((await patch([{ op: 'remove', path: '/metadata/labels/none' }], 'json-patch')).status).toBe(422);
  });

  it('keeps the status from who writes the object, and the object from who writes its status', async () => {
    const path = '/api/v1/namespaces/shop/pods/dns-5f566c5fb6-42wwk';
    const whole = await server.call('PATCH', path, { status: { phase: 'Failed' } }, 'application/merge-patch+json');
    expect(whole.body.status).toMatchObject({ phase: 'Running' });
    const status = await server.call(
      'PATCH',
      `${path}/status`,
      { metadata: { labels: { x: 'y' } }, status: { phase: 'Failed' } },
      'application/merge-patch+json',
    );
    expect(status.body.status).toMatchObject({ phase: 'Failed' });
    expect(status.body.metadata.labels).not.toHaveProperty('x');
  });

  it('serves a kind from the moment on that it is defined', async () => {
    const spec = {
      group: 'shop.example',
      scope: 'Namespaced',
      names: { kind: 'Basket', plural: 'baskets' },
      versions: [{ name: 'v1', served: true }],
    };
    await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'baskets.shop.example' },
      spec,
    });
    const created = await server.call('POST', '/apis/shop.example/v1/namespaces/shop/baskets', {
      apiVersion: 'shop.example/v1',
      kind: 'Basket',
      metadata: { generateName: 'b-' },
      spec: {},
    });
    expect(created.status).toBe(201);
    expect(created.body.metadata.name).toMatch(/^b-.{5}$/);
    const { body } = await server.call('GET', '/apis/shop.example/v1/baskets');
    expect(body.items).toMatchObject([{ kind: 'Basket', apiVersion: 'shop.example/v1' }]);
  });

  it('shows one object in every version of its kind', async () => {
    const rule = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'reviews' },
      spec: { host: 'reviews' },
    };
    await server.call('POST', '/apis/networking.istio.io/v1/namespaces/shop/destinationrules', rule);
    const { body } = await server.call(
      'GET',
      '/apis/networking.istio.io/v1beta1/namespaces/shop/destinationrules/reviews',
    );
    expect(body).toMatchObject({ apiVersion: 'networking.istio.io/v1beta1', spec: { host: 'reviews' } });
  });
});

describe('what lives in the cluster', () => {
  const daemonSet = '/apis/apps/v1/namespaces/meshloom-system/daemonsets/meshloom-node-helper';

  it('rolls a DaemonSet out, visibly, and takes its pods away with it', async () => {
    const progress: number[] = [];
    const controller = await new k8s.Watch(client()).watch(
      '/apis/apps/v1/namespaces/meshloom-system/daemonsets',
      {},
      (_type, object: k8s.V1DaemonSet) => progress.push(object.status?.numberReady ?? 0),
      () => undefined,
    );
    await applyAll(helperManifests());
    const ready = await eventually(
      () => server.call('GET', daemonSet),
      ({ body }) => (body.status as k8s.V1DaemonSetStatus).numberReady === 1,
    );
    expect(ready.body.status).toMatchObject({
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      numberAvailable: 1,
      updatedNumberScheduled: 1,
      observedGeneration: 1,
    });
    controller.abort();
    expect(progress.at(0)).toBe(0);
    expect(progress.at(-1)).toBe(1);
    const pods = await server.call('GET', '/api/v1/namespaces/meshloom-system/pods');
    expect(pods.body.items).toMatchObject([
      {
        metadata: { ownerReferences: [{ kind: 'DaemonSet', controller: true }] },
        spec: { nodeName: 'n1' },
        status: { phase: 'Running', podIP: '198.18.0.2' },
      },
    ]);
    await server.call('DELETE', daemonSet);
    await eventually(
      () => server.call('GET', '/api/v1/namespaces/meshloom-system/pods'),
      ({ body }) => body.items.length === 0,
    );
  });

  it('empties a namespace before it goes, and lets nothing new in meanwhile', async () => {
    await applyAll(helperManifests());
    await eventually(
      () => server.call('GET', daemonSet),
      ({ body }) => (body.status as k8s.V1DaemonSetStatus).numberReady === 1,
    );
    const deleted = await server.call('DELETE', '/api/v1/namespaces/meshloom-system');
    expect(deleted.body.status).toMatchObject({ phase: 'Terminating' });
    const late = await server.call('POST', '/api/v1/namespaces/meshloom-system/configmaps', configMap({}));
    expect([late.status, late.body.message]).toEqual([403, expect.stringContaining('being terminated')]);
    await eventually(
      () => server.call('GET', '/api/v1/namespaces/meshloom-system'),
      ({ status }) => status === 404,
    );
    for (const path of ['/api/v1/pods', '/api/v1/configmaps', '/apis/apps/v1/daemonsets', '/api/v1/events']) {
      const { body } = await server.call('GET', path);
      expect(body.items.filter(({ metadata }) => metadata.namespace === 'meshloom-system')).toEqual([]);
    }
  });

  it('waits with a foreground deletion until what belongs to the owner is gone', async () => {
    await applyAll(helperManifests());
    await eventually(
      () => server.call('GET', '/api/v1/namespaces/meshloom-system/pods'),
      ({ body }) => body.items.length === 1,
    );
    const { body } = await server.call('DELETE', daemonSet, { propagationPolicy: 'Foreground' });
    expect(body.metadata.finalizers).toEqual(['foregroundDeletion']);
    await eventually(
      () => server.call('GET', daemonSet),
      ({ status }) => status === 404,
    );
    expect((await server.call('GET', '/api/v1/namespaces/meshloom-system/pods')).body.items).toEqual([]);
  });

  it('collects what had two owners when the second one goes, and not before', async () => {
    const path = '/api/v1/namespaces/shop/configmaps';
    const make = async (name: string, ownerReferences: object[]) => {
      const { body } = await server.call('POST', path, { ...configMap({}), metadata: { name, ownerReferences } });
      return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: body.metadata.uid };
    };
    await make('both', [await make('one', []), await make('two', [])]);
    await server.call('DELETE', `${path}/one`);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await server.call('GET', `${path}/both`)).status).toBe(200);
    await server.call('DELETE', `${path}/two`);
    await eventually(
      () => server.call('GET', `${path}/both`),
      ({ status }) => status === 404,
    );
  });

  it('rolls out to every node that the template may run on', async () => {
    for (const [name, taints] of [
      ['n2', []],
      ['n3', [{ key: 'dedicated', effect: 'NoSchedule' }]],
    ] as const) {
      await server.call('POST', '/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
        spec: { taints },
      });
    }
    await applyAll(helperManifests());
    const ready = await eventually(
      () => server.call('GET', daemonSet),
      ({ body }) => (body.status as k8s.V1DaemonSetStatus).numberReady === 2,
    );
    expect(ready.body.status).toMatchObject({ desiredNumberScheduled: 2 });
    const { body } = await server.call('GET', '/api/v1/namespaces/meshloom-system/pods');
    expect(body.items.map((pod) => (pod as k8s.V1Pod).spec?.nodeName).sort()).toEqual(['n1', 'n2']);
  });

  it('replaces the pods when the template changes', async () => {
    await applyAll(helperManifests());
    const list = () => server.call('GET', '/api/v1/namespaces/meshloom-system/pods');
    const [first] = (await eventually(list, ({ body }) => body.items.length === 1)).body.items;
    const [, , wanted] = helperManifests() as unknown as [unknown, unknown, k8s.V1DaemonSet];
    wanted.spec!.template.metadata!.annotations = { changed: 'yes' };
    await applyAll([wanted as KubernetesObject]);
    const { body } = await eventually(
      list,
      (answer) => answer.body.items.length === 1 && answer.body.items[0]!.metadata.uid !== first!.metadata.uid,
    );
    expect(body.items[0]!.metadata.annotations).toEqual({ changed: 'yes' });
  });

  it('lets no pod start for which a ConfigMap is missing, until it is there', async () => {
    const [namespace, program, set] = helperManifests();
    await applyAll([namespace!, set!]);
    const events = () =>
      server.call('GET', '/api/v1/namespaces/meshloom-system/events?fieldSelector=reason%3DFailedMount');
    await eventually(events, ({ body }) => body.items.length > 0);
    await applyAll([program!]);
    await eventually(
      () => server.call('GET', daemonSet),
      ({ body }) => (body.status as k8s.V1DaemonSetStatus).numberReady === 1,
    );
  });

  it('gives no network to a new pod where the chain is broken, and runs one on the host’s network', async () => {
    await server.close();
    server = await startTestServer('broken');
    await applyAll(helperManifests(false));
    const events = () =>
      server.call('GET', '/api/v1/namespaces/meshloom-system/events?fieldSelector=reason%3DFailedCreatePodSandBox');
    const { body } = await eventually(events, (answer) => answer.body.items.length > 0);
    expect(JSON.stringify(body.items)).toContain('incompatible CNI versions');
    await applyAll(helperManifests(true));
    const pods = await server.call('GET', '/api/v1/namespaces/meshloom-system/pods');
    await server.call('DELETE', `/api/v1/namespaces/meshloom-system/pods/${pods.body.items[0]!.metadata.name}`, {
      gracePeriodSeconds: 0,
    });
    await eventually(
      () => server.call('GET', daemonSet),
      (answer) => (answer.body.status as k8s.V1DaemonSetStatus).numberReady === 1,
    );
  });
});

describe('going wrong on demand', () => {
  it.each([401, 403, 429, 500, 503])('answers %i as a Status', async (status) => {
    server.setFaults({ status, for: /^\/api\/v1\/pods/ });
    const { body } = await server.call('GET', '/api/v1/pods?limit=500');
    expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
    expect((await server.call('GET', '/api/v1/nodes')).status).toBe(200);
  });

  it('never answers, and still closes at once', async () => {
    server.setFaults({ hang: true });
    const hanging = server.call('GET', '/api/v1/pods').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    expect(await hanging).toBeInstanceOf(Error);
  });

  it('breaks a watch', async () => {
    server.setFaults({ cutWatchAfterMs: 30, for: /watch=true/ });
    const ended = await new Promise((resolve) => {
      void new k8s.Watch(client()).watch('/api/v1/pods', {}, () => undefined, resolve);
    });
    expect(ended).toBeInstanceOf(Error);
  });
});

describe('exec', () => {
  async function exec(namespace: string, pod: string, container: string, command: string[], stdin?: string) {
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const texts = Promise.all([stdout, stderr].map(async (stream) => (await stream.toArray()).join('')));
    const status = await new Promise<k8s.V1Status>((resolve, reject) => {
      new k8s.Exec(client())
        .exec(
          namespace,
          pod,
          container,
          command,
          stdout,
          stderr,
          stdin === undefined ? null : Readable.from([stdin]),
          false,
          resolve,
        )
        .catch((error: unknown) =>
          reject(error instanceof Error ? error : new Error((error as { message?: string }).message)),
        );
    });
    const [out, err] = await texts;
    return { out: out!, err: err!, status };
  }

  it('says 127 for a program that no recorded container has', async () => {
    const { err, status } = await exec('default', 'cli', 'c', ['iptables-save']);
    expect(err).toContain('"iptables-save": executable file not found');
    expect(status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '127' }] },
    });
  });

  it.each([
    ['nobody', 'c', '404'],
    ['cli', 'sidecar', '400'],
  ])('refuses pod %s, container %s before the connection is upgraded', async (pod, container, code) => {
    await expect(exec('default', pod, container, ['ls'])).rejects.toThrow(code);
  });

  describe('in the node helper', () => {
    const ask = async (request: object) => {
      const pods = await server.call('GET', '/api/v1/namespaces/meshloom-system/pods');
      const command = ['node', '/opt/meshloom/node-helper.js', 'inspect'];
      const { out } = await exec(
        'meshloom-system',
        pods.body.items[0]!.metadata.name!,
        'node-helper',
        command,
        JSON.stringify(request),
      );
      return out;
    };

    beforeEach(async () => {
      await applyAll(helperManifests());
      const path = '/apis/apps/v1/namespaces/meshloom-system/daemonsets/meshloom-node-helper';
      await eventually(
        () => server.call('GET', path),
        ({ body }) => (body.status as k8s.V1DaemonSetStatus).numberReady === 1,
      );
    });

    it('answers the request that came over standard input', async () => {
      expect(JSON.parse(await ask({ protocol: 1, verb: 'hello' }))).toEqual({
        protocol: 1,
        helper: { version: '0.1.0', hash: '4be1f00d99aa' },
        ok: true,
        result: {
          node: 'n1',
          kernel: '6.18.44-fc-v445',
          iptables: [expect.objectContaining({ backend: 'nft', origin: 'host' })],
        },
      });
    });

    it('gives the rules of a pod as they were saved', async () => {
      const { body } = await server.call('GET', '/api/v1/namespaces/shop/pods/ratings-7bcb87fbbc-lh2bb');
      const pod = { uid: body.metadata.uid, namespace: 'shop', name: 'ratings-7bcb87fbbc-lh2bb', ips: [] };
      const reply = JSON.parse(await ask({ protocol: 1, verb: 'inspect-pod', pod })) as {
        result: { readings: { family: string; text: string }[] };
      };
      expect(reply.result.readings.map(({ family }) => family)).toEqual(['4', '6']);
      expect(reply.result.readings[0]!.text).toContain('-j TPROXY --on-port 15006');
    });
  });
});

it('closes with watches, execs and timers open, and leaves nothing behind', async () => {
  await applyAll(helperManifests());
  const ended = new Promise(
    (resolve) => void new k8s.Watch(client()).watch('/api/v1/pods', {}, () => undefined, resolve),
  );
  await new k8s.Exec(client()).exec('default', 'cli', 'c', ['cat'], null, null, new PassThrough(), false);
  const started = performance.now();
  await server.close();
  await server.close();
  await ended;
  expect(performance.now() - started).toBeLessThan(500);
  await expect(fetch(`${server.url}/version`)).rejects.toThrow();
});
