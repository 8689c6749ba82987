/** Which page of a console is about what a person points at. No editor and no I/O here. */
import type { ConsoleKind } from './consoles.ts';

/** What a page is about; without `kind`, the mesh as a whole. */
export interface PageSubject {
  kind?: string;
  namespace?: string;
  name?: string;
  /** The workload that a pod belongs to; of a workload, itself. */
  workload?: string;
  /** What the mesh calls its application: `service.istio.io/canonical-name`, else the label `app`. */
  app?: string;
}

/** What is known of the console that shows it. */
export interface PageFacts {
  /** `2.5.0`; undefined: not known. */
  version?: string;
  /** Grafana's dashboards by title. */
  dashboards?: readonly { uid: string; title: string }[];
  /** `cluster.local` */
  clusterDomain?: string;
}

/** @returns path and query behind the console's root: `/console/namespaces/shop/workloads/reviews`. */
export function pageOf(console: ConsoleKind, subject: PageSubject, facts: PageFacts = {}): string {
  return pages[console](subject, facts);
}

const pages: Readonly<Record<ConsoleKind, (subject: PageSubject, facts: PageFacts) => string>> = {
  kiali: kialiPage,
  grafana: grafanaPage,
  jaeger: jaegerPage,
  prometheus: prometheusPage,
};

const part = encodeURIComponent;

function kialiPage({ kind, namespace = '', name = '', workload }: PageSubject, { version }: PageFacts): string {
  const inNamespace = `/console/namespaces/${part(namespace)}`;
  if (kind === undefined) return '/console/overview';
  if (kind === 'Namespace')
    return `/console/graph/namespaces?${query({ namespaces: name, graphType: 'versionedApp' })}`;
  if (kind === 'Service') return `${inNamespace}/services/${part(name)}`;
  if (workload !== undefined) return `${inNamespace}/workloads/${part(workload)}`;
  const path = istioPaths[kind];
  if (!path) return `/console/graph/namespaces?${query({ namespaces: namespace })}`;
  // Before 2.0 Kiali named the kinds by their plurals alone.
  return Number.parseInt(version ?? '2', 10) < 2
    ? `${inNamespace}/istio/${path.plural}/${part(name)}`
    : `${inNamespace}/istio/${path.group}/v1/${kind}/${part(name)}`;
}

const istioPaths: Readonly<Record<string, { group: string; plural: string }>> = {
  PeerAuthentication: { group: 'security.istio.io', plural: 'peerauthentications' },
  RequestAuthentication: { group: 'security.istio.io', plural: 'requestauthentications' },
  AuthorizationPolicy: { group: 'security.istio.io', plural: 'authorizationpolicies' },
  VirtualService: { group: 'networking.istio.io', plural: 'virtualservices' },
  DestinationRule: { group: 'networking.istio.io', plural: 'destinationrules' },
  ServiceEntry: { group: 'networking.istio.io', plural: 'serviceentries' },
  Sidecar: { group: 'networking.istio.io', plural: 'sidecars' },
  Gateway: { group: 'networking.istio.io', plural: 'gateways' },
};

/**
 * Istio's own dashboards by their titles, with their variables filled. Their ids differ from installation to installation:
 * where they are not known, Grafana's own search for the title.
 */
function grafanaPage(subject: PageSubject, { dashboards = [], clusterDomain = 'cluster.local' }: PageFacts): string {
  const { title, variables } = dashboardFor(subject, clusterDomain);
  const found = findDashboard(dashboards, title);
  return found ? `/d/${part(found.uid)}${withQuery(variables)}` : `/dashboards?${query({ query: title })}`;
}

function dashboardFor(
  { kind, namespace = '', name = '', workload }: PageSubject,
  clusterDomain: string,
): { title: string; variables: Record<string, string> } {
  if (kind === undefined) return { title: 'Istio Mesh Dashboard', variables: {} };
  if (workload !== undefined && /^istiod(-|$)/.test(workload))
    return { title: 'Istio Control Plane Dashboard', variables: {} };
  if (kind === 'Service') {
    const host = `${name}.${namespace}.svc.${clusterDomain}`;
    return { title: 'Istio Service Dashboard', variables: { 'var-service': host } };
  }
  return {
    title: 'Istio Workload Dashboard',
    variables: {
      'var-namespace': kind === 'Namespace' ? name : namespace,
      ...(workload !== undefined && { 'var-workload': workload }),
    },
  };
}

/** By its whole title, else by the words that matter: `Istio / Workload`, `Istio Workload Dashboard (copy)`. */
function findDashboard(dashboards: readonly { uid: string; title: string }[], title: string) {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z]+/g, ' ')
      .trim();
  const words = plain(title)
    .split(' ')
    .filter((word) => word !== 'dashboard');
  return (
    dashboards.find((dashboard) => plain(dashboard.title) === plain(title)) ??
    dashboards.find((dashboard) => words.every((word) => plain(dashboard.title).split(' ').includes(word)))
  );
}

/** A proxy calls its service as its application with the namespace. */
function jaegerPage({ kind, namespace = '', name = '', workload, app }: PageSubject): string {
  const service = app ?? (kind === 'Service' ? name : workload);
  if (kind === undefined || kind === 'Namespace' || service === undefined) return '/search';
  return `/search?${query({ service: `${service}.${namespace}` })}`;
}

function prometheusPage({ kind, namespace = '', name = '', workload }: PageSubject): string {
  const matchers =
    kind === 'Namespace'
      ? [`destination_workload_namespace="${name}"`]
      : kind === 'Service'
        ? [`destination_service_name="${name}"`, `destination_service_namespace="${namespace}"`]
        : workload !== undefined
          ? [`destination_workload="${workload}"`, `destination_workload_namespace="${namespace}"`]
          : namespace === ''
            ? []
            : [`destination_workload_namespace="${namespace}"`];
  return `/graph?${query({ 'g0.expr': `istio_requests_total{${matchers.join(',')}}`, 'g0.tab': '1' })}`;
}

function query(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${part(key)}=${part(value)}`)
    .join('&');
}

function withQuery(values: Readonly<Record<string, string>>): string {
  return Object.keys(values).length === 0 ? '' : `?${query(values)}`;
}
