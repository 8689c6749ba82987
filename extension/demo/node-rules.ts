/** What kube-proxy would have written on the demo's node for the Services that are there now, as `iptables-save` prints it. */
import { createHash } from 'node:crypto';
import type { ReadNodeRulesResult } from '../../contract/node-helper.ts';
import { filterSavedRules } from '../../mesh/service-path/filter-service-rules.ts';
import type { EndpointSliceObject, ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { serviceNameLabel } from '../../mesh/service-path/service-objects.ts';
import type { ApiState } from './api-writes.ts';

const podNetwork = '10.88.0.0/24';

export function readNodeRules(
  { store, resources }: ApiState,
  node: string,
  wanted?: { namespace: string; name: string },
): ReadNodeRulesResult {
  const all = (apiVersion: string, kind: string) => {
    const resource = resources.findByKind(apiVersion, kind);
    return resource ? [...store.list(resource)] : [];
  };
  const services = all('v1', 'Service') as ServiceObject[];
  const slices = all('discovery.k8s.io/v1', 'EndpointSlice') as EndpointSliceObject[];
  const own = all('v1', 'Node').find(({ metadata }) => metadata.name === node) as
    { status?: { addresses?: { type: string; address: string }[] } } | undefined;
  const text = filterSavedRules(printRules(services, slices), wanted);
  return {
    readings: [{ family: '4', backend: 'nft', command: 'iptables-save', origin: 'host', text }],
    addresses: (own?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    notes: ['These are the rules that kube-proxy writes for the Services of the demo; nothing was recorded of them.'],
    tookMs: 0,
  };
}

/** Chain names hold a hash, as kube-proxy's do. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16).toUpperCase();
}

function printRules(services: ServiceObject[], slices: EndpointSliceObject[]): string {
  const nat: Table = { chains: [], doors: [], rules: [] };
  const refused: string[] = [];
  for (const { metadata, spec = {} } of services) {
    if (!spec.clusterIP || spec.clusterIP === 'None' || spec.clusterIP.includes(':')) continue;
    for (const port of spec.ports ?? []) {
      const name = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}${port.name ? `:${port.name}` : ''}`;
      const protocol = (port.protocol ?? 'TCP').toLowerCase();
      const match = (words: string) =>
        `-d ${spec.clusterIP ?? ''}/32 -p ${protocol} -m comment --comment "${name} ${words}" -m ${protocol} --dport ${port.port}`;
      const endpoints = listEndpoints(slices, metadata, port.name ?? '', protocol);
      if (endpoints.length === 0)
        refused.push(`-A KUBE-SERVICES ${match('has no endpoints')} -j REJECT --reject-with icmp-port-unreachable`);
      else addService(nat, name, protocol, match('cluster IP'), endpoints, affinityOf(spec));
    }
  }
  const heads = (names: string[]) => names.map((name) => `:${name} ${name.startsWith('KUBE') ? '-' : 'ACCEPT'} [0:0]`);
  return [
    '*filter',
    ...heads(['INPUT', 'FORWARD', 'OUTPUT', 'KUBE-SERVICES']),
    ...['FORWARD', 'OUTPUT'].map(
      (chain) =>
        `-A ${chain} -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
    ),
    ...refused,
    'COMMIT',
    '*nat',
    ...heads([
      'PREROUTING',
      'OUTPUT',
      'POSTROUTING',
      'KUBE-SERVICES',
      'KUBE-MARK-MASQ',
      'KUBE-POSTROUTING',
      ...nat.chains,
    ]),
    ...['PREROUTING', 'OUTPUT'].map(
      (chain) => `-A ${chain} -m comment --comment "kubernetes service portals" -j KUBE-SERVICES`,
    ),
    '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ...nat.doors,
    ...nat.rules,
    'COMMIT',
    '',
  ].join('\n');
}

interface Table {
  chains: string[];
  doors: string[];
  rules: string[];
}

function addService(
  nat: Table,
  name: string,
  protocol: string,
  match: string,
  endpoints: string[],
  seconds: number | undefined,
): void {
  const chain = `KUBE-SVC-${hash(name + protocol)}`;
  const to = endpoints.map((endpoint) => ({ endpoint, own: `KUBE-SEP-${hash(name + protocol + endpoint)}` }));
  nat.chains.push(chain, ...to.map(({ own }) => own));
  nat.doors.push(`-A KUBE-SERVICES ${match} -j ${chain}`);
  nat.rules.push(`-A ${chain} ! -s ${podNetwork} ${match} -j KUBE-MARK-MASQ`);
  const recent = (own: string) => `--name ${own} --mask 255.255.255.255 --rsource`;
  if (seconds !== undefined)
    for (const { endpoint, own } of to)
      nat.rules.push(
        `-A ${chain} -m comment --comment "${name} -> ${endpoint}" -m recent --rcheck --seconds ${seconds} --reap ${recent(own)} -j ${own}`,
      );
  to.forEach(({ endpoint, own }, at) => {
    const left = to.length - at;
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}`;
    nat.rules.push(`-A ${chain} -m comment --comment "${name} -> ${endpoint}"${chance} -j ${own}`);
  });
  for (const { endpoint, own } of to) {
    const remember = seconds === undefined ? '' : ` -m recent --set ${recent(own)}`;
    nat.rules.push(`-A ${own} -s ${endpoint.split(':')[0] ?? ''}/32 -m comment --comment "${name}" -j KUBE-MARK-MASQ`);
    nat.rules.push(
      `-A ${own} -p ${protocol} -m comment --comment "${name}"${remember} -m ${protocol} -j DNAT --to-destination ${endpoint}`,
    );
  }
}

function affinityOf(spec: NonNullable<ServiceObject['spec']>): number | undefined {
  return spec.sessionAffinity === 'ClientIP'
    ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
    : undefined;
}

function listEndpoints(
  slices: EndpointSliceObject[],
  service: ServiceObject['metadata'],
  port: string,
  protocol: string,
): string[] {
  const found = slices
    .filter(
      ({ metadata, addressType }) =>
        metadata?.labels?.[serviceNameLabel] === service?.name &&
        metadata?.namespace === service?.namespace &&
        addressType === 'IPv4',
    )
    .flatMap(({ endpoints, ports }) =>
      (ports ?? [])
        .filter((each) => (each.name ?? '') === port && (each.protocol ?? 'TCP').toLowerCase() === protocol)
        .flatMap((each) => (endpoints ?? []).map((endpoint) => ({ ...endpoint, port: each.port ?? 0 }))),
    );
  const ready = found.filter(({ conditions }) => conditions?.ready !== false);
  // While nobody is ready, kube-proxy falls back to those that end but still answer.
  const ending = found.filter(({ conditions }) => conditions?.serving && conditions.terminating);
  return (ready.length > 0 ? ready : ending).map(({ addresses, port: number }) => `${addresses?.[0] ?? ''}:${number}`);
}
