import { describe, expect, it } from 'vitest';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { anonymize, anonymizeInTurns } from './anonymize.ts';
import { AddressAnonymizer, parseAddress } from './anonymize-addresses.ts';
import { recordingType, type RecordingFile } from './recording-file.ts';

const recordingOf = (resources: PlainObject[], more: Partial<RecordingFile> = {}): RecordingFile => ({
  type: recordingType,
  formatVersion: 2,
  recordedAt: '2026-01-02T03:04:05Z',
  writtenBy: 'meshloom 0.0.0',
  cluster: { name: 'acme-prod-eu' },
  scope: {},
  anonymized: false,
  kinds: [],
  notes: ['Could not list secrets of orders in acme-prod-eu.'],
  resources,
  nodes: [],
  pods: [],
  ...more,
});

const node = 'ip-10-0-12-34.ec2.internal';
const pod: PlainObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'payments-v1-5bc6bf76c7-t5hgx',
    namespace: 'orders',
    uid: '9f1c',
    labels: { app: 'payments', version: 'v1', 'acme.example/team': 'unicorns', 'pod-template-hash': '5bc6bf76c7' },
    annotations: {
      'sidecar.istio.io/status': '{"revision":"default","containers":["istio-proxy"]}',
      'proxy.istio.io/config': 'discoveryAddress: istiod.istio-system.svc:15012\nproxyMetadata:\n  OWNER: payments',
      'acme.example/notes': 'call Jane Doe',
      'cni.projectcalico.org/podIP': '10.0.77.5/32',
    },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'payments-v1-5bc6bf76c7' }],
  },
  spec: {
    nodeName: node,
    serviceAccountName: 'payments',
    containers: [
      {
        name: 'payments',
        image: 'registry.acme.example:5000/team-unicorns/payments:1.2.3-unicorn@sha256:' + 'ab'.repeat(32),
        env: [{ name: 'DB', value: 'postgres://payments@db.internal.acme.example/x' }],
        args: ['--name', 'jane'],
      },
      {
        name: 'istio-proxy',
        image: 'docker.io/istio/proxyv2:1.28.0',
        args: ['proxy', 'sidecar'],
        env: [{ name: 'ISTIO_META_WORKLOAD_NAME', value: 'payments-v1' }],
      },
    ],
  },
  status: { podIP: '10.0.77.5', podIPs: [{ ip: '10.0.77.5' }, { ip: 'fd12:3456:789a:1::5' }], hostIP: '10.0.12.34' },
};
const others: PlainObject[] = [
  { apiVersion: 'v1', kind: 'Node', metadata: { name: node }, spec: { podCIDR: '10.0.77.0/24' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `kube-proxy-${node}`, namespace: 'kube-system' },
    spec: { nodeName: node },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'payments', namespace: 'orders' },
    spec: {
      hosts: ['payments', 'pay.shop.acme.example', '*.acme.example'],
      http: [
        {
          route: [{ destination: { host: 'payments.orders.svc.cluster.local', subset: 'blue', port: { number: 80 } } }],
        },
      ],
    },
  },
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'payments', namespace: 'orders' },
    spec: {
      action: 'ALLOW',
      rules: [
        {
          from: [
            { source: { principals: ['cluster.local/ns/orders/sa/checkout'], ipBlocks: ['10.0.0.0/16', '0.0.0.0/0'] } },
          ],
          when: [{ key: 'request.headers[x-tenant]', values: ['orders'] }],
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'payments-v1-5bc6bf76c7-t5hgx.18e9e7c2b669f81c', namespace: 'orders' },
    reason: 'FailedCreatePodSandBox',
    message: `networkPlugin cni failed to set up pod "payments-v1-5bc6bf76c7-t5hgx_orders" network: dial tcp 10.0.12.34:443 on ${node}; mail jane.doe@acme.example`,
  },
];
const rules =
  '*nat\n-A OUTPUT -d 10.0.77.0/24 -p tcp -m comment --comment "orders/payments:http" -j RETURN\n-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN\n-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n';
const answers = {
  node,
  notes: [],
  cni: {
    confDir: '/etc/cni/net.d',
    binDirs: [],
    plugins: [{ type: 'bridge', path: '/opt/cni/bin/bridge' }],
    notes: [],
    files: [
      {
        name: '10-acme-net.conflist',
        content:
          '{"name":"unicorn-net","plugins":[{"type":"bridge","ipam":{"ranges":[[{"subnet":"10.0.77.0/24","rangeStart":"10.0.77.10","rangeEnd":"10.0.77.200"}]]}}]}',
      },
    ],
  },
};
const result = {
  pid: 1,
  netns: '',
  readings: [{ family: '4', backend: 'nft', command: 'iptables-save', origin: 'host', text: rules }],
  interfaces: [{ name: 'eth0', addresses: ['10.0.77.5'] }],
  listening: [],
  policyRules: [],
  routes: ['default via 10.0.77.1 dev eth0'],
  notes: [],
  tookMs: 0,
} as const;
const whole = recordingOf([pod, ...others], {
  nodes: [answers],
  pods: [{ namespace: 'orders', name: 'payments-v1-5bc6bf76c7-t5hgx', uid: '9f1c', result: result as never }],
});

describe('an anonymised recording', () => {
  const { recording, renamed, addresses } = anonymize(whole);
  const text = JSON.stringify(recording);

  it('holds no name, host, address or mail of the cluster, not even inside texts', () => {
    for (const name of [
      'payments',
      'orders',
      'checkout',
      'unicorn',
      'acme-prod',
      'acme.example',
      'jane',
      'doe@',
      'Jane',
      'blue',
      node,
      'ip-10-0-12-34',
      '10.0.77.',
      '10.0.12.34',
      'fd12:3456:789a:1',
      'ab'.repeat(32),
      'call ',
    ])
      expect(text).not.toContain(name);
  });

  it('keeps the words of Kubernetes and Istio, ports, versions, and what everybody has', () => {
    for (const word of [
      'istio-proxy',
      'docker.io/istio/proxyv2:1.28.0',
      'istio-system',
      'kube-system',
      '127.0.0.6/32',
      '--to-ports 15001',
      'svc.cluster.local',
      '"version":"v1"',
      'cluster.local/ns/',
      '0.0.0.0/0',
      'request.headers[x-tenant]',
      'FailedCreatePodSandBox',
      'networkPlugin cni failed to set up pod',
      '15012',
      'pod-template-hash',
      '"5bc6bf76c7"',
      'eth0',
      ':1.2.3-',
    ])
      expect(text).toContain(word);
  });

  it('renames the same thing the same way, whole and in parts', () => {
    const payments = renamed.get('payments')!;
    const orders = renamed.get('orders')!;
    expect(text).toContain(`${payments}.${orders}.svc.cluster.local`);
    expect(text).toContain(`"${orders}/${payments}:http`.replace('"', '\\"'));
    expect(text).toContain(`pod \\"${payments}-v1-5bc6bf76c7-t5hgx_${orders}\\"`);
    expect(text).toContain(`kube-proxy-${renamed.get(node)!}`);
    const acme = renamed.get('acme')!;
    expect(text).toContain(`"*.${acme}.`);
  });

  it('keeps what lies in a subnet there, and the order within it', () => {
    const network = addresses.get('10.0.77.0')!;
    const prefix = network.replace(/\.0$/, '.');
    for (const host of ['5', '1', '10', '200']) expect(text).toContain(prefix + host);
    expect(text).toContain(`${network}/24`);
  });

  it('is the same every time, and leaves the original as it was', () => {
    expect(JSON.stringify(anonymize(whole).recording)).toBe(text);
    expect(JSON.stringify(whole)).toContain('payments');
  });

  it('does not take the values of schemas for names, when somebody is called so', () => {
    const odd = recordingOf([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels: { 'istio-injection': 'enabled' } } },
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        metadata: { name: 'always', namespace: 'strict' },
        spec: { mtls: { mode: 'STRICT' } },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'metadata', namespace: 'strict' },
        spec: {
          restartPolicy: 'Always',
          containers: [
            { name: 'istio-proxy', env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
          ],
        },
      },
    ]);
    const printed = JSON.stringify(anonymize(odd).recording);
    for (const kept of [
      '"mode":"STRICT"',
      '"restartPolicy":"Always"',
      '"fieldPath":"metadata.name"',
      '"istio-injection":"enabled"',
    ])
      expect(printed).toContain(kept);
    expect(printed).not.toContain('"strict"');
  });
});

describe('anonymised addresses', () => {
  const random = (seed: number) => () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;

  it('share as many leading bits as before, whatever they are', () => {
    const next = random(7);
    const address = () => `10.${Math.floor(next() * 256)}.${Math.floor(next() * 256)}.${Math.floor(next() * 256)}`;
    const anonymizer = new AddressAnonymizer('salt');
    const shared = (a: string, b: string) => [...a].findIndex((bit, at) => bit !== b[at]);
    for (let run = 0; run < 500; run++) {
      const [a, b] = [address(), address()];
      const bits = (text: string) => parseAddress(text)!;
      expect(shared(bits(anonymizer.map(a)), bits(anonymizer.map(b)))).toBe(shared(bits(a), bits(b)));
    }
  });

  it.each([
    '127.0.0.1',
    '127.0.0.6',
    '0.0.0.0/0',
    '10.0.0.0/8',
    '192.168.0.0/16',
    '169.254.169.254',
    '224.0.0.1',
    '::1',
    '::/0',
    'fe80::1',
    'ff02::1',
  ])('leaves %s', (address) => expect(new AddressAnonymizer('salt').map(address)).toBe(address));

  it.each(['1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', 'a.b.c.d', '', ':::', '1:2:3:4:5:6:7:8:9', 'fd00::1::2'])(
    'takes %j for no address',
    (text) => expect(parseAddress(text)).toBeUndefined(),
  );
});

describe('a big recording', () => {
  const many = Array.from({ length: 1_500 }, (_, at): PlainObject => ({
    ...pod,
    metadata: { ...(pod['metadata'] as PlainObject), name: `payments-v1-5bc6bf76c7-${(at + 46_656).toString(36)}` },
    status: { podIP: `10.0.${at >> 8}.${at & 255}` },
  }));
  const big = recordingOf([...many, ...others]);

  it('is renamed the same in turns, telling how far it is, and lets others work meanwhile', async () => {
    const shares: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const inTurns = await anonymizeInTurns(big, {
      signal: new AbortController().signal,
      onProgress: (share) => shares.push(share),
    });
    clearInterval(timer);
    const atOnce = anonymize(big);
    expect(JSON.stringify(inTurns.recording)).toBe(JSON.stringify(atOnce.recording));
    expect([...inTurns.renamed]).toEqual([...atOnce.renamed]);
    expect([...inTurns.addresses]).toEqual([...atOnce.addresses]);
    expect(turns).toBeGreaterThan(2);
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
  });

  it('is left when somebody cancels', async () => {
    const stop = new AbortController();
    const renaming = anonymizeInTurns(big, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
    await expect(renaming).rejects.toThrow('enough');
  });
});
