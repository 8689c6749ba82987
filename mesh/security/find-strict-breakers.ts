import * as l10n from '@vscode/l10n';
import { splitList } from '../interception/interception-settings.ts';
import type { Container, Pod } from '../kubernetes.ts';
import type { ServiceObject } from '../service-path/service-objects.ts';
import { isOver } from './called-host.ts';
import type { ClientTls } from './client-tls.ts';
import type { ServerMtls } from './decide-server-mtls.ts';
import type { CalledServiceMtls } from './explain-host.ts';
import { servicesBefore } from './list-ports.ts';
import type { MeshPod, SecurityWorld } from './security-objects.ts';

/** Somebody who calls, or may call, without a certificate of the mesh. */
export interface StrictBreaker {
  /**
   * `names`: it is configured with the Service's name. `mesh`: it has a proxy and sends plain text all the same. `outside`:
   * from outside of the mesh by design. `may`: nothing but opportunity.
   */
  likelihood: 'names' | 'mesh' | 'outside' | 'may';
  /** `Deployment shop/legacy`, `kubelet` */
  who: string;
  says: string;
}

/** How many candidates without a sign of a call are named. */
const fewCandidates = 8;

/**
 * Who would be cut off if the pods took mutual TLS only. Nobody here sees traffic: these are callers that say so in their
 * configuration, and those that could call without anybody having written it down.
 */
export function findStrictBreakers(
  server: ServerMtls,
  world: SecurityWorld,
  called: readonly CalledServiceMtls[] = [],
): StrictBreaker[] {
  const { pod } = server.server;
  const services = servicesBefore(pod, world.services, world.endpointSlices);
  const outsiders = world.pods.filter(
    ({ pod: other, standing }) => standing === 'none' && !isOver(other) && !isSame(other, server),
  );
  const candidates = byOwner(outsiders).map((outsider) => judge(outsider, server, services));
  const likely = candidates.flatMap((one) => (one && one.likelihood !== 'may' ? [one] : []));
  const possible = candidates.flatMap((one) => (one?.likelihood === 'may' ? [one] : []));
  return [
    ...likely,
    ...plainClients(server, called),
    ...pastTheirProxy(services, world),
    ...fromOutside(services),
    ...fromApiServer(services, world),
    ...probes(server),
    ...scrapes(server),
    ...possible.slice(0, fewCandidates),
    ...(possible.length > fewCandidates
      ? [
          {
            likelihood: 'may' as const,
            who: '…',
            says: l10n.t('{0} more workloads without a proxy in this namespace.', possible.length - fewCandidates),
          },
        ]
      : []),
  ];
}

function judge(outsider: MeshPod, server: ServerMtls, services: readonly ServiceObject[]): StrictBreaker | undefined {
  const { pod, owner, why } = outsider;
  const namespace = pod.metadata?.namespace ?? 'default';
  const who = `${owner.kind} ${namespace}/${owner.name}`;
  const named = findMention(pod, services, namespace);
  if (named)
    return {
      likelihood: 'names',
      who,
      says: l10n.t('It has no proxy ({0}), and {1} names the Service: “{2}”.', why, named.where, named.text),
    };
  const role = knownRole(pod);
  if (role === 'ingress')
    return { likelihood: 'outside', who, says: l10n.t('An ingress controller without a proxy: {0}', why) };
  if (role === 'monitoring')
    return isScraped(server)
      ? {
          likelihood: 'outside',
          who,
          says: l10n.t('Monitoring without a proxy, and the pods ask to be scraped: {0}', why),
        }
      : {
          likelihood: 'may',
          who,
          says: l10n.t('Monitoring without a proxy, which may have these pods among its targets: {0}', why),
        };
  if (namespace === server.namespace)
    return { likelihood: 'may', who, says: l10n.t('In the same namespace, without a proxy: {0}', why) };
  return undefined;
}

/** Clients with a proxy that is told to send something else than mutual TLS, or that does not know better. */
function plainClients({ owner }: ServerMtls, called: readonly CalledServiceMtls[]): StrictBreaker[] {
  const name = `${owner.kind} ${owner.name}`;
  const found = new Map<string, StrictBreaker>();
  for (const { clients, host } of called)
    for (const { namespaces, calls, by } of clients)
      for (const { tls, port, servers, agreement, told } of calls) {
        if (!servers.includes(name) || agreement.outcome === 'mutual' || !staysPlain(tls, by, told)) continue;
        const who = l10n.t('Clients in {0}', namespaces.join(', '));
        found.set(`${who} ${tls.says}`, {
          likelihood: 'mesh',
          who,
          says: l10n.t('To {0} they do not send mutual TLS: {1}', `${host}:${port}`, tls.says),
        });
      }
  return [...found.values()];
}

/** What a stricter policy would not change by itself. */
function staysPlain({ sends, byPolicy }: ClientTls, by: 'sidecar' | 'ambient', told: boolean): boolean {
  if (by === 'ambient') return sends === 'plain';
  if (sends === 'auto') return !told;
  return sends !== 'mesh' && byPolicy !== true;
}

/** Pods with a proxy that leave the Service's port out of what goes through it. */
function pastTheirProxy(services: readonly ServiceObject[], { pods }: SecurityWorld): StrictBreaker[] {
  const ports = new Set(services.flatMap(({ spec }) => (spec?.ports ?? []).map(({ port }) => String(port))));
  const past = pods.filter(
    ({ pod, standing }) => standing === 'sidecar' && !isOver(pod) && skipped(pod, ports) !== undefined,
  );
  return byOwner(past).map(({ pod, owner }) => ({
    likelihood: 'mesh',
    who: `${owner.kind} ${pod.metadata?.namespace ?? 'default'}/${owner.name}`,
    says: l10n.t('{0} takes port {1} past its proxy: a call there has no certificate.', ...skipped(pod, ports)!),
  }));
}

function skipped({ metadata }: Pod, ports: ReadonlySet<string>): [annotation: string, port: string] | undefined {
  const name = 'traffic.sidecar.istio.io/excludeOutboundPorts';
  const port = splitList(metadata?.annotations?.[name] ?? '').find((one) => ports.has(one));
  return port === undefined ? undefined : [name, port];
}

/** Environment, arguments or command with the Service's name as a host. */
function findMention(
  pod: Pod,
  services: readonly ServiceObject[],
  from: string,
): { where: string; text: string } | undefined {
  const patterns = services.flatMap(({ metadata }) =>
    mentionsOf(metadata?.name ?? '', metadata?.namespace ?? '', from),
  );
  for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
    for (const [where, text] of textsOf(container))
      if (patterns.some((pattern) => pattern.test(text)))
        return { where: `${container.name}: ${where}`, text: text.length > 80 ? `${text.slice(0, 80)}…` : text };
  }
  return undefined;
}

/** `reviews.shop`, `reviews.shop.svc…`; from the same namespace `//reviews:9080`, `reviews:9080` and `reviews` alone. */
function mentionsOf(name: string, namespace: string, from: string): RegExp[] {
  if (name === '') return [];
  const host = escape(name);
  const full = new RegExp(`(?<![\\w.-])${host}\\.${escape(namespace)}(?![\\w-])`);
  return from === namespace
    ? [full, new RegExp(`(?:^|//|@)${host}(?:[:/]|$)`), new RegExp(`(?<![\\w.-])${host}:\\d`)]
    : [full];
}

function textsOf({ env = [], args = [], command = [] }: Container): [where: string, text: string][] {
  return [
    ...env.flatMap(({ name, value }): [string, string][] => (value ? [[name, value]] : [])),
    ...[...command, ...args].map((text): [string, string] => [l10n.t('the command line'), text]),
  ];
}

const roles: { role: 'ingress' | 'monitoring'; pattern: RegExp }[] = [
  {
    role: 'ingress',
    pattern:
      /ingress-nginx|nginx-ingress|nginx\/nginx-ingress|nginx-gateway|envoyproxy\/gateway|traefik|haproxy-ingress|kong\/|\/kong|contour|ambassador|emissary|apisix|skipper|cloudflared|oauth2-proxy/,
  },
  {
    role: 'monitoring',
    pattern:
      /prometheus|victoria-?metrics|vmagent|grafana-agent|grafana\/alloy|datadog|telegraf|otel|opentelemetry-collector|newrelic/,
  },
];

function knownRole({ spec }: Pod): 'ingress' | 'monitoring' | undefined {
  const images = (spec?.containers ?? []).map(({ image = '' }) => image);
  return roles.find(({ pattern }) => images.some((image) => pattern.test(image)))?.role;
}

function fromOutside(services: readonly ServiceObject[]): StrictBreaker[] {
  return services.flatMap(({ metadata, spec }): StrictBreaker[] =>
    spec?.type === 'NodePort' || spec?.type === 'LoadBalancer'
      ? [
          {
            likelihood: 'outside',
            who: `Service ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
            says: l10n.t(
              'It is of type {0}: who comes that way from outside of the cluster has no certificate.',
              spec.type,
            ),
          },
        ]
      : [],
  );
}

function fromApiServer(
  services: readonly ServiceObject[],
  { webhooks = [], callers = [] }: SecurityWorld,
): StrictBreaker[] {
  const called = webhooks.flatMap(({ metadata, webhooks: all = [] }) =>
    all.some(({ clientConfig }) =>
      services.some(
        (service) =>
          service.metadata?.name === clientConfig?.service?.name &&
          service.metadata?.namespace === clientConfig?.service?.namespace,
      ),
    )
      ? [metadata?.name ?? '']
      : [],
  );
  const others = callers.filter(({ service }) =>
    services.some(({ metadata }) => metadata?.name === service.name && metadata.namespace === service.namespace),
  );
  const who = l10n.t('the API server');
  return [
    ...called.map((name): StrictBreaker => ({
      likelihood: 'outside',
      who,
      says: l10n.t('Webhook {0} makes it call this Service, without a certificate of the mesh.', name),
    })),
    ...others.map(({ by }): StrictBreaker => ({
      likelihood: 'outside',
      who,
      says: l10n.t('{0} makes it call this Service, without a certificate of the mesh.', by),
    })),
  ];
}

interface Probe {
  httpGet?: { path?: string; port?: number | string };
  tcpSocket?: { port?: number | string };
  grpc?: { port?: number };
}

type Probed = Container & { livenessProbe?: Probe; readinessProbe?: Probe; startupProbe?: Probe };

/** The kubelet has no certificate. The injector points its probes at the agent (port 15020), unless told not to. */
function probes({ server: { pod, standing } }: ServerMtls): StrictBreaker[] {
  if (standing !== 'sidecar') return [];
  const isRunning = pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined;
  const rewrite = pod.metadata?.annotations?.['sidecar.istio.io/rewriteAppHTTPProbers'];
  // Of a template the injector has yet to make a pod: it rewrites, unless the pod says no.
  if (!isRunning && rewrite !== 'false') return [];
  return (pod.spec?.containers ?? []).flatMap((container: Probed): StrictBreaker[] => {
    if (container.name === 'istio-proxy') return [];
    const { livenessProbe, readinessProbe, startupProbe } = container;
    const plain = Object.entries({ livenessProbe, readinessProbe, startupProbe }).filter(
      ([, probe]) => probe && reachesApp(probe),
    );
    return plain.map(([kind]) => ({
      likelihood: 'outside',
      who: 'kubelet',
      says: l10n.t(
        'The {0} of container {1} goes to the app itself and is not rewritten to the proxy’s agent: it would fail. See sidecar.istio.io/rewriteAppHTTPProbers.',
        kind,
        container.name,
      ),
    }));
  });
}

/** TCP probes succeed as soon as the proxy takes the connection, and `exec` stays in the container. */
function reachesApp({ httpGet, grpc }: Probe): boolean {
  if (grpc) return true;
  return httpGet !== undefined && !(Number(httpGet.port) === 15020 && httpGet.path?.startsWith('/app-health/'));
}

function scrapes(server: ServerMtls): StrictBreaker[] {
  const { annotations = {} } = server.server.pod.metadata ?? {};
  if (!isScraped(server)) return [];
  return [
    {
      likelihood: 'outside',
      who: 'Prometheus',
      says: l10n.t(
        'The annotation prometheus.io/scrape asks for a scrape of port {0}, the app’s own: without a certificate it would fail. With the proxy’s merged metrics it would go to port 15020.',
        annotations['prometheus.io/port'] ?? '80',
      ),
    },
  ];
}

/** Scraped at a port that the proxy guards: the injector moves the annotations to 15020 when metrics are merged. */
function isScraped({ server: { pod } }: ServerMtls): boolean {
  const { annotations = {} } = pod.metadata ?? {};
  if (annotations['prometheus.io/scrape'] !== 'true') return false;
  const wasInjected = annotations['sidecar.istio.io/status'] !== undefined;
  return wasInjected
    ? !['15020', '15090'].includes(annotations['prometheus.io/port'] ?? '')
    : annotations['prometheus.istio.io/merge-metrics'] === 'false';
}

function byOwner(pods: readonly MeshPod[]): MeshPod[] {
  const owners = new Map<string, MeshPod>();
  for (const one of pods) {
    const key = `${one.pod.metadata?.namespace ?? ''}/${one.owner.kind}/${one.owner.name}`;
    if (!owners.has(key)) owners.set(key, one);
  }
  return [...owners.values()];
}

function isSame({ metadata }: Pod, { server }: ServerMtls): boolean {
  const { namespace, name } = server.pod.metadata ?? {};
  return metadata?.namespace === namespace && metadata?.name === name;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
