import type { Pod } from '../kubernetes.ts';
import { matchesLabels } from '../selectors.ts';
import { serviceNameLabel } from '../service-path/service-objects.ts';
import type { EndpointSliceObject, ServiceObject, SliceEndpoint } from '../service-path/service-objects.ts';

/** A port on which a pod is called: its own number, and the Service ports that lead to it. */
export interface ServedPort {
  /** The container's: PeerAuthentications speak of this one. */
  port: number;
  /** As the container names it. */
  name?: string;
  /** The pod says that it listens there. */
  declared?: true;
  /** DestinationRules and callers speak of these. */
  behind: { service: string; port: number; name?: string }[];
}

/** Ports that belong to the proxy itself: nothing of the app, and never redirected. */
const proxyPorts = new Set([15000, 15001, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090]);

/** The Services of its namespace that select a pod, and those without a selector whose EndpointSlices name it. */
export function servicesBefore(
  pod: Pod,
  services: readonly ServiceObject[],
  slices: readonly EndpointSliceObject[] = [],
): ServiceObject[] {
  return services.filter(
    (service) =>
      (service.metadata?.namespace ?? 'default') === (pod.metadata?.namespace ?? 'default') &&
      leadsTo(service, pod, slices),
  );
}

function leadsTo({ metadata, spec }: ServiceObject, pod: Pod, slices: readonly EndpointSliceObject[]): boolean {
  if (spec?.type === 'ExternalName') return false;
  if (Object.keys(spec?.selector ?? {}).length > 0) return matchesLabels(spec?.selector, pod.metadata?.labels);
  return slices.some(
    (slice) =>
      slice.metadata?.labels?.[serviceNameLabel] === metadata?.name &&
      (slice.metadata?.namespace ?? 'default') === (metadata?.namespace ?? 'default') &&
      (slice.endpoints ?? []).some((endpoint) => isOf(endpoint, pod)),
  );
}

/** By name, else by an address, which a pod on the host's network shares with its node. */
function isOf({ targetRef, addresses = [] }: SliceEndpoint, { metadata, spec, status }: Pod): boolean {
  if (targetRef?.kind === 'Pod') return targetRef.name === metadata?.name;
  if (spec?.hostNetwork) return false;
  const own = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)];
  return addresses.some((address) => own.includes(address));
}

/**
 * TCP ports that a pod declares or that a Service leads to, in their order.
 * @param named further ones that somebody speaks of.
 */
export function listPorts(pod: Pod, services: readonly ServiceObject[], named: readonly number[] = []): ServedPort[] {
  const ports = new Map<number, ServedPort>();
  const at = (port: number, name?: string): ServedPort => {
    const known = ports.get(port) ?? { port, behind: [] };
    if (name !== undefined && known.name === undefined) known.name = name;
    ports.set(port, known);
    return known;
  };
  for (const { name, ports: declared = [] } of containersOf(pod)) {
    if (name === 'istio-proxy') continue;
    for (const { containerPort, name: portName, protocol = 'TCP' } of declared)
      if (protocol === 'TCP') at(containerPort, portName).declared = true;
  }
  for (const service of servicesBefore(pod, services)) {
    for (const port of service.spec?.ports ?? []) {
      if ((port.protocol ?? 'TCP') !== 'TCP') continue;
      const target = resolveTarget(pod, port);
      if (target === undefined) continue;
      at(target).behind.push({
        service: service.metadata?.name ?? '',
        port: port.port,
        ...(port.name !== undefined && { name: port.name }),
      });
    }
  }
  for (const port of named) at(port);
  return [...ports.values()].filter(({ port }) => !proxyPorts.has(port)).sort((a, b) => a.port - b.port);
}

/** The container port that a Service's port leads to; undefined for a name that the pod does not have. */
export function resolveTarget(
  pod: Pod,
  { port, targetPort }: { port: number; targetPort?: number | string },
): number | undefined {
  const target = targetPort ?? port;
  if (typeof target === 'number') return target;
  if (/^\d+$/.test(target)) return Number(target);
  return containersOf(pod)
    .flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === target)?.containerPort;
}

function containersOf({ spec }: Pod) {
  const native = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...(spec?.containers ?? []), ...native];
}
