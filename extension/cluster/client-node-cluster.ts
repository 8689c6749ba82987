/**
 * The {@link Cluster} port on a real API server (the demo's is one too). This file is the entry of a bundle of its own,
 * loaded when something is first asked of a cluster, and the only one that imports the Kubernetes client: of it we use
 * what a kubeconfig can mean (TLS, proxies, OIDC and the cloud providers); the requests, their deadlines, their paging
 * and their words are ours.
 */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import * as l10n from '@vscode/l10n';
import type { ClientOptions } from 'ws';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes } from './cluster.ts';
import type {
  CallOptions,
  Cluster,
  ClusterContext,
  ExecResult,
  ResourceList,
  ResourceType,
  WatchEvent,
} from './cluster.ts';
import {
  failure,
  failureFromNetwork,
  failureFromNonsense,
  failureFromStatus,
  parseStatus,
  type ClusterCall,
} from './describe-failure.ts';
import { createCredentialSource } from './exec-credential.ts';
import { runExec } from './exec-stream.ts';
import { openHttp, parseAnswer, readBody, withDeadline, type HttpAnswer, type HttpCall } from './http-call.ts';
import type { KubeconfigCluster, KubeconfigUser } from './kubeconfig.ts';
import { findEnvironmentProxy } from './proxy.ts';
import { findResourceType, groupVersionPath, resourcePath } from './resource-path.ts';
import { readWatch } from './watch-lines.ts';

const defaultTimeoutMs = 15_000;
/** A login program has its own, shorter one; this is for everything else that gets a token. */
const loginDeadlineMs = 130_000;
/** As kubectl does: small enough for a first page in a second, large enough for 10,000 pods in 20 requests. */
const pageSize = 500;
/** A list whose pages expired under our hands is started again this often. */
const maxRestarts = 2;
const maxRetries = 2;
const longestRetryWaitS = 5;
const fieldManager = 'meshloom';

/** What a request needs to be accepted. `keptOpen`: its agent is ours and keeps connections open between requests. */
type Authorization = RequestOptions & { keptOpen?: boolean };

export interface ClusterSource {
  context: ClusterContext;
  cluster: KubeconfigCluster;
  user?: KubeconfigUser;
  /** l10n bundle of the editor: English text → the user's language. This bundle has its own copy of the translator. */
  strings?: Record<string, string>;
  /** For proxies; `process.env` when absent. */
  environment?: Record<string, string | undefined>;
}

/** Prepares; contacts nobody and runs nothing before a method of the result is called. */
export function createClientNodeCluster(source: ClusterSource): Cluster & { dispose(): void } {
  if (source.strings) l10n.config({ contents: source.strings });
  return new ClientNodeCluster(source);
}

class ClientNodeCluster implements Cluster {
  readonly context: ClusterContext;
  readonly #authorize: (call: ClusterCall) => Promise<Authorization>;
  readonly #forgetLogin: () => void;
  readonly #closeConnections: () => void;
  readonly #server: string;
  readonly #discovered = new Map<string, Promise<ResourceType[]>>();

  constructor(source: ClusterSource) {
    this.context = source.context;
    this.#server = source.cluster.server;
    const { authorize, forgetLogin, close } = createAuthorizer(source);
    this.#authorize = authorize;
    this.#forgetLogin = forgetLogin;
    this.#closeConnections = close;
  }

  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: CallOptions & { namespace?: string; labelSelector?: string; fieldSelector?: string } = {},
  ): Promise<ResourceList<T>> {
    const { namespace, labelSelector, fieldSelector } = options;
    const call = this.#call('list', type, { namespace });
    for (let restarts = 0; ; restarts++) {
      try {
        return await this.#listPages<T>(call, options, (next) =>
          resourcePath(type, { namespace, query: { limit: pageSize, labelSelector, fieldSelector, continue: next } }),
        );
      } catch (error) {
        // The token of the next page lives as long as etcd keeps the revision, five minutes by default.
        const expired = error instanceof ClusterFailure && error.reason === 'gone';
        if (!expired || restarts === maxRestarts) throw error;
      }
    }
  }

  async #listPages<T extends KubernetesObject>(
    call: ClusterCall,
    options: CallOptions,
    page: (next?: string) => string,
  ): Promise<ResourceList<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const answer = await this.#send(call, 'GET', page(next), options);
      const list = parseAnswer<{
        apiVersion?: string;
        kind?: string;
        items?: T[] | null;
        metadata?: { resourceVersion?: string; continue?: string };
      }>(call, answer);
      if (list.items != null && !Array.isArray(list.items))
        throw failureFromNonsense(call, l10n.t('the answer is not a list.'));
      // Objects in a list go without apiVersion and kind: whoever holds one alone later misses them.
      const kind = list.kind?.replace(/List$/, '');
      for (const item of list.items ?? [])
        items.push({ ...(list.apiVersion && { apiVersion: list.apiVersion }), ...(kind && { kind }), ...item });
      next = list.metadata?.continue || undefined;
      if (!next) return { items, resourceVersion: list.metadata?.resourceVersion ?? '' };
    }
  }

  async get<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    options: CallOptions & { namespace?: string } = {},
  ): Promise<T | undefined> {
    const call = this.#call('get', type, { name, namespace: options.namespace });
    const answer = await this.#send(call, 'GET', resourcePath(type, { namespace: options.namespace, name }), options, {
      acceptMissing: true,
    });
    return answer.status === 404 ? undefined : parseAnswer<T>(call, answer);
  }

  async watch<T extends KubernetesObject>(
    type: ResourceType,
    options: {
      namespace?: string;
      resourceVersion: string;
      signal: AbortSignal;
      onEvent: (event: WatchEvent<T>) => void;
    },
  ): Promise<void> {
    const { namespace, resourceVersion, signal } = options;
    if (signal.aborted) return;
    const call = this.#call('watch', type, { namespace });
    // Not all at the same second, or every watch of every window comes back at once.
    const timeoutSeconds = 240 + Math.floor(Math.random() * 60);
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    const authorization = await this.#login(call, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (!authorization) return;
    const url = this.#url(resourcePath(type, { namespace, query }));
    const request: HttpCall = { call, method: 'GET', url, options: authorization };
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    // The server was asked to end it; when it does not, the connection is dead.
    const timer = setTimeout(onAbort, (timeoutSeconds + 30) * 1000);
    try {
      const response = await withDeadline(call, defaultTimeoutMs, signal, () => openHttp(request, stop.signal));
      if (response.statusCode !== 200) {
        const { body, status } = await withDeadline(call, defaultTimeoutMs, signal, () => readBody(call, response));
        throw this.#failure(call, status, body);
      }
      // Another reader's mistake is not the cluster's: it passes as it is.
      await readWatch<T>(call, response, options.onEvent);
    } catch (error) {
      if (signal.aborted || stop.signal.aborted) return;
      throw isConnectionError(error) ? failureFromNetwork(call, error) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      stop.abort();
    }
  }

  async apply<T extends KubernetesObject>(
    object: T,
    options: CallOptions & { dryRun?: boolean; force?: boolean } = {},
  ): Promise<T> {
    const name = object.metadata?.name;
    if (!name || !object.kind || !object.apiVersion)
      throw new TypeError('an object to apply needs apiVersion, kind and metadata.name');
    const type = findResourceType(object) ?? (await this.#discover(object, options));
    const namespace = type.namespaced ? (object.metadata?.namespace ?? this.context.namespace ?? 'default') : undefined;
    const call = this.#call('apply', type, { name, namespace });
    const query = {
      fieldManager,
      force: options.force || undefined,
      dryRun: options.dryRun ? 'All' : undefined,
      fieldValidation: 'Strict',
    };
    // JSON is YAML: the only type that every server since 1.16 takes for server-side apply.
    const body = { type: 'application/apply-patch+yaml', text: JSON.stringify(object) };
    return parseAnswer<T>(
      call,
      await this.#send(call, 'PATCH', resourcePath(type, { namespace, name, query }), options, { body }),
    );
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    body: object,
    options: CallOptions & { namespace?: string; subresource?: string; dryRun?: boolean } = {},
  ): Promise<T> {
    const { namespace, subresource, dryRun } = options;
    const call = this.#call('patch', type, { name, namespace, subresource });
    const query = { fieldManager, dryRun: dryRun ? 'All' : undefined, fieldValidation: 'Strict' };
    const path = resourcePath(type, { namespace, name, subresource, query });
    const patch = { type: 'application/strategic-merge-patch+json', text: JSON.stringify(body) };
    return parseAnswer<T>(call, await this.#send(call, 'PATCH', path, options, { body: patch }));
  }

  async delete(
    type: ResourceType,
    name: string,
    options: CallOptions & { namespace?: string; uid?: string } = {},
  ): Promise<boolean> {
    const { uid } = options;
    const call = this.#call('delete', type, { name, namespace: options.namespace });
    const path = resourcePath(type, { namespace: options.namespace, name, query: { propagationPolicy: 'Background' } });
    const text = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid } });
    const body = uid === undefined ? undefined : { type: 'application/json', text };
    const answer = await this.#send(call, 'DELETE', path, options, { acceptMissing: true, ...(body && { body }) });
    return answer.status !== 404;
  }

  async exec(
    pod: { namespace: string; name: string; container: string },
    command: string[],
    options: CallOptions & { stdin?: string } = {},
  ): Promise<ExecResult> {
    const call: ClusterCall = {
      verb: 'exec',
      resource: 'pods',
      namespace: pod.namespace,
      name: pod.name,
      context: this.context.name,
      server: this.#server,
    };
    const url = this.#execUrl(pod, command, options.stdin !== undefined);
    const { keptOpen, ...settings } = await this.#login(call, options.signal);
    // A connection that becomes a WebSocket is never another request's: it starts fresh.
    if (keptOpen) delete settings.agent;
    return await withDeadline(call, options.timeoutMs ?? defaultTimeoutMs, options.signal, (signal) =>
      runExec(call, url, settings as ClientOptions, options.stdin, signal).catch((error: unknown) => {
        if (error instanceof ClusterFailure && error.status === 401) this.#forgetLogin();
        throw error;
      }),
    );
  }

  async log(pod: { namespace: string; name: string; container: string }, options: CallOptions = {}): Promise<string> {
    const { namespace, name, container } = pod;
    const type = resourceTypes.pods;
    const call = this.#call('log', type, { name, namespace, subresource: 'log' });
    const path = resourcePath(type, { namespace, name, subresource: 'log', query: { container } });
    return (await this.#send(call, 'GET', path, options)).body;
  }

  #execUrl(pod: { namespace: string; name: string; container: string }, command: string[], stdin: boolean): URL {
    const [namespace, name] = [encodeURIComponent(pod.namespace), encodeURIComponent(pod.name)];
    const url = this.#url(`/api/v1/namespaces/${namespace}/pods/${name}/exec`);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const query = { container: pod.container, stdin, stdout: true, stderr: true, tty: false };
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
    for (const argument of command) url.searchParams.append('command', argument);
    return url;
  }

  dispose(): void {
    this.#closeConnections();
  }

  #call(
    verb: ClusterCall['verb'],
    type: ResourceType,
    { name, namespace, subresource }: { name?: string; namespace?: string; subresource?: string },
  ): ClusterCall {
    const group = type.apiVersion.includes('/') ? `.${type.apiVersion.split('/', 1)[0]}` : '';
    return {
      verb,
      resource: type.plural + group + (subresource === undefined ? '' : `/${subresource}`),
      context: this.context.name,
      server: this.#server,
      ...(name !== undefined && { name }),
      ...(type.namespaced && namespace !== undefined && { namespace }),
    };
  }

  #url(path: string): URL {
    // The server's URL may have a path of its own (Rancher: https://host/k8s/clusters/c-1).
    return new URL(this.#server + path);
  }

  /** TLS and credentials. A person may have to log in meanwhile, so this does not count towards the request's deadline. */
  async #login(call: ClusterCall, signal: AbortSignal | undefined): Promise<Authorization> {
    return await withDeadline(call, loginDeadlineMs, signal, () => this.#authorize(call));
  }

  /** One request to its end. A server that asks to wait a moment is asked again, as long as the deadline lasts. */
  async #send(
    call: ClusterCall,
    method: HttpCall['method'],
    path: string,
    { signal, timeoutMs = defaultTimeoutMs }: CallOptions,
    { body, acceptMissing = false }: { body?: HttpCall['body']; acceptMissing?: boolean } = {},
  ): Promise<HttpAnswer> {
    const options = await this.#login(call, signal);
    const request: HttpCall = { call, method, url: this.#url(path), options, ...(body && { body }) };
    return await withDeadline(call, timeoutMs, signal, async (stop) => {
      for (let retries = 0; ; retries++) {
        const answer = await readBody(call, await openHttp(request, stop));
        if (answer.status >= 200 && answer.status < 300) return answer;
        if (acceptMissing && answer.status === 404 && isMissingObject(answer.body)) return answer;
        const waitS = answer.retryAfter ?? Infinity;
        if (answer.status !== 429 || retries === maxRetries || waitS > longestRetryWaitS)
          throw this.#failure(call, answer.status, answer.body);
        await pause(waitS * 1000, stop);
      }
    });
  }

  #failure(call: ClusterCall, status: number, body: string): ClusterFailure {
    if (status === 401) this.#forgetLogin();
    return failureFromStatus(call, status, body);
  }

  async #discover(object: KubernetesObject, options: CallOptions): Promise<ResourceType> {
    const { apiVersion = '', kind = '' } = object;
    const call: ClusterCall = {
      verb: 'discover',
      resource: apiVersion,
      context: this.context.name,
      server: this.#server,
    };
    let types = this.#discovered.get(apiVersion);
    if (!types) {
      types = this.#send(call, 'GET', groupVersionPath(apiVersion), options).then((answer) => {
        const { resources = [] } = parseAnswer<{ resources?: { name: string; kind: string; namespaced: boolean }[] }>(
          call,
          answer,
        );
        return resources
          .filter(({ name }) => !name.includes('/'))
          .map((resource) => ({
            apiVersion,
            kind: resource.kind,
            plural: resource.name,
            namespaced: resource.namespaced,
          }));
      });
      this.#discovered.set(apiVersion, types);
      types.catch(() => this.#discovered.delete(apiVersion));
    }
    const type = (await types).find((candidate) => candidate.kind === kind);
    if (type) return type;
    throw failure(
      call,
      'not-found',
      l10n.t('the API server has no kind {0} in {1}.', kind, apiVersion),
      l10n.t('Install the CRD that defines it, or correct its apiVersion.'),
    );
  }
}

/** A 404 of the object, not of its kind or of a wrong URL. */
function isMissingObject(body: string): boolean {
  const status = parseStatus(body);
  return (
    status?.reason === 'NotFound' && !status.message?.startsWith('the server could not find the requested resource')
  );
}

function isConnectionError(error: unknown): boolean {
  return !(error instanceof ClusterFailure) && typeof (error as { code?: unknown } | null)?.code === 'string';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

/** What turns a request into one that the API server accepts: TLS, proxy, credentials. */
function createAuthorizer({ context, cluster, user, environment = process.env }: ClusterSource) {
  const plugin = user?.exec && createCredentialSource(user.exec, cluster, context.name);
  const proxyUrl = cluster.proxyUrl ?? environmentProxy(cluster.server, environment);
  const kubeConfig = new KubeConfig();
  const name = context.name;
  kubeConfig.loadFromOptions({
    // The library refuses http without this flag, which means nothing there.
    clusters: [
      {
        ...cluster,
        skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith('http:'),
        ...(proxyUrl && { proxyUrl }),
      },
    ],
    users: [{ ...user, name: user?.name ?? name, exec: undefined, username: undefined, password: undefined }],
    contexts: [{ name, cluster: cluster.name, user: user?.name ?? name }],
    currentContext: name,
  });
  let agent: { key: string; agent: HttpAgent } | undefined;

  async function authorize(call: ClusterCall): Promise<Authorization> {
    const options: Authorization & Record<string, unknown> = {};
    const credential = await plugin?.get();
    try {
      await kubeConfig.applyToHTTPSOptions(options);
      const headers = options.headers as Record<string, string | string[]>;
      const token = credential?.token ?? (user?.tokenFile && (await readFile(user.tokenFile, 'utf8')).trim());
      if (token) headers.Authorization = `Bearer ${token}`;
      if (user?.username)
        headers.Authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
      if (user?.impersonateUid) headers['Impersonate-Uid'] = user.impersonateUid;
      if (user?.impersonateGroups.length) headers['Impersonate-Group'] = user.impersonateGroups;
    } catch (error) {
      throw describeCredentialError(call, error);
    }
    if (credential?.clientCertificateData)
      Object.assign(options, { cert: credential.clientCertificateData, key: credential.clientKeyData });
    if (!proxyUrl) Object.assign(options, { agent: directAgent(options), keptOpen: true });
    return options;
  }

  /** Keeps connections open between requests; a new certificate (renewed, or another login) gets new connections. */
  function directAgent({
    ca,
    cert,
    key,
    servername,
    rejectUnauthorized,
  }: RequestOptions & Record<string, unknown>): HttpAgent {
    const identity = [ca, cert, key, servername, rejectUnauthorized].map(String).join('\n');
    if (agent?.key === identity) return agent.agent;
    agent?.agent.destroy();
    const settings = {
      keepAlive: true,
      ...(cluster.server.startsWith('https:') && {
        ca,
        cert,
        key,
        servername,
        rejectUnauthorized: rejectUnauthorized ?? true,
      }),
    };
    agent = {
      key: identity,
      agent: cluster.server.startsWith('https:') ? new HttpsAgent(settings as object) : new HttpAgent(settings),
    };
    return agent.agent;
  }

  return { authorize, forgetLogin: () => plugin?.forget(), close: () => agent?.agent.destroy() };
}

function environmentProxy(server: string, environment: Record<string, string | undefined>): string | undefined {
  return URL.canParse(server) ? findEnvironmentProxy(new URL(server), environment) : undefined;
}

/** A certificate or token file that is not there, a refused refresh: a matter of the kubeconfig, not of the cluster. */
function describeCredentialError(call: ClusterCall, error: unknown): ClusterFailure {
  if (error instanceof ClusterFailure) return error;
  const { path, code } = error as { path?: string; code?: string };
  const why = path
    ? l10n.t('the file {0}, which the kubeconfig names, cannot be read ({1}).', path, code ?? '?')
    : l10n.t('the credentials cannot be prepared: {0}', error instanceof Error ? error.message : String(error));
  return failure(
    call,
    'kubeconfig',
    why,
    l10n.t('Correct the kubeconfig or log in to the cluster again, then try again.'),
    { cause: error },
  );
}
