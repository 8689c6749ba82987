/** The web consoles that stand beside a mesh, and which Services of a cluster are one. No editor and no I/O here. */
import type { ServiceObject } from '../../mesh/service-path/service-objects.ts';

export type ConsoleKind = 'kiali' | 'grafana' | 'jaeger' | 'prometheus';

/** As people write them. */
export const consoleNames: Readonly<Record<ConsoleKind, string>> = {
  kiali: 'Kiali',
  grafana: 'Grafana',
  jaeger: 'Jaeger',
  prometheus: 'Prometheus',
};

/** A Service behind which a console answers. */
export interface ConsoleService {
  kind: ConsoleKind;
  namespace: string;
  name: string;
  selector: Readonly<Record<string, string>>;
  /** Of the Service. */
  port: number;
  /** In its pods: a number, or a name that each pod resolves. */
  targetPort: number | string;
  scheme: 'http' | 'https';
  /** What the Service says of itself: its address from outside of the cluster. */
  externalUrl?: string;
}

interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  targetPort?: number | string;
  appProtocol?: string;
}

interface Habit {
  /** Values of `app`, `app.kubernetes.io/name`, `k8s-app`. */
  labels: readonly string[];
  names: RegExp;
  ports: readonly number[];
  portNames: readonly string[];
  /** Other parts of the same product, by name or by `component`. */
  not: RegExp;
}

/* Istio's own add-ons, the charts and the operators of each project; 9090 of Kiali are its own metrics. */
const habits: Readonly<Record<ConsoleKind, Habit>> = {
  kiali: {
    labels: ['kiali'],
    names: /^kiali$|-kiali$/,
    ports: [20_001],
    portNames: ['http', 'https', 'tcp', 'http-kiali', 'https-kiali'],
    not: /operator|metrics/,
  },
  grafana: {
    labels: ['grafana'],
    names: /^grafana$|-grafana$/,
    ports: [3000],
    portNames: ['service', 'http', 'https', 'http-web', 'web', 'grafana'],
    not: /operator|metrics|alerting|image-renderer|agent|loki|tempo|mimir/,
  },
  jaeger: {
    labels: ['jaeger', 'jaeger-query', 'jaeger-all-in-one'],
    names: /^tracing$|^jaeger$|^jaeger-query$|-jaeger-query$|^jaeger-.*-query$/,
    ports: [16_686],
    portNames: ['http-query', 'query-http', 'query', 'https-query'],
    not: /collector|agent|operator|ingester|cassandra|elasticsearch/,
  },
  prometheus: {
    labels: ['prometheus', 'kube-prometheus-stack-prometheus'],
    names: /^prometheus$|^prometheus-server$|^prometheus-k8s$|-prometheus$|-prometheus-server$/,
    ports: [9090],
    portNames: ['http', 'https', 'http-web', 'web', 'http-prometheus', 'prometheus'],
    not: /operator|alertmanager|pushgateway|node-exporter|kube-state|adapter|blackbox|thanos/,
  },
};

const labelKeys = ['app', 'app.kubernetes.io/name', 'k8s-app'];
const componentKeys = ['component', 'app.kubernetes.io/component'];

/**
 * The Services of a console, the likeliest first: in a control plane's namespace, marked by a label, with an address of
 * their own.
 * @param controlPlanes namespaces in which an istiod runs.
 */
export function findConsoles(
  kind: ConsoleKind,
  services: readonly ServiceObject[],
  controlPlanes: readonly string[] = ['istio-system'],
): ConsoleService[] {
  const found = services.flatMap((service) => {
    const console = asConsole(kind, service);
    return console ? [{ console, rank: rankOf(kind, service, controlPlanes) }] : [];
  });
  const key = ({ namespace, name }: ConsoleService) => `${namespace}/${name}`;
  return found
    .sort((a, b) => a.rank - b.rank || (key(a.console) < key(b.console) ? -1 : 1))
    .map(({ console }) => console);
}

function asConsole(kind: ConsoleKind, service: ServiceObject): ConsoleService | undefined {
  const { metadata, spec } = service;
  const { namespace = '', name = '', annotations } = metadata ?? {};
  const selector = spec?.selector ?? {};
  if (spec?.type === 'ExternalName' || Object.keys(selector).length === 0 || !isNamed(kind, service)) return undefined;
  const port = choosePort(habits[kind], (spec?.ports ?? []) as ServicePort[]);
  if (!port) return undefined;
  const externalUrl = kind === 'kiali' ? annotations?.['kiali.io/external-url'] : undefined;
  return {
    ...{ kind, namespace, name, selector },
    port: port.port,
    targetPort: port.targetPort ?? port.port,
    scheme: isTls(port) ? 'https' : 'http',
    ...(externalUrl !== undefined && { externalUrl }),
  };
}

function isNamed(kind: ConsoleKind, service: ServiceObject): boolean {
  const { labels, names, not } = habits[kind];
  const name = service.metadata?.name ?? '';
  const has = service.metadata?.labels ?? {};
  if (not.test(name) || componentKeys.some((key) => not.test(has[key] ?? ''))) return false;
  return names.test(name) || labelKeys.some((key) => labels.includes(has[key] ?? ''));
}

function choosePort({ ports, portNames }: Habit, all: readonly ServicePort[]): ServicePort | undefined {
  const tcp = all.filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  return (
    tcp.find(({ port, targetPort }) => ports.includes(port) || ports.includes(Number(targetPort))) ??
    portNames.map((wanted) => tcp.find(({ name }) => name === wanted)).find(Boolean) ??
    // Without a name there is no choice to be made.
    (tcp.length === 1 && tcp[0]?.name === undefined ? tcp[0] : undefined)
  );
}

function isTls({ name = '', appProtocol = '', port }: ServicePort): boolean {
  return /^https/i.test(appProtocol) || /^https/i.test(name) || port === 443 || port === 8443;
}

function rankOf(kind: ConsoleKind, { metadata, spec }: ServiceObject, controlPlanes: readonly string[]): number {
  const isLabelled = labelKeys.some((key) => habits[kind].labels.includes(metadata?.labels?.[key] ?? ''));
  return (
    (controlPlanes.includes(metadata?.namespace ?? '') ? 0 : 4) +
    (spec?.clusterIP === 'None' ? 2 : 0) +
    (isLabelled ? 0 : 1)
  );
}
