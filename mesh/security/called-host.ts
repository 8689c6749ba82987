import * as l10n from '@vscode/l10n';
import { fullHost } from '../hosts.ts';
import { matchesLabels } from '../selectors.ts';
import type { ServiceObject } from '../service-path/service-objects.ts';
import { tlsModeLabel } from './announce.ts';
import { servicesBefore } from './list-ports.ts';
import type { MeshPod, SecurityWorld, ServiceEntryObject, WorkloadAddress } from './security-objects.ts';

export interface NamedPort {
  port: number;
  targetPort?: number | string;
}

/** What clients call: a host of a Service or of a ServiceEntry, with who stands behind it. */
export interface CalledHost {
  kind: 'Service' | 'ServiceEntry';
  namespace: string;
  name: string;
  /** `reviews.shop.svc.cluster.local` */
  host: string;
  /** TCP ports only. */
  ports: NamedPort[];
  /** Clients go to the pods themselves: a headless Service, or a ServiceEntry with resolution NONE. */
  isPassthrough: boolean;
  /** Not of the mesh: nothing is automatic there. */
  isExternal: boolean;
  /** Ambient clients reach it through this one: `shop/waypoint`. */
  waypoint?: string;
  pods: MeshPod[];
}

export function hostOfService(service: ServiceObject, world: SecurityWorld): CalledHost {
  const { namespace = 'default', name = '' } = service.metadata ?? {};
  return {
    kind: 'Service',
    namespace,
    name,
    host: `${name}.${namespace}.svc.${world.clusterDomain}`,
    ports: (service.spec?.ports ?? [])
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map(({ port, targetPort }) => ({ port, ...(targetPort !== undefined && { targetPort }) })),
    isPassthrough: service.spec?.clusterIP === 'None',
    isExternal: service.spec?.type === 'ExternalName',
    ...waypointOf(service, world),
    pods: podsBehind(service, world),
  };
}

/** By the label of the Service, else of its namespace; `none` says that there is none. */
function waypointOf({ metadata }: ServiceObject, { namespaces }: SecurityWorld): { waypoint?: string } {
  const home = metadata?.namespace ?? 'default';
  const ofNamespace = namespaces.find((one) => one.metadata?.name === home)?.metadata?.labels;
  const labels = [metadata?.labels, ofNamespace].find((some) => some?.['istio.io/use-waypoint'] !== undefined);
  const name = labels?.['istio.io/use-waypoint'];
  if (name === undefined || name === 'none') return {};
  return { waypoint: `${labels?.['istio.io/use-waypoint-namespace'] ?? home}/${name}` };
}

export function podsBehind(service: ServiceObject, { pods, endpointSlices }: SecurityWorld): MeshPod[] {
  return pods.filter(({ pod }) => !isOver(pod) && servicesBefore(pod, [service], endpointSlices).length > 0);
}

/** One per host of the entry. */
export function hostsOfEntry(entry: ServiceEntryObject, world: SecurityWorld): CalledHost[] {
  const { namespace = 'default', name = '' } = entry.metadata ?? {};
  const { hosts = [], ports = [], location, resolution } = entry.spec ?? {};
  return hosts.map((host) => ({
    kind: 'ServiceEntry',
    namespace,
    name,
    host: fullHost(host, namespace, world.clusterDomain),
    ports: ports.flatMap(({ number: port, targetPort, protocol = '' }) =>
      port === undefined || protocol.toUpperCase() === 'UDP'
        ? []
        : [{ port, ...(targetPort !== undefined && { targetPort }) }],
    ),
    isPassthrough: resolution === undefined || resolution === 'NONE',
    // The field's default.
    isExternal: location !== 'MESH_INTERNAL',
    pods: podsOfEntry(entry, world),
  }));
}

/** Pods that it selects, WorkloadEntries that it selects, endpoints that it lists. */
export function podsOfEntry({ metadata, spec }: ServiceEntryObject, world: SecurityWorld): MeshPod[] {
  const namespace = metadata?.namespace ?? 'default';
  const listed = (spec?.endpoints ?? []).map((endpoint) => machine(endpoint, namespace, endpoint.address ?? ''));
  const wanted = spec?.workloadSelector?.labels;
  if (!wanted || Object.keys(wanted).length === 0) return listed;
  const pods = world.pods.filter(
    ({ pod }) =>
      !isOver(pod) &&
      (pod.metadata?.namespace ?? 'default') === namespace &&
      matchesLabels(wanted, pod.metadata?.labels),
  );
  const machines = (world.workloadEntries ?? [])
    .filter((one) => (one.metadata?.namespace ?? 'default') === namespace && matchesLabels(wanted, one.spec?.labels))
    .map((one) => machine(one.spec ?? {}, namespace, one.metadata?.name ?? ''));
  return [...pods, ...machines];
}

/** A workload that is no pod, as one: whether a proxy stands before it, its labels alone tell. */
function machine({ labels, ports = {} }: WorkloadAddress, namespace: string, name: string): MeshPod {
  const hasProxy = labels?.[tlsModeLabel] === 'istio';
  return {
    pod: {
      metadata: { namespace, name, ...(labels && { labels }) },
      spec: {
        containers: [
          {
            name,
            ports: Object.entries(ports).map(([portName, containerPort]) => ({ name: portName, containerPort })),
          },
        ],
      },
    },
    owner: { kind: 'WorkloadEntry', name },
    standing: hasProxy ? 'sidecar' : 'none',
    why: hasProxy
      ? l10n.t('its label {0}=istio says that a proxy stands before it', tlsModeLabel)
      : l10n.t('it has no label {0}=istio', tlsModeLabel),
  };
}

export function isOver({ status }: MeshPod['pod']): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
