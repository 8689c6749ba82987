import type { ServicePathState } from '../../contract/service-path-view.ts';
import { computeServicePaths } from '../../mesh/service-path/compute-service-paths.ts';
import type { ObjectInputs } from '../../mesh/service-path/compare-with-objects.ts';

const node = 'n1';

/** Every state the service path view can be in, failing ones included, by the name in the page's address. */
export const servicePathStates: Record<string, () => ServicePathState> = {
  shares: () => ready('reviews', printService('reviews', ['10.88.0.2', '10.88.0.3', '10.88.0.4'])),
  affinity: () => ready('reviews', printService('reviews', ['10.88.0.2', '10.88.0.3'], 600)),
  'missing-endpoint': () =>
    ready(
      'reviews',
      printService('reviews', ['10.88.0.2', '10.88.0.9']),
      objectsOf('reviews', ['10.88.0.2', '10.88.0.3', '!10.88.0.4']),
    ),
  'no-endpoints': () => ready('reviews', printService('reviews', [])),
  'not-in-rules': () => ready('ratings', printService('reviews', ['10.88.0.2']), objectsOf('ratings', [])),
  'many-endpoints': () =>
    ready(
      'reviews',
      printService(
        'reviews',
        Array.from({ length: 200 }, (_, at) => `10.88.1.${at + 1}`),
      ),
    ),
  markup: () => ready('<img src=x onerror=alert(1)>', printService('reviews', [])),
  loading: () => ({ ...base('reviews'), phase: 'loading' }),
  failed: () => ({
    ...base('reviews'),
    phase: 'failed',
    failure: {
      what: 'The rules of node n1 could not be read.',
      why: 'No node helper runs on node “n1” of context “demo”.',
      next: 'Deploy the node helper; it shows beforehand what it will do and which rights it asks for.',
      actions: [
        { id: 'deploy-node-helper', label: 'Deploy Node Helper' },
        { id: 'retry', label: 'Retry' },
      ],
    },
  }),
};

function base(name: string): Omit<ServicePathState, 'phase'> {
  return { service: { namespace: 'shop', name }, node, context: 'demo: before CNI', paths: [], notes: [] };
}

function ready(name: string, text: string, objects?: ObjectInputs): ServicePathState {
  const { paths, warnings, whyNone } = computeServicePaths([text], { namespace: 'shop', name }, objects);
  return {
    ...base(name),
    phase: 'ready',
    source: 'read at 12:03:11 on node n1 by meshloom-node-helper-x7k2p',
    paths,
    notes: warnings,
    ...(whyNone !== undefined && { whyNone }),
  };
}

/** As kube-proxy writes it, in iptables. */
function printService(name: string, addresses: string[], affinity?: number): string {
  const match = (words: string) =>
    `-d 10.96.0.10/32 -p tcp -m comment --comment "shop/${name}:http ${words}" -m tcp --dport 80`;
  const chain = (at: number) => `KUBE-SEP-${String(at).padStart(16, 'E')}`;
  const to = addresses.map((address, at) => ({ address, own: chain(at), left: addresses.length - at }));
  const comment = (address: string) => `-m comment --comment "shop/${name}:http -> ${address}:8080"`;
  return [
    '*filter',
    ':FORWARD ACCEPT [0:0]',
    '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    ...(addresses.length === 0
      ? [`-A KUBE-SERVICES ${match('has no endpoints')} -j REJECT --reject-with icmp-port-unreachable`]
      : []),
    'COMMIT',
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':KUBE-SERVICES - [0:0]',
    ...['PREROUTING', 'OUTPUT'].map(
      (base) => `[812:48720] -A ${base} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
    ),
    '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ...(addresses.length === 0
      ? []
      : [
          `[42:2520] -A KUBE-SERVICES ${match('cluster IP')} -j KUBE-SVC-X`,
          `-A KUBE-SVC-X ! -s 10.88.0.0/16 ${match('cluster IP')} -j KUBE-MARK-MASQ`,
        ]),
    ...(affinity === undefined
      ? []
      : to.map(
          ({ address, own }) =>
            `-A KUBE-SVC-X ${comment(address)} -m recent --rcheck --seconds ${affinity} --reap --name ${own} --mask 255.255.255.255 --rsource -j ${own}`,
        )),
    ...to.map(
      ({ address, own, left }) =>
        `-A KUBE-SVC-X ${comment(address)}${left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}` : ''} -j ${own}`,
    ),
    ...to.flatMap(({ address, own }) => [
      `-A ${own} -s ${address}/32 -j KUBE-MARK-MASQ`,
      `-A ${own} -p tcp -m tcp -j DNAT --to-destination ${address}:8080`,
    ]),
    'COMMIT',
    '',
  ].join('\n');
}

/** `!` before an address: not ready. */
function objectsOf(name: string, addresses: string[]): ObjectInputs {
  const metadata = { name, namespace: 'shop' };
  return {
    node,
    services: [{ metadata, spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] } }],
    slices: [
      {
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080 }],
        endpoints: addresses.map((written, at) => ({
          addresses: [written.replace('!', '')],
          conditions: { ready: !written.startsWith('!') },
          nodeName: node,
          targetRef: { kind: 'Pod', name: `${name}-57b9fb8fff-${at}` },
        })),
      },
    ],
  };
}
