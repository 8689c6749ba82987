import type { TraceHints } from '../../contract/interception-view.ts';
import type { ExpectedInputs } from '../../mesh/interception/expected-rules.ts';
import type { KubernetesObject, Labels, Pod } from '../../mesh/kubernetes.ts';

/** A Service as far as it tells whom an application might call. */
export interface CalledService extends KubernetesObject {
  spec?: { clusterIP?: string; selector?: Labels; ports?: { port: number; protocol?: string }[] };
}

/**
 * What makes the trace form's presets this pod's own.
 * @param services of the pod's namespace; absent or empty: none may be read.
 */
export function traceHints(
  pod: Pod,
  { services: known = [] }: Pick<ExpectedInputs, 'services'>,
  services: readonly CalledService[] = [],
): TraceHints {
  const { spec, status } = pod;
  const podIps = addressesOf(status);
  const nodeIps = [status?.hostIP].filter((ip) => ip !== undefined);
  const [app] = (spec?.containers ?? []).filter(({ name }) => name !== 'istio-proxy');
  const appPorts = (app?.ports ?? [])
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map((port) => port.containerPort);
  const appUid = app?.securityContext?.runAsUser ?? spec?.securityContext?.runAsUser;
  const appGid = app?.securityContext?.runAsGroup ?? spec?.securityContext?.runAsGroup;
  const service = findCalled(pod, services);
  const dnsIp = known.find(({ metadata }) => metadata?.name === 'kube-dns')?.spec?.clusterIP;
  return {
    ...(podIps.length > 0 && { podIps }),
    ...(nodeIps.length > 0 && { nodeIps }),
    ...(appPorts.length > 0 && { appPorts }),
    ...(appUid !== undefined && { appUid }),
    ...(appGid !== undefined && { appGid }),
    ...(service && { service }),
    ...(dnsIp !== undefined && dnsIp !== 'None' && { dnsIp }),
  };
}

function addressesOf(status: Pod['status']): string[] {
  return [...new Set([status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)])].filter((ip) => ip !== undefined);
}

/** The first by name that has an address and is not the pod's own. */
function findCalled({ metadata }: Pod, services: readonly CalledService[]): TraceHints['service'] {
  const labels = metadata?.labels ?? {};
  const isOwn = ({ spec }: CalledService) => {
    const wanted = Object.entries(spec?.selector ?? {});
    return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
  };
  const found = services
    .filter((service) => !isOwn(service))
    .flatMap(({ metadata: own, spec }) => {
      const port = spec?.ports?.find(({ protocol = 'TCP' }) => protocol === 'TCP')?.port;
      const ip = spec?.clusterIP;
      return port !== undefined && ip && ip !== 'None' ? [{ name: own?.name ?? '', ip, port }] : [];
    });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))[0];
}
