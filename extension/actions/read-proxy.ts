/** A proxy's configuration, read through its admin port; and what istiod says about it. No editor here. */
import * as l10n from '@vscode/l10n';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { ProxyReport } from '../../mesh/proxy-config/describe-proxy-config.ts';
import {
  parseCertificates,
  parseClusterStatuses,
  parseConfigDump,
} from '../../mesh/proxy-config/parse-proxy-config.ts';
import { findSync, type ProxySync } from '../../mesh/proxy-config/parse-sync.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { isReady } from './pod-targets.ts';
import { readAdmin, type AdminPlace } from './read-admin.ts';

const adminPort = 15_000;
const istiodPort = 15_014;

/** @throws ClusterFailure when the dump itself cannot be read; what else is missing is named in the report. */
export async function readProxy(cluster: Cluster, pod: Pod, now: string, signal?: AbortSignal): Promise<ProxyReport> {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  if (!hasProxy(pod)) throw noProxy(pod);
  const place: AdminPlace = { namespace, name, port: adminPort };
  const options = signal ? { signal } : {};
  const missing: string[] = [];
  const optional = async <T>(path: string, parse: (json: unknown) => T): Promise<T | undefined> => {
    try {
      return parse(JSON.parse(await readAdmin(cluster, place, path, options)));
    } catch (error) {
      if (signal?.aborted) throw error;
      missing.push(error instanceof Error ? error.message : path);
      return undefined;
    }
  };
  const config = parseConfigDump(
    parseJson(await readAdmin(cluster, place, '/config_dump?include_eds', { ...options, timeoutMs: 60_000 })),
  );
  const isEnvoy = config.proxy === 'envoy';
  // One after the other: three dumps of a large mesh at once are a burden on the pod.
  const endpoints = isEnvoy ? await optional('/clusters?format=json', parseClusterStatuses) : undefined;
  const certificates = isEnvoy ? await optional('/certs', parseCertificates) : undefined;
  const server = isEnvoy ? await optional('/server_info', readServer) : undefined;
  const sync = await readSync(cluster, pod, `${name}.${namespace}`, signal);
  return {
    ...{ subject: `Pod ${namespace}/${name}`, cluster: cluster.context.name, config, sync, missing, now },
    certificates: certificates ?? [],
    ...(endpoints && { endpoints }),
    ...(server && { server }),
  };
}

export function hasProxy({ spec }: Pod): boolean {
  const names = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ name }) => name);
  return names.includes('istio-proxy');
}

function noProxy({ metadata, spec }: Pod): ClusterFailure {
  const inMesh = metadata?.annotations?.['ambient.istio.io/redirection'] === 'enabled';
  return new ClusterFailure(
    'invalid',
    l10n.t('Pod {0} in namespace {1} has no proxy of its own.', metadata?.name ?? '', metadata?.namespace ?? ''),
    inMesh
      ? l10n.t('It is in the ambient mesh: look at the ztunnel pod on node {0}.', spec?.nodeName ?? '?')
      : l10n.t('“Mesh: Explain Injection” says why.'),
  );
}

function readServer(json: unknown): { version: string; state: string } {
  const { version, state } = json as { version?: unknown; state?: unknown };
  return { version: typeof version === 'string' ? version : '', state: typeof state === 'string' ? state : '' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ClusterFailure(
      'unexpected',
      l10n.t('The proxy’s dump is not JSON, or was cut off.'),
      l10n.t('Try again.'),
      { cause },
    );
  }
}

/** Each istiod knows its own proxies only, so all of a revision are asked, a few at most. */
async function readSync(
  cluster: Cluster,
  pod: Pod,
  proxy: string,
  signal: AbortSignal | undefined,
): Promise<ProxySync | { unknown: string }> {
  try {
    const options = { labelSelector: 'app=istiod', ...(signal && { signal }) };
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: controlPlaneOf(pod), ...options });
    const ready = items.filter(isReady).slice(0, 4);
    if (ready.length === 0) return { unknown: l10n.t('no istiod is ready in namespace {0}.', controlPlaneOf(pod)) };
    for (const { metadata } of ready) {
      const place = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', port: istiodPort };
      const found = findSync(
        parseJson(await readAdmin(cluster, place, '/debug/syncz', signal ? { signal } : {})),
        proxy,
      );
      if (found) return found;
    }
    return { unknown: l10n.t('no istiod serves this proxy.') };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}

/** From the address that the proxy was given: `istiod-canary.istio-system.svc:15012`. */
function controlPlaneOf({ spec }: Pod): string {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const env = all.find(({ name }) => name === 'istio-proxy')?.env ?? [];
  const address = env.find(({ name }) => name === 'CA_ADDR')?.value ?? '';
  return /^[^.:]+\.([^.:]+)\.svc/.exec(address)?.[1] ?? 'istio-system';
}
