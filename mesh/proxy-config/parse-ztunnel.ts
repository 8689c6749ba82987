/**
 * What a ztunnel holds, from its `/config_dump`: it has workloads, services, policies and certificates instead of listeners
 * and clusters. The shape has changed between releases: lists were maps, words were objects. Sample of a workload:
 *
 *     { "workloadIps": ["10.0.0.7"], "name": "reviews-1", "namespace": "shop", "protocol": "HBONE", "status": "Healthy",
 *       "node": "worker", "serviceAccount": "reviews", "trustDomain": "cluster.local", "waypoint": { "destination": … } }
 */
import type { CertificateInfo } from './parse-proxy-config.ts';
import { list, number, object, text, texts, values, type Json } from './read-json.ts';

export interface ZtunnelWorkload {
  /** `Kubernetes//Pod/shop/reviews-1` */
  uid: string;
  /** `shop/reviews-1` */
  name: string;
  addresses: string[];
  node: string;
  /** `HBONE`: through tunnels with mutual TLS. `TCP`: as it is. */
  protocol: string;
  status: string;
  /** `spiffe://cluster.local/ns/shop/sa/reviews` */
  identity: string;
  /** Empty: none. */
  waypoint: string;
  policies: string[];
}

export interface ZtunnelService {
  /** `shop/reviews` */
  name: string;
  host: string;
  addresses: string[];
  /** `80 → 8080` */
  ports: string[];
  endpoints: number;
  healthy: number;
  /** By their uids. */
  workloads: string[];
  waypoint: string;
}

export interface ZtunnelPolicy {
  /** `shop/allow-front` */
  name: string;
  action: string;
  /** `Global`, `Namespace`, `WorkloadSelector` */
  scope: string;
  rules: number;
}

export interface ZtunnelCertificate {
  identity: string;
  /** `Available`, `Initializing`, `Unavailable: …` */
  state: string;
  chain: CertificateInfo[];
}

/** Connections that stand now, of a pod of its node. */
export interface ZtunnelConnections {
  /** `shop/reviews-1` */
  workload: string;
  state: string;
  inbound: number;
  outbound: number;
}

export interface ZtunnelConfig {
  version: string;
  workloads: ZtunnelWorkload[];
  services: ZtunnelService[];
  policies: ZtunnelPolicy[];
  certificates: ZtunnelCertificate[];
  connections: ZtunnelConnections[];
}

/** @param root the dump. */
export function parseZtunnel(root: Json): ZtunnelConfig {
  const { version } = root;
  const { istioVersion, version: own, gitTag } = object(version);
  const workloads = values(root.workloads).map(workloadOf);
  // One that has several addresses stands in older dumps once for each.
  const byKey = new Map(workloads.map((one) => [`${one.name} ${one.node} ${one.addresses.join()}`, one]));
  return {
    version: text(version) || text(istioVersion) || text(own) || text(gitTag),
    workloads: [...byKey.values()],
    services: values(root.services).map(serviceOf),
    policies: values(root.policies).map(policyOf),
    certificates: values(root.certificates).map(certificateOf),
    connections: values(root.workloadState).map(connectionsOf),
  };
}

function workloadOf(workload: Json): ZtunnelWorkload {
  const domain = text(workload.trustDomain) || 'cluster.local';
  const account = text(workload.serviceAccount);
  return {
    uid: text(workload.uid),
    name: nameOf(workload),
    addresses: texts(workload.workloadIps),
    node: text(workload.node),
    protocol: text(workload.protocol),
    status: text(workload.status),
    identity: account === '' ? '' : `spiffe://${domain}/ns/${text(workload.namespace)}/sa/${account}`,
    waypoint: gatewayOf(workload.waypoint),
    policies: texts(workload.authorizationPolicies),
  };
}

function serviceOf(service: Json): ZtunnelService {
  const endpoints = values(service.endpoints);
  return {
    name: nameOf(service),
    host: text(service.hostname),
    addresses: texts(service.vips).map(withoutNetwork),
    ports: Object.entries(object(service.ports)).map(([port, target]) => `${port} → ${number(target)}`),
    endpoints: endpoints.length,
    healthy: endpoints.filter(({ status }) => text(status) === '' || text(status) === 'Healthy').length,
    workloads: endpoints.map(({ workloadUid }) => text(workloadUid)),
    waypoint: gatewayOf(service.waypoint),
  };
}

function policyOf(policy: Json): ZtunnelPolicy {
  const rules = Array.isArray(policy.rules) ? policy.rules.length : 0;
  return { name: nameOf(policy), action: wordOf(policy.action), scope: wordOf(policy.scope), rules };
}

function certificateOf(entry: Json): ZtunnelCertificate {
  const identity = wordOf(entry.identity);
  const read = (role: CertificateInfo['role'], value: unknown) =>
    (Array.isArray(value) ? list(value) : value === undefined ? [] : [object(value)]).map((one): CertificateInfo => ({
      ...{ role, names: role === 'workload' ? [identity] : [], serial: text(one.serialNumber) },
      ...{ validFrom: text(one.validFrom), expires: text(one.expirationTime), secret: '' },
    }));
  const [own, ...rest] = read('workload', entry.certChain);
  const above = [
    ...rest.map((one): CertificateInfo => ({ ...one, role: 'ca', names: [] })),
    ...read('ca', entry.caCert),
  ];
  return {
    identity,
    state: wordOf(entry.state),
    chain: [...(own ? [own] : []), ...above, ...read('ca', entry.rootCerts)],
  };
}

function connectionsOf(entry: Json): ZtunnelConnections {
  const { inbound, outbound } = object(entry.connections);
  const count = (value: unknown) => (Array.isArray(value) ? value.length : 0);
  return {
    workload: nameOf(object(entry.info)),
    state: wordOf(entry.state),
    inbound: count(inbound),
    outbound: count(outbound),
  };
}

function nameOf({ namespace, name }: Json): string {
  return [text(namespace), text(name)].filter(Boolean).join('/');
}

/** `"Allow"`, or `{ "Unavailable": "why" }`, as Rust prints a choice that carries something. */
function wordOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries(object(value));
  return entry ? [entry[0], text(entry[1])].filter(Boolean).join(': ') : '';
}

/** A waypoint by address (`/10.96.0.9`, of the network before the slash) or by name. */
function gatewayOf(value: unknown): string {
  const { destination } = object(value);
  if (typeof destination === 'string') return withoutNetwork(destination);
  const { address, hostname, namespace } = object(destination);
  return withoutNetwork(text(address)) || [text(namespace), text(hostname)].filter(Boolean).join('/');
}

function withoutNetwork(address: string): string {
  return address.slice(address.indexOf('/') + 1);
}
