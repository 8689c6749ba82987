/** Services and EndpointSlices that use everything that kube-proxy turns into rules. */
import type { EndpointSliceObject, ServiceObject, SliceEndpoint } from '../../mesh/service-path/service-objects.ts';

export const namespace = 'default';
export const here = 'n1';
const elsewhere = 'n2';

export interface ServiceCase {
  name: string;
  service: ServiceObject['spec'] & { ipFamilyPolicy?: string; ipFamilies?: string[] };
  /** Endpoints: one letter for each. `l` ready here, `r` ready elsewhere, `n` not ready, `t` ending but serving (here), `x` ending. */
  endpoints: string;
  /** Addresses that a load balancer would have given, by family. */
  ingress?: string[];
}

const udp = { name: 'dns', port: 53, protocol: 'UDP', targetPort: 8053 };
const tcp = { name: 'web', port: 80, protocol: 'TCP', targetPort: 8080 };
const ranges = ['172.31.0.0/16', '2001:db8:31::/64'];

export const serviceCases: ServiceCase[] = [
  { name: 'plain', service: { ports: [udp, tcp] }, endpoints: 'lllll' },
  { name: 'single', service: { ports: [udp] }, endpoints: 'l' },
  { name: 'unnamed-port', service: { ports: [{ port: 53, protocol: 'UDP', targetPort: 8053 }] }, endpoints: 'lr' },
  { name: 'many', service: { ports: [udp] }, endpoints: 'llllllllllllllll' },
  {
    name: 'sticky',
    service: {
      ports: [udp],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
    },
    endpoints: 'lll',
  },
  { name: 'nobody', service: { ports: [udp, tcp] }, endpoints: '' },
  { name: 'all-unready', service: { ports: [udp], type: 'NodePort' }, endpoints: 'nnx' },
  { name: 'some-unready', service: { ports: [udp] }, endpoints: 'llnlt' },
  { name: 'only-ending', service: { ports: [udp] }, endpoints: 'tt' },
  { name: 'node-port', service: { ports: [udp, tcp], type: 'NodePort' }, endpoints: 'llll' },
  {
    name: 'node-port-local',
    service: { ports: [udp], type: 'NodePort', externalTrafficPolicy: 'Local' },
    endpoints: 'llrrr',
  },
  {
    name: 'node-port-elsewhere',
    service: { ports: [udp], type: 'NodePort', externalTrafficPolicy: 'Local' },
    endpoints: 'rr',
  },
  { name: 'internal-local', service: { ports: [udp], internalTrafficPolicy: 'Local' }, endpoints: 'llr' },
  { name: 'internal-elsewhere', service: { ports: [udp], internalTrafficPolicy: 'Local' }, endpoints: 'rr' },
  { name: 'external', service: { ports: [udp], externalIPs: ['192.0.2.80', '2001:db8:80::80'] }, endpoints: 'lll' },
  {
    name: 'external-local',
    service: {
      ports: [udp],
      type: 'NodePort',
      externalIPs: ['192.0.2.81', '2001:db8:80::81'],
      externalTrafficPolicy: 'Local',
    },
    endpoints: 'lr',
  },
  {
    name: 'balanced',
    service: { ports: [udp], type: 'LoadBalancer', loadBalancerSourceRanges: ranges },
    endpoints: 'lll',
    ingress: ['198.51.100.90', '2001:db8:90::90'],
  },
  {
    name: 'balanced-local',
    service: {
      ports: [udp],
      type: 'LoadBalancer',
      loadBalancerSourceRanges: ranges,
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
    },
    endpoints: 'llr',
    ingress: ['198.51.100.91', '2001:db8:90::91'],
  },
  {
    name: 'balanced-sticky',
    service: { ports: [udp], type: 'LoadBalancer', sessionAffinity: 'ClientIP' },
    endpoints: 'llll',
    ingress: ['198.51.100.92', '2001:db8:90::92'],
  },
  {
    name: 'balanced-empty',
    service: { ports: [udp], type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
    endpoints: '',
    ingress: ['198.51.100.93', '2001:db8:90::93'],
  },
];

/** The objects of a case as they are sent to the API server; `number` keeps the addresses of cases apart. */
export function objectsOf(one: ServiceCase, number: number): { service: ServiceObject; slices: EndpointSliceObject[] } {
  const { name, endpoints } = one;
  const service = {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } },
    spec: { ipFamilyPolicy: 'RequireDualStack', ...one.service },
  };
  const slices = (['IPv4', 'IPv6'] as const).map((addressType) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${addressType.toLowerCase()}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType,
    endpoints: [...endpoints].map((letter, at) => endpointOf(letter, addressOf(addressType, number, at))),
    ports: (one.service?.ports ?? []).map(({ name: port, protocol, targetPort }) => ({
      ...(port !== undefined && { name: port }),
      protocol,
      port: Number(targetPort),
    })),
  }));
  return { service: service as ServiceObject, slices: slices as EndpointSliceObject[] };
}

function addressOf(type: 'IPv4' | 'IPv6', number: number, at: number): string {
  const host = 10 + number * 20 + at;
  return type === 'IPv4' ? `10.244.${host >> 8}.${host & 255}` : `fd00:244::${host.toString(16)}`;
}

function endpointOf(letter: string, address: string): SliceEndpoint {
  const conditions = {
    l: { ready: true, serving: true, terminating: false },
    r: { ready: true, serving: true, terminating: false },
    n: { ready: false, serving: false, terminating: false },
    t: { ready: false, serving: true, terminating: true },
    x: { ready: false, serving: false, terminating: true },
  }[letter];
  return { addresses: [address], nodeName: letter === 'r' ? elsewhere : here, ...(conditions && { conditions }) };
}
