/** What a cluster says about one of its consoles: where its pages begin, its address from outside, what it offers. */
import { parse } from 'yaml';
import type { ConfigMap, KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { readAdmin } from '../actions/read-admin.ts';
import { isReady, printSelector } from '../actions/pod-targets.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import type { PageFacts } from './console-pages.ts';
import { findConsoles, type ConsoleKind, type ConsoleService } from './consoles.ts';
import { isWebAddress } from './link-settings.ts';
import type { ServiceObject } from '../../mesh/service-path/service-objects.ts';

/** A console as it stands in a cluster. */
export interface Console extends ConsoleService {
  /** Where its pages begin, behind a forwarded port: '' or `/kiali`. */
  root: string;
  facts: PageFacts;
}

const kialis: ResourceType = { apiVersion: 'kiali.io/v1alpha1', kind: 'Kiali', plural: 'kialis', namespaced: true };

/**
 * Looks in the whole cluster; who may not, in the namespaces of `fallback`.
 * @throws ClusterFailure when no Services can be read at all.
 */
export async function listConsoles(
  cluster: Cluster,
  kind: ConsoleKind,
  fallback: readonly string[],
  signal?: AbortSignal,
): Promise<ConsoleService[]> {
  const options = { ...(signal && { signal }) };
  try {
    const { items } = await cluster.list<ServiceObject>(resourceTypes.services, options);
    const planes = items.filter(({ metadata }) => metadata?.labels?.app === 'istiod');
    const namespaces = planes.flatMap(({ metadata }) => metadata?.namespace ?? []);
    return findConsoles(kind, items, namespaces.length > 0 ? namespaces : undefined);
  } catch (error) {
    if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
    const lists = await Promise.allSettled(
      [...new Set(fallback)].map((namespace) =>
        cluster.list<ServiceObject>(resourceTypes.services, { ...options, namespace }),
      ),
    );
    if (lists.every(({ status }) => status === 'rejected')) throw error;
    return findConsoles(
      kind,
      lists.flatMap((list) => (list.status === 'fulfilled' ? list.value.items : [])),
    );
  }
}

/** Reads what is there to be read; what is not leaves the habits of the console. Never fails. */
export async function readConsole(cluster: Cluster, service: ConsoleService, signal?: AbortSignal): Promise<Console> {
  const { namespace, selector } = service;
  const labelSelector = printSelector({ matchLabels: { ...selector } });
  const options = { namespace, timeoutMs: 5000, ...(signal && { signal }) };
  const pods = await cluster.list<Pod>(resourceTypes.pods, { ...options, labelSelector }).then(
    ({ items }) => items,
    () => [],
  );
  const pod = pods.find((each) => isReady(each)) ?? pods[0];
  const found = await readers[service.kind](cluster, service, pod, options);
  const probed = probeOf(service.kind, pod);
  const { externalUrl: annotated, ...known } = service;
  const externalUrl = found.externalUrl ?? outside(annotated, service);
  const console: Console = {
    ...known,
    scheme: found.scheme ?? probed.scheme ?? service.scheme,
    root: tidyRoot(found.root ?? probed.root ?? (service.kind === 'kiali' ? '/kiali' : '')),
    facts: found.facts ?? {},
    ...(externalUrl !== undefined && { externalUrl }),
  };
  if (service.kind !== 'grafana' || !pod) return console;
  return { ...console, facts: { dashboards: await listDashboards(cluster, console, pod, signal) } };
}

interface Found {
  root?: string | undefined;
  scheme?: 'http' | 'https' | undefined;
  externalUrl?: string | undefined;
  facts?: PageFacts;
}

type Reader = (
  cluster: Cluster,
  service: ConsoleService,
  pod: Pod | undefined,
  options: { namespace: string; timeoutMs: number; signal?: AbortSignal },
) => Promise<Found> | Found;

const readers: Readonly<Record<ConsoleKind, Reader>> = {
  kiali: readKiali,
  grafana: readGrafana,
  jaeger: (_, __, pod) => ({ root: argument(pod, 'query.base-path') ?? variable(pod, 'QUERY_BASE_PATH') }),
  prometheus: (_, service, pod) => {
    const url = argument(pod, 'web.external-url');
    return {
      root: argument(pod, 'web.route-prefix') ?? (url === undefined ? undefined : pathOf(url)),
      externalUrl: outside(url, service),
    };
  },
};

async function readKiali(...[cluster, service, pod, options]: Parameters<Reader>): Promise<Found> {
  const { server, identity } = (await readKialiConfig(cluster, service, options)) ?? {};
  const image = pod?.spec?.containers?.[0]?.image ?? '';
  const version = /:v?(\d+\.\d+[\w.-]*)$/.exec(image)?.[1] ?? pod?.metadata?.labels?.['app.kubernetes.io/version'];
  const hasTls = Boolean(identity?.cert_file && identity.private_key_file);
  return {
    // What is configured without a root has none; what is not read at all may have one.
    root: server ? (server.web_root ?? '') : undefined,
    scheme: hasTls ? 'https' : undefined,
    externalUrl: outside(kialiAddress(server), service),
    ...(version !== undefined && { facts: { version: version.replace(/^v/, '') } }),
  };
}

interface KialiServer {
  web_root?: string;
  web_fqdn?: string;
  web_port?: string | number;
  web_schema?: string;
}

interface KialiConfig {
  server?: KialiServer;
  identity?: { cert_file?: string; private_key_file?: string };
}

/** Its ConfigMap has all that holds; the custom resource only what somebody wrote. */
async function readKialiConfig(
  cluster: Cluster,
  { name }: ConsoleService,
  { namespace, ...options }: { namespace: string; timeoutMs: number; signal?: AbortSignal },
): Promise<KialiConfig | undefined> {
  const map = await cluster
    .get<ConfigMap>(resourceTypes.configMaps, name, { ...options, namespace })
    .catch(() => undefined);
  const text = map?.data?.['config.yaml'];
  if (text !== undefined) return asConfig(text);
  const resources = await cluster
    .list<KubernetesObject & { spec?: unknown }>(kialis, { ...options, namespace })
    .catch(() => undefined);
  const config = resources?.items[0]?.spec as KialiConfig | undefined;
  // The operator gives it its own root where none is written.
  return config?.server?.web_root === undefined ? undefined : config;
}

function asConfig(text: string): KialiConfig | undefined {
  try {
    const config = parse(text) as unknown;
    return typeof config === 'object' && config !== null ? { server: {}, ...config } : undefined;
  } catch {
    return undefined;
  }
}

function kialiAddress(server: KialiServer | undefined): string | undefined {
  if (!server?.web_fqdn) return undefined;
  const { web_schema = 'https', web_fqdn, web_port, web_root = '' } = server;
  return `${web_schema || 'https'}://${web_fqdn}${web_port ? `:${web_port}` : ''}${tidyRoot(web_root)}`;
}

async function readGrafana(...[cluster, service, pod, options]: Parameters<Reader>): Promise<Found> {
  const map = await cluster.get<ConfigMap>(resourceTypes.configMaps, service.name, options).catch(() => undefined);
  const ini = readServerSection(map?.data?.['grafana.ini'] ?? '');
  const url = variable(pod, 'GF_SERVER_ROOT_URL') ?? ini.root_url;
  const isServed = (variable(pod, 'GF_SERVER_SERVE_FROM_SUB_PATH') ?? ini.serve_from_sub_path) === 'true';
  return {
    root: isServed && url !== undefined ? pathOf(url) : '',
    externalUrl: outside(url, service),
  };
}

/** The lines of `[server]`. */
function readServerSection(text: string): Record<string, string> {
  const [, section = ''] = /^\[server\][^\n]*\n((?:(?!^\[)[^\n]*(?:\n|$))*)/m.exec(`${text}\n`) ?? [];
  return Object.fromEntries(
    [...section.matchAll(/^\s*(\w+)\s*=\s*(.*?)\s*$/gm)].map(([, key, value]): [string, string] => [key!, value!]),
  );
}

/** Without a login where Grafana lets anybody look, as Istio's add-on does; else nothing is known. */
async function listDashboards(
  cluster: Cluster,
  { namespace, targetPort, root, scheme }: Console,
  pod: Pod,
  signal?: AbortSignal,
): Promise<{ uid: string; title: string }[]> {
  const port = portIn(pod, targetPort);
  const name = pod.metadata?.name;
  if (scheme === 'https' || port === undefined || name === undefined) return [];
  try {
    const path = `${root}/api/search?type=dash-db&query=istio&limit=200`;
    const text = await readAdmin(cluster, { namespace, name, port }, path, {
      timeoutMs: 5000,
      ...(signal && { signal }),
    });
    const all = JSON.parse(text) as unknown;
    return (Array.isArray(all) ? all : []).flatMap((each: { uid?: unknown; title?: unknown } | null) =>
      typeof each?.uid === 'string' && typeof each.title === 'string' ? [{ uid: each.uid, title: each.title }] : [],
    );
  } catch {
    return [];
  }
}

function portIn(pod: Pod, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  const ports = (pod.spec?.containers ?? []).flatMap(({ ports: all = [] }) => all);
  return ports.find(({ name }) => name === port)?.containerPort;
}

interface Probe {
  httpGet?: { path?: string; scheme?: string };
}

const health: Readonly<Record<ConsoleKind, RegExp>> = {
  kiali: /\/healthz$/,
  grafana: /\/api\/health$|\/healthz$/,
  // Its health has a port of its own.
  jaeger: /(?!)/,
  prometheus: /\/-\/(?:ready|healthy)$/,
};

/** Where a kubelet asks after its health tells where its pages begin. */
function probeOf(kind: ConsoleKind, pod: Pod | undefined): Pick<Found, 'root' | 'scheme'> {
  const containers = (pod?.spec?.containers ?? []) as { readinessProbe?: Probe; livenessProbe?: Probe }[];
  for (const { readinessProbe, livenessProbe } of containers) {
    for (const probe of [readinessProbe, livenessProbe]) {
      const { path = '', scheme } = probe?.httpGet ?? {};
      if (!health[kind].test(path)) continue;
      return { root: path.replace(health[kind], ''), scheme: scheme === 'HTTPS' ? 'https' : 'http' };
    }
  }
  return {};
}

function argument(pod: Pod | undefined, name: string): string | undefined {
  const words = (pod?.spec?.containers ?? []).flatMap(({ command = [], args = [] }) => [...command, ...args]);
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  return words[at]!.includes('=') ? words[at]!.slice(words[at]!.indexOf('=') + 1) : words[at + 1];
}

function variable(pod: Pod | undefined, name: string): string | undefined {
  return (pod?.spec?.containers ?? []).flatMap(({ env = [] }) => env).find((each) => each.name === name)?.value;
}

/** An address that a browser outside of the cluster may reach; not one of the cluster's own names, nor a template. */
function outside(url: string | undefined, { name, namespace }: ConsoleService): string | undefined {
  if (url === undefined || !isWebAddress(url)) return undefined;
  const { hostname } = new URL(url);
  const isInside =
    /^localhost$|^127\.|^0\.0\.0\.0$|^\[::1?\]$|\.svc$|\.svc\.|\.cluster\.local$|%\(/.test(hostname) ||
    !hostname.includes('.') ||
    hostname === `${name}.${namespace}`;
  return isInside ? undefined : url.replace(/\/+$/, '');
}

/** Also of Grafana's `%(protocol)s://%(domain)s/grafana/`. */
function pathOf(url: string): string | undefined {
  const [, path] = /^(?:[^/:]*:\/\/[^/]*)?(\/[^?#]*)?/.exec(url) ?? [];
  return path;
}

function tidyRoot(root: string): string {
  const path = root.replace(/^\/*/, '/').replace(/\/+$/, '');
  return /^(?:\/[\w.~-]+)*$/.test(path) ? path : '';
}
