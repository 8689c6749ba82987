/**
 * Our service paths beside a real kube-proxy and a real kernel: kube-proxy writes its rules for Services of every kind, in
 * both of its modes and for both families; then packets are sent to each of their addresses from a pod, from the node and
 * from outside, and who answers, how often, and which client it saw must be what the path says.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectInputs } from '../../mesh/service-path/compare-with-objects.ts';
import { computeServicePaths } from '../../mesh/service-path/compute-service-paths.ts';
import type { ClientPath, FrontendPath, ServicePath } from '../../mesh/service-path/service-path.ts';
import type { EndpointSliceObject, ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { ApiServer } from './api-server.ts';
import { here, namespace, objectsOf, serviceCases } from './service-cases.ts';
import { addresses, ServiceLab, type Job, type JobResult, type Place } from './service-lab.ts';
import { whyNoControlPlane } from './start-cluster.ts';
import { say } from './support.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: service paths skipped, because ${missing}`);

let lab: ServiceLab;
let objects: ObjectInputs;

describe.skipIf(missing)(
  'service paths, as a real kube-proxy and a real kernel have them',
  { timeout: 180_000 },
  () => {
    beforeAll(async () => {
      lab = await ServiceLab.create(say);
      const api = new ApiServer(lab.plane);
      try {
        objects = await makeObjects(api);
      } finally {
        api.dispose();
      }
      await lab.serve(
        objects.slices.flatMap(({ endpoints, ports }) =>
          (endpoints ?? []).flatMap(({ addresses: own }) =>
            (ports ?? [])
              .filter(({ protocol }) => protocol === 'UDP')
              .map(({ port }): [string, number] => [own![0]!, port!]),
          ),
        ),
      );
    }, 15 * 60_000);

    afterAll(async () => {
      await lab?.dispose();
    }, 60_000);

    describe.each(['iptables', 'nftables'] as const)('%s', (mode) => {
      let texts: string[];

      beforeAll(async () => {
        const wanted = serviceCases.length;
        await lab.startProxy(mode, (rules) => {
          const { paths } = computeServicePaths(rules);
          return (['4', '6'] as const).every(
            (family) =>
              new Set(paths.filter((path) => path.family === family).map(({ service }) => service.name)).size >= wanted,
          );
        });
        // The last Services may come a moment after the first rules.
        await new Promise((resolve) => setTimeout(resolve, 500));
        texts = await lab.readRules(mode);
        await record(mode, texts);
      }, 60_000);

      afterAll(async () => {
        await lab.stopProxy();
      }, 60_000);

      test('agree with the objects from which kube-proxy made the rules', () => {
        const { paths, warnings } = computeServicePaths(texts, {}, objects);
        expect(warnings).toEqual([]);
        const disagreements = paths.flatMap(({ family, service, problems }) =>
          problems
            .filter(({ severity }) => severity !== 'info')
            .map(({ message }) => `IPv${family} ${service.name}: ${message}`),
        );
        expect(disagreements).toEqual([]);
        // `kubernetes` is the API server's own, of one family.
        expect(new Set(paths.map(({ service }) => service.name))).toEqual(
          new Set([...serviceCases.map(({ name }) => name), 'kubernetes']),
        );
        const sums = paths.flatMap(({ frontends }) =>
          frontends.flatMap(({ clients }) =>
            clients
              .filter(({ verdict }) => verdict === 'endpoints')
              .map(({ shares }) => Math.round(shares.reduce((sum, { percent }) => sum + percent, 0) * 1e4) / 1e4),
          ),
        );
        expect(new Set(sums)).toEqual(new Set([100]));
      });

      test('explain every rule', () => {
        const { paths } = computeServicePaths(texts, {}, objects);
        const unexplained = paths
          .flatMap(({ frontends }) => frontends.flatMap(({ clients }) => clients.flatMap(({ steps }) => steps)))
          .filter(({ says }) => says.startsWith('Another rule'));
        expect([...new Set(unexplained.map(({ rule }) => rule))]).toEqual([]);
      });

      test.each(['4', '6'] as const)('send packets where they say, IPv%s', async (family) => {
        const { paths } = computeServicePaths(
          texts,
          { family, protocol: 'udp' },
          { ...objects, nodeAddresses: [lab.node[family]] },
        );
        const asked = paths.flatMap((path) =>
          path.frontends.flatMap((frontend) => frontend.clients.map((client) => ({ path, frontend, client }))),
        );
        const differences: string[] = [];
        let packets = 0;
        for (const place of ['client', 'node', 'outside'] as const) {
          const own = asked.filter(({ client }) => placeOf(client) === place);
          const results = await lab.ask(
            place,
            own.map((each) => jobOf(each, family)),
          );
          own.forEach((each, at) => {
            const result = results[at]!;
            packets += jobOf(each, family).count;
            const wrong = judge(each, result, family);
            if (wrong)
              differences.push(`${each.path.service.name} ${each.frontend.kind} from ${each.client.from}: ${wrong}`);
          });
        }
        say(`${mode} IPv${family}: ${asked.length} ways, ${packets} packets, ${differences.length} differences`);
        expect(differences).toEqual([]);
      });

      test('masquerade an endpoint that calls itself', async () => {
        const [path] = computeServicePaths(texts, { family: '4', namespace, name: 'single' }, objects).paths;
        const [endpoint] = path!.endpoints;
        const [cluster] = path!.frontends;
        const [result] = await lab.ask('pods', [
          { to: [cluster!.address, cluster!.port], count: 20, from: [endpoint!.address] },
        ]);
        expect(endpoint).toMatchObject({ standing: 'used', hairpin: true });
        const [seen] = Object.keys(result!.answered);
        expect(result).toMatchObject({ refused: 0, lost: 0 });
        expect(seen).toMatch(new RegExp(`^${endpoint!.address} 8053 `));
        expect(seen!.endsWith(` ${endpoint!.address}`)).toBe(false);
      });
    });
  },
);

/** `MESHLOOM_RECORD_SERVICE_RULES=DIR` keeps what kube-proxy wrote, for the tests that run without it. */
async function record(mode: string, texts: string[]): Promise<void> {
  const directory = process.env.MESHLOOM_RECORD_SERVICE_RULES;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${mode}.txt`), texts.join(''));
  if (mode === 'nftables') writeFileSync(join(directory, 'nftables.json'), await lab.nftJson());
  const slim = (key: string, value: unknown) =>
    /^(managedFields|uid|resourceVersion|creationTimestamp|generation)$/.test(key) ? undefined : value;
  writeFileSync(join(directory, 'objects.json'), `${JSON.stringify(objects, slim)}\n`);
}

interface Asked {
  path: ServicePath;
  frontend: FrontendPath;
  client: ClientPath;
}

function placeOf({ from }: ClientPath): Place {
  return from === 'pod' ? 'client' : from === 'node' ? 'node' : 'outside';
}

/** Many clients show the shares where each of them would always get the same endpoint. */
function sourcesOf({ path, client }: Asked, family: '4' | '6'): string[] | undefined {
  if (client.from === 'allowed' || (client.from === 'outside' && path.affinity && !path.sourceRanges))
    return Array.from({ length: 200 }, (_, at) =>
      family === '4' ? `172.31.5.${at + 1}` : `2001:db8:31::${(at + 1).toString(16)}`,
    );
  if (client.from === 'outside') return [addresses.outside[family]];
  return client.from === 'pod' ? [addresses.client[family]] : undefined;
}

function jobOf(asked: Asked, family: '4' | '6'): Job {
  const { frontend, client } = asked;
  const from = sourcesOf(asked, family);
  return {
    to: [frontend.address === '' ? lab.node[family] : frontend.address, frontend.port],
    count: client.verdict === 'endpoints' ? (asked.path.affinity && from && from.length > 1 ? 200 : 300) : 4,
    wait: client.verdict === 'endpoints' ? 2 : 0.25,
    ...(from && { from }),
  };
}

/** Undefined: what was measured is what the path says. */
function judge(asked: Asked, { answered, refused, lost }: JobResult, family: '4' | '6'): string | undefined {
  const { path, client } = asked;
  const { count } = jobOf(asked, family);
  const got = JSON.stringify({ refused, lost, answered: Object.keys(answered).length });
  if (client.verdict === 'REJECT') return refused === count ? undefined : `is to be refused, but ${got}`;
  if (client.verdict !== 'endpoints')
    return lost === count ? undefined : `is to be lost (${client.verdict}), but ${got}`;
  if (refused + lost > 0) return `is to be answered, but ${got}`;
  const byEndpoint = new Map<string, number>();
  const sources = sourcesOf(asked, family) ?? [lab.node[family]];
  for (const [line, packets] of Object.entries(answered)) {
    const [address = '', port = '', seen = ''] = line.split(' ');
    byEndpoint.set(`${address} ${port}`, (byEndpoint.get(`${address} ${port}`) ?? 0) + packets);
    if (sources.includes(seen) === client.masqueraded)
      return `says masqueraded ${client.masqueraded}, the endpoint saw ${seen}`;
  }
  const stated = new Map(client.shares.map(({ address, port, percent }) => [`${address} ${port}`, percent]));
  const strangers = [...byEndpoint.keys()].filter((key) => !stated.has(key));
  if (strangers.length > 0) return `was answered by ${strangers.join(', ')}`;
  if (path.affinity && sources.length === 1)
    return byEndpoint.size === 1 ? undefined : 'has session affinity, but several endpoints answered';
  for (const [key, percent] of stated) {
    const expected = (count * percent) / 100;
    const spread = Math.sqrt(expected * (1 - percent / 100));
    const seen = byEndpoint.get(key) ?? 0;
    // Five times the spread: once in two million, if the share is right.
    if (Math.abs(seen - expected) > 5 * spread + 1) return `${key} is to get ${percent} %, got ${seen} of ${count}`;
  }
  return undefined;
}

async function makeObjects(api: ApiServer): Promise<ObjectInputs> {
  const path = `/api/v1/namespaces/${namespace}/services`;
  await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: here } });
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: here },
    status: { addresses: Object.values(lab.node).map((address) => ({ type: 'InternalIP', address })) },
  };
  const merge = 'application/merge-patch+json';
  await api.send('PATCH', `/api/v1/nodes/${here}/status`, JSON.stringify(node), merge);
  await Promise.all(
    serviceCases.map(async (one, at) => {
      const { service, slices } = objectsOf(one, at);
      await api.create(path, service);
      if (one.ingress) {
        const status = { status: { loadBalancer: { ingress: one.ingress.map((ip) => ({ ip, ipMode: 'VIP' })) } } };
        const answer = await api.send('PATCH', `${path}/${one.name}/status`, JSON.stringify(status), merge);
        if (answer.status >= 300) throw new Error(answer.message);
      }
      for (const slice of slices)
        await api.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, slice);
    }),
  );
  const list = async <T>(from: string) => (JSON.parse((await api.send('GET', from)).text) as { items: T[] }).items;
  return {
    services: (await list<ServiceObject>(path))
      .filter(({ metadata }) => metadata?.name !== 'kubernetes')
      .concat(await list<ServiceObject>(`${path}?fieldSelector=metadata.name=kubernetes`)),
    slices: await list<EndpointSliceObject>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
    node: here,
  };
}
