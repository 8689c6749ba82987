import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainRules } from '../interception/explain-rules.ts';
import { parseRules } from '../interception/parse-rules.ts';
import type { ObjectInputs } from './compare-with-objects.ts';
import { computeServicePaths } from './compute-service-paths.ts';
import { filterNftTable, filterSavedRules } from './filter-service-rules.ts';
import { sharesInPercent } from './print-numbers.ts';
import type { ServicePath, ServiceQuery } from './service-path.ts';

/** What kube-proxy 1.34 wrote in each mode for the Services of `objects.json`: test/cluster/service-path.cluster.test.ts. */
const read = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
const texts = {
  iptables: read('kube-proxy-1.34.iptables.txt'),
  nftables: read('kube-proxy-1.34.nftables.txt'),
  'nft -j': read('kube-proxy-1.34.nftables.json'),
};
const objects = JSON.parse(read('objects.json')) as ObjectInputs;

function pathOf(text: string, query: ServiceQuery, inputs?: ObjectInputs): ServicePath {
  const { paths, whyNone } = computeServicePaths([text], { family: '4', protocol: 'udp', ...query }, inputs);
  expect(whyNone).toBeUndefined();
  expect(paths).toHaveLength(1);
  return paths[0]!;
}

/** `pod endpoints masqueraded 50/50` for each client of a frontend. */
function ways({ frontends }: ServicePath, kind = 'cluster-ip'): string[] {
  return frontends
    .filter((frontend) => frontend.kind === kind)
    .flatMap(({ clients }) =>
      clients.map(({ from, verdict, masqueraded, shares }) =>
        [
          from,
          verdict,
          ...(masqueraded ? ['masqueraded'] : []),
          ...(shares.length ? [shares.map(({ percent }) => percent).join('/')] : []),
        ].join(' '),
      ),
    );
}

const find = (name: string): ServiceQuery => ({ namespace: 'default', name });

describe.each(Object.entries(texts))('%s', (_, text) => {
  it('gives every endpoint its share', () => {
    const path = pathOf(text, find('plain'));
    expect(ways(path)).toEqual([
      'pod endpoints 20/20/20/20/20',
      'node endpoints masqueraded 20/20/20/20/20',
      'outside endpoints masqueraded 20/20/20/20/20',
    ]);
    expect(path.endpoints).toHaveLength(5);
    expect(path.endpoints.every(({ hairpin }) => hairpin)).toBe(true);
  });

  it('adds shares up to 100 whatever their number', () => {
    for (const { frontends } of computeServicePaths([text]).paths)
      for (const { clients } of frontends)
        for (const { verdict, shares } of clients)
          if (verdict === 'endpoints')
            expect(shares.reduce((sum, { percent }) => sum + percent, 0)).toBeCloseTo(100, 9);
  });

  it('knows how long a client is remembered', () => {
    expect(pathOf(text, find('sticky')).affinity).toEqual({ seconds: 600 });
    expect(pathOf(text, find('plain')).affinity).toBeUndefined();
  });

  it('tells refused from dropped', () => {
    expect(ways(pathOf(text, find('nobody')))).toEqual(['pod REJECT', 'node REJECT', 'outside REJECT']);
    expect(ways(pathOf(text, find('internal-elsewhere')))).toEqual(['pod DROP', 'node DROP', 'outside DROP']);
    expect(ways(pathOf(text, find('all-unready')), 'node-port')).toEqual([
      'pod REJECT',
      'node REJECT',
      'outside REJECT',
    ]);
  });

  it('lets pods and the node pass by a Local policy, and keeps the address of others', () => {
    expect(ways(pathOf(text, find('node-port-local')), 'node-port')).toEqual([
      'pod endpoints 20/20/20/20/20',
      'node endpoints masqueraded 20/20/20/20/20',
      'outside endpoints 50/50',
    ]);
    expect(ways(pathOf(text, find('node-port-elsewhere')), 'node-port')).toEqual([
      'pod endpoints 50/50',
      'node endpoints masqueraded 50/50',
      'outside DROP',
    ]);
  });

  it('masquerades everybody at a node port with policy Cluster', () => {
    expect(ways(pathOf(text, find('node-port')), 'node-port')).toEqual(
      ['pod', 'node', 'outside'].map((from) => `${from} endpoints masqueraded 25/25/25/25`),
    );
  });

  it('holds clients of a load balancer against its source ranges', () => {
    const path = pathOf(text, find('balanced'));
    expect(path.sourceRanges).toEqual(['172.31.0.0/16']);
    expect(ways(path, 'load-balancer')).toEqual([
      'pod DROP',
      'node DROP',
      'allowed endpoints masqueraded 33.34/33.33/33.33',
      'outside DROP',
    ]);
  });

  it('finds a Service by address and port, of the node too', () => {
    const cluster = pathOf(text, find('plain')).frontends[0]!;
    expect(pathOf(text, { address: cluster.address, port: 53 }).service.name).toBe('plain');
    const node = pathOf(text, find('node-port')).frontends.find(({ kind }) => kind === 'node-port')!;
    const own = pathOf(text, find('node-port'), objects);
    const address =
      /elements = \{ (\d+\.\d+\.\d+\.\d+) \}/.exec(texts.nftables.split('set nodeport-ips')[1] ?? '')?.[1] ?? '';
    expect(pathOf(text, { address, port: node.port }).service).toEqual(own.service);
    expect(computeServicePaths([text], { address: cluster.address, port: 9 }).whyNone).toMatch(
      /it has (80\/tcp, 53\/udp|53\/udp, 80\/tcp)\./,
    );
  });

  it('agrees with the objects, of both families', () => {
    const { paths, warnings } = computeServicePaths([text], {}, objects);
    expect(warnings).toEqual([]);
    expect(new Set(paths.map(({ family }) => family))).toEqual(new Set(['4', '6']));
    expect(paths.flatMap(({ problems }) => problems).filter(({ severity }) => severity !== 'info')).toEqual([]);
    const some = paths.find(({ service, family }) => service.name === 'some-unready' && family === '6')!;
    expect(some.endpoints.map(({ standing }) => standing)).toEqual(['used', 'used', 'not-ready', 'used', 'not-ready']);
  });

  it('names an endpoint that is missing, one that is stale, and a Service that is gone', () => {
    const bent = JSON.parse(JSON.stringify(objects)) as ObjectInputs;
    const slice = bent.slices.find(({ metadata }) => metadata?.name === 'single-ipv4')!;
    slice.endpoints = [
      {
        addresses: ['10.244.200.9'],
        conditions: { ready: true },
        nodeName: 'n1',
        targetRef: { kind: 'Pod', name: 'new' },
      },
    ];
    const path = pathOf(text, find('single'), bent);
    expect(path.endpoints.map(({ address, standing }) => [address, standing])).toEqual([
      ['10.244.200.9', 'missing'],
      [expect.stringMatching(/^10\.244\.0\./), 'stale'],
    ]);
    expect(path.problems.map(({ code }) => code)).toEqual(['endpoint-missing', 'endpoint-stale']);
    expect(path.problems[0]!.message).toContain('10.244.200.9:8053 (new)');
    const gone = {
      ...objects,
      services: objects.services.filter(({ metadata }) => metadata?.name !== 'plain'),
      slices: objects.slices.filter(({ metadata }) => !metadata?.name?.startsWith('plain')),
    };
    expect(pathOf(text, find('plain'), gone).problems.map(({ code }) => code)).toEqual(['service-gone']);
  });

  it('says why a Service has no path', () => {
    const why = (name: string, inputs?: ObjectInputs) => computeServicePaths([text], find(name), inputs).whyNone;
    const withService = (spec: object): ObjectInputs => ({
      ...objects,
      services: [{ metadata: { name: 'odd', namespace: 'default' }, spec }],
    });
    expect(why('plian')).toContain('Did you mean default/plain?');
    expect(why('odd', withService({ clusterIP: 'None' }))).toContain('headless');
    expect(why('odd', withService({ type: 'ExternalName', externalName: 'example.org' }))).toContain('example.org');
    expect(why('odd', withService({ clusterIP: '10.96.9.9' }))).toContain('kube-proxy has not caught up');
  });
});

describe('both modes', () => {
  it('say the same of every Service', () => {
    const say = (text: string) =>
      computeServicePaths([text], {}, objects).paths.map((path) => [
        path.service,
        path.family,
        ['cluster-ip', 'external-ip', 'load-balancer', 'node-port'].map((kind) => ways(path, kind)),
      ]);
    const sorted = (text: string) =>
      say(text)
        .map((one) => JSON.stringify(one).replace(/"port":"[^"]*",?|"protocol":"[^"]*",?/g, ''))
        .sort();
    // An address without source ranges is a load balancer's only for those who know the Service; iptables tells it by a comment.
    const same = (text: string) => sorted(text).filter((line) => !line.includes('balanced'));
    expect(same(texts.nftables)).toEqual(same(texts.iptables));
  });

  it('are told when both are on one node', () => {
    const { warnings } = computeServicePaths([texts.iptables, texts.nftables]);
    expect(warnings.join()).toContain('left over');
  });

  it('have a sentence for each of kube-proxy’s rules', () => {
    const border = texts.iptables.indexOf('# Generated by ip6tables-save');
    const [four, six] = [texts.iptables.slice(0, border), texts.iptables.slice(border)];
    for (const text of [four, six, texts.nftables]) {
      const { rules } = explainRules(parseRules(text));
      const own = rules.filter(({ rule, table }) => /KUBE-/.test(rule) || table === 'kube-proxy');
      expect(own.length).toBeGreaterThan(20);
      expect(
        own
          .filter(({ known, explanation }) => !known || /Part of how the node|this has no effect/.test(explanation))
          .map(({ rule }) => rule),
      ).toEqual([]);
    }
  });
});

describe('rules cut down to one Service', () => {
  it.each(objects.services.map(({ metadata }) => metadata!.name!))('leave the path of %s as it is', (name) => {
    const query = { namespace: 'default', name };
    for (const [text, cut] of [
      [texts.iptables, filterSavedRules(texts.iptables, query)],
      [texts.nftables, filterNftTable(texts.nftables, query)],
    ] as const) {
      expect(computeServicePaths([cut], query, objects)).toEqual(computeServicePaths([text], query, objects));
      expect(cut.length).toBeLessThan(text.length / 3);
    }
  });

  it('come out of fifty thousand in a second', () => {
    const many = Array.from({ length: 12_500 }, (_, at) => {
      const [chain, endpoint] = [
        `KUBE-SVC-${String(at).padStart(16, 'A')}`,
        `KUBE-SEP-${String(at).padStart(16, 'A')}`,
      ];
      return [
        `-A KUBE-SERVICES -d 10.97.${at >> 8}.${at & 255}/32 -p tcp -m comment --comment "many/s${at}:http cluster IP" -m tcp --dport 80 -j ${chain}`,
        `-A ${chain} -m comment --comment "many/s${at}:http -> 10.99.${at >> 8}.${at & 255}:80" -j ${endpoint}`,
        `-A ${endpoint} -s 10.99.${at >> 8}.${at & 255}/32 -m comment --comment "many/s${at}:http" -j KUBE-MARK-MASQ`,
        `-A ${endpoint} -p tcp -m comment --comment "many/s${at}:http" -m tcp -j DNAT --to-destination 10.99.${at >> 8}.${at & 255}:80`,
      ].join('\n');
    });
    const text = texts.iptables.replace(
      /(\*nat[^*]*?)(\nCOMMIT)/,
      (_, head: string, tail: string) => `${head}\n${many.join('\n')}${tail}`,
    );
    const start = performance.now();
    const cut = filterSavedRules(text, { namespace: 'many', name: 's777' });
    const took = performance.now() - start;
    expect(computeServicePaths([cut], { namespace: 'many', name: 's777' }).paths[0]?.endpoints).toMatchObject([
      { address: '10.99.3.9', percent: 100 },
    ]);
    expect(cut.length).toBeLessThan(10_000);
    expect(took).toBeLessThan(2000);
  });
});

describe('bad input', () => {
  it.each([
    '',
    'garbage',
    '{"nftables": 5}',
    '{',
    'table ip kube-proxy {',
    '*nat\n-A KUBE-SERVICES',
    '*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n',
  ])('is answered, not thrown at: %j', (text) => {
    expect(computeServicePaths([text], find('web')).paths).toEqual([]);
  });

  it('cut off anywhere still shows what is there', () => {
    for (const text of Object.values(texts))
      for (let at = 0; at < text.length; at += Math.ceil(text.length / 40))
        expect(() => computeServicePaths([text.slice(0, at)], {}, objects)).not.toThrow();
  });

  it('does not follow rules that lead in a circle for ever', () => {
    const text = `*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m comment --comment "a/b:c cluster IP" -m tcp --dport 80 -j KUBE-SVC-A\n-A KUBE-SVC-A -j KUBE-SVC-B\n-A KUBE-SVC-B -j KUBE-SVC-A\nCOMMIT\n`;
    expect(computeServicePaths([text]).paths[0]?.frontends[0]?.clients[0]?.verdict).toBe('none');
  });
});

it('rounds shares so that they add up', () => {
  expect(sharesInPercent([1 / 3, 1 / 3, 1 / 3])).toEqual([33.34, 33.33, 33.33]);
  expect(sharesInPercent([0.5, 0.25, 0.25])).toEqual([50, 25, 25]);
  expect(sharesInPercent(Array<number>(7).fill(1 / 7)).reduce((sum, part) => sum + part, 0)).toBeCloseTo(100, 10);
  expect(sharesInPercent([])).toEqual([]);
});
