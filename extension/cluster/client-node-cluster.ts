/**
 * The {@link Cluster} port on a real API server (the demo's is one too). This file is the entry of a bundle of its own,
 * loaded when something is first asked of a cluster, and the only one that imports the Kubernetes client: of it we use
 * what a kubeconfig can mean (TLS, proxies, OIDC and the cloud providers); the requests, their deadlines, their paging
 * and their words are ours.
 */
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions } from 'node:http';
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
  LogOptions,
  ResourceList,
  ResourceType,
  TerminalOptions,
  TerminalSession,
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
import { createCredentialSource, type ExecCredential } from './exec-credential.ts';
import { runExec } from './exec-stream.ts';
import { openHttp, parseAnswer, readBody, withDeadline, type HttpAnswer, type HttpCall } from './http-call.ts';
import type { KubeconfigCluster, KubeconfigUser } from './kubeconfig.ts';
import { readLog } from './log-stream.ts';
import type { LoginTerminal } from './login-terminal.ts';
import type { OnLogin } from './login-wait.ts';
import { openPortStream } from './port-stream.ts';
import { createOidcSource, isOidc } from './oidc-credential.ts';
import { findEnvironmentProxy } from './proxy.ts';
import { findResourceType, groupVersionPath, resourcePath } from './resource-path.ts';
import { runTerminal } from './terminal-stream.ts';
import { takeTurns } from './take-turns.ts';
import { readWatch } from './watch-lines.ts';
import { watchSilence, type Silence } from './watch-silence.ts';

const defaultTimeoutMs = 15_000;
/** A login program has its own, shorter one; this is for everything else that gets a token. */
const loginDeadlineMs = 130_000;
/**
 * Small enough that no page holds up the process that reads it (parsing one takes 10 ms), and that what is parsed of it is
 * gone before the collector takes it for something that lasts: pages of 250 cost half as much memory again.
 */
const pageSize = 100;
/** A list whose pages expired under our hands is started again this often. */
const maxRestarts = 2;
const maxRetries = 2;
const longestRetryWaitS = 5;
const fieldManager = 'meshloom';

/** What a request needs to be accepted. `keptOpen`: its agent is ours and keeps connections open between requests. `credential`: what can be renewed. */
type Authorization = RequestOptions & { keptOpen?: boolean; credential?: string | ExecCredential };

export interface ClusterSource {
  context: ClusterContext;
  cluster: KubeconfigCluster;
  user?: KubeconfigUser;
  /** l10n bundle of the editor: English text → the user's language. This bundle has its own copy of the translator. */
  strings?: Record<string, string>;
  /** For proxies; `process.env` when absent. */
  environment?: Record<string, string | undefined>;
  /** When a watch counts as dead; tests are less patient. */
  silence?: Silence;
  /** Told of a login that takes its time. */
  onLogin?: OnLogin;
  /** Where a login program can ask a person. */
  terminal?: LoginTerminal;
}

/**
 * Prepares; contacts nobody and runs nothing before a method of the result is called.
 * @returns the cluster; `retryLogin`: somebody asks anew, so a login that failed before may be tried again;
 *   `askInTerminal`: the next one asks in a terminal, false when it cannot.
 */
export function createClientNodeCluster(
  source: ClusterSource,
): Cluster & { dispose(): void; retryLogin(): void; askInTerminal(): boolean } {
  if (source.strings) l10n.config({ contents: source.strings });
  return new ClientNodeCluster(source);
}

class ClientNodeCluster implements Cluster {
  readonly context: ClusterContext;
  readonly #authorize: (call: ClusterCall) => Promise<Authorization>;
  readonly #renewLogin: (used: Authorization['credential']) => Promise<boolean>;
  readonly #silence: Silence;
  readonly #proxy: string | undefined;
  readonly #closeConnections: () => void;
  readonly retryLogin: () => void;
  readonly askInTerminal: () => boolean;
  readonly #server: string;
  readonly #discovered = new Map<string, Promise<ResourceType[]>>();

  constructor(source: ClusterSource) {
    this.context = source.context;
    this.#server = source.cluster.server;
    const { authorize, renew, retry, askInTerminal, close, proxy } = createAuthorizer(source);
    this.retryLogin = retry;
    this.askInTerminal = askInTerminal;
    this.#proxy = proxy;
    this.#authorize = authorize;
    this.#renewLogin = renew;
    this.#silence = source.silence ?? {};
    this.#closeConnections = close;
  }

  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: CallOptions & {
      namespace?: string;
      labelSelector?: string;
      fieldSelector?: string;
      keep?: (object: T) => T;
    } = {},
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
    options: CallOptions & { keep?: (object: T) => T },
    page: (next?: string) => string,
  ): Promise<ResourceList<T>> {
    const { keep = (object: T) => object } = options;
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
      // Who answers with something else must not be taken for a cluster that is empty.
      if (list.items == null ? !list.kind?.endsWith('List') : !Array.isArray(list.items))
        throw failureFromNonsense(call, l10n.t('the answer is not a list.'));
      // Objects in a list go without apiVersion and kind: whoever holds one alone later misses them.
      const kind = list.kind?.replace(/List$/, '');
      for (const item of list.items ?? []) {
        items.push(keep({ ...(list.apiVersion && { apiVersion: list.apiVersion }), ...(kind && { kind }), ...item }));
        const turn = takeTurns();
        if (turn) await turn;
      }
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
      labelSelector?: string;
      fieldSelector?: string;
      resourceVersion: string;
      signal: AbortSignal;
      onOpen?: () => void;
      onEvent: (event: WatchEvent<T>) => void;
    },
  ): Promise<void> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, signal } = options;
    if (signal.aborted) return;
    const call = this.#call('watch', type, { namespace });
    // Not all at the same second, or every watch of every window comes back at once.
    const timeoutSeconds = 240 + Math.floor(Math.random() * 60);
    const selectors = { labelSelector, fieldSelector };
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds, ...selectors };
    const url = this.#url(resourcePath(type, { namespace, query }));
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const response = await this.#withLogin(call, signal, (authorization) =>
        this.#openWatch({ call, method: 'GET', url, options: authorization }, stop.signal, signal),
      );
      options.onOpen?.();
      // Another reader's mistake is not the cluster's: it passes as it is.
      await readWatch<T>(call, watchSilence(call, response, this.#silence), options.onEvent);
    } catch (error) {
      if (signal.aborted) return;
      throw isConnectionError(error) ? failureFromNetwork(call, error) : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      stop.abort();
    }
  }

  /** @returns the answer, its body unread. */
  async #openWatch(request: HttpCall, stop: AbortSignal, cancel: AbortSignal): Promise<IncomingMessage> {
    const { call } = request;
    const response = await withDeadline(call, defaultTimeoutMs, cancel, () => openHttp(request, stop));
    if (response.statusCode === 200) return response;
    const answer = await withDeadline(call, defaultTimeoutMs, cancel, () => readBody(call, response));
    throw failureFromStatus(call, answer.status, answer.body, answer);
  }

  async mayList(type: ResourceType, namespace: string, options: CallOptions = {}): Promise<boolean> {
    const reviews = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
    const resource = { ...reviews, plural: 'selfsubjectaccessreviews', namespaced: false };
    const call: ClusterCall = { ...this.#call('review', resource, {}), namespace };
    const group = type.apiVersion.includes('/') ? type.apiVersion.split('/', 1)[0] : '';
    const spec = { resourceAttributes: { verb: 'list', group, resource: type.plural, namespace } };
    const body = { type: 'application/json', text: JSON.stringify({ ...reviews, spec }) };
    const answer = await this.#send(call, 'POST', resourcePath(resource), options, { body });
    return parseAnswer<{ status?: { allowed?: boolean } }>(call, answer).status?.allowed === true;
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
    const url = this.#execUrl(pod, command, { stdin: options.stdin !== undefined, stderr: true, tty: false });
    return await this.#overSocket(call, options, (settings, signal) =>
      runExec(call, url, settings, options.stdin, signal),
    );
  }

  async openTerminal(
    pod: { namespace: string; name: string; container: string },
    command: string[],
    options: TerminalOptions,
  ): Promise<TerminalSession> {
    const { namespace, name } = pod;
    const call: ClusterCall = { ...this.#call('exec', resourceTypes.pods, { name, namespace }), resource: 'pods' };
    // A terminal has one output: the runtime refuses a stream of its own for errors.
    const url = this.#execUrl(pod, command, { stdin: true, stderr: false, tty: true });
    return await this.#overSocket(call, { ...(options.signal && { signal: options.signal }) }, (settings, signal) =>
      runTerminal(call, url, settings, options, signal),
    );
  }

  async openPort(pod: { namespace: string; name: string }, port: number, options: CallOptions = {}): Promise<Duplex> {
    const { namespace, name } = pod;
    const call = this.#call('port-forward', resourceTypes.pods, { name, namespace });
    const url = this.#url(
      resourcePath(resourceTypes.pods, { namespace, name, subresource: 'portforward', query: { ports: port } }),
    );
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return await this.#overSocket(call, options, (settings, signal) =>
      openPortStream(call, url, settings, port, signal),
    );
  }

  async #overSocket<T>(
    call: ClusterCall,
    { signal: cancel, timeoutMs = defaultTimeoutMs }: CallOptions,
    open: (settings: ClientOptions, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await this.#withLogin(call, cancel, async ({ keptOpen, credential: _, ...settings }) => {
      // A connection that becomes a WebSocket is never another request's: it starts fresh.
      if (keptOpen) delete settings.agent;
      return await withDeadline(call, timeoutMs, cancel, (signal) => open(settings as ClientOptions, signal));
    });
  }

  async log(pod: { namespace: string; name: string; container: string }, options: CallOptions = {}): Promise<string> {
    const { namespace, name, container } = pod;
    const type = resourceTypes.pods;
    const call = this.#call('log', type, { name, namespace, subresource: 'log' });
    const path = resourcePath(type, { namespace, name, subresource: 'log', query: { container } });
    return (await this.#send(call, 'GET', path, options)).body;
  }

  async streamLog(
    pod: { namespace: string; name: string; container: string },
    { signal, onText, ...wanted }: LogOptions,
  ): Promise<void> {
    const { namespace, name, container } = pod;
    const type = resourceTypes.pods;
    const call = this.#call('log', type, { name, namespace, subresource: 'log' });
    const query = { container, ...wanted };
    const url = this.#url(resourcePath(type, { namespace, name, subresource: 'log', query }));
    const open = async (options: Authorization) => {
      const request: HttpCall = { call, method: 'GET', url, options };
      // The headers of a log that is followed come with its first line: a silent container is not a dead server.
      if (wanted.follow) return checked(call, await openHttp(request, signal));
      return await withDeadline(call, defaultTimeoutMs, signal, async (stop) =>
        checked(call, await openHttp(request, AbortSignal.any([signal, stop]))),
      );
    };
    try {
      await readLog(await this.#withLogin(call, signal, open), onText);
    } catch (error) {
      if (signal.aborted) return;
      throw isConnectionError(error) ? failureFromNetwork(call, error) : error;
    }
  }

  #execUrl(
    pod: { namespace: string; name: string; container: string },
    command: string[],
    streams: { stdin: boolean; stderr: boolean; tty: boolean },
  ): URL {
    const [namespace, name] = [encodeURIComponent(pod.namespace), encodeURIComponent(pod.name)];
    const url = this.#url(`/api/v1/namespaces/${namespace}/pods/${name}/exec`);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const query = { container: pod.container, ...streams, stdout: true };
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
      ...(this.#proxy && { proxy: this.#proxy }),
      ...(name !== undefined && { name }),
      ...(type.namespaced && namespace !== undefined && { namespace }),
    };
  }

  #url(path: string): URL {
    // The server's URL may have a path of its own (Rancher: https://host/k8s/clusters/c-1).
    return new URL(this.#server + path);
  }

  /**
   * Sends with TLS and credentials. A credential that the server refuses is renewed once, by whoever notices first, where
   * it can be renewed (a login program, a token's file, an OIDC issuer), and the request is sent again.
   */
  async #withLogin<T>(
    call: ClusterCall,
    signal: AbortSignal | undefined,
    send: (authorization: Authorization) => Promise<T>,
  ): Promise<T> {
    // A person may have to log in meanwhile, so this does not count towards the request's deadline.
    const login = () => withDeadline(call, loginDeadlineMs, signal, () => this.#authorize(call));
    const authorization = await login();
    try {
      return await send(authorization);
    } catch (error) {
      if (!(error instanceof ClusterFailure && error.status === 401)) throw error;
      if (!(await this.#renewLogin(authorization.credential))) throw error;
      return await send(await login());
    }
  }

  /** One request to its end. A server that asks to wait a moment is asked again, as long as the deadline lasts. */
  async #send(
    call: ClusterCall,
    method: HttpCall['method'],
    path: string,
    { signal, timeoutMs = defaultTimeoutMs }: CallOptions,
    { body, acceptMissing = false }: { body?: HttpCall['body']; acceptMissing?: boolean } = {},
  ): Promise<HttpAnswer> {
    return await this.#withLogin(call, signal, async (options) => {
      const request: HttpCall = { call, method, url: this.#url(path), options, ...(body && { body }) };
      return await withDeadline(call, timeoutMs, signal, async (stop) => {
        for (let retries = 0; ; retries++) {
          const answer = await readBody(call, await openHttp(request, stop));
          if (answer.status >= 200 && answer.status < 300) return answer;
          if (acceptMissing && answer.status === 404 && isMissingObject(answer.body)) return answer;
          const waitS = answer.retryAfter ?? Infinity;
          const refused = failureFromStatus(call, answer.status, answer.body, answer);
          if (answer.status !== 429 || retries === maxRetries || waitS > longestRetryWaitS) throw refused;
          await pause(waitS * 1000, stop);
        }
      });
    });
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

/** @returns the answer, its body unread, if it is a success. */
async function checked(call: ClusterCall, response: IncomingMessage): Promise<IncomingMessage> {
  if (response.statusCode === 200) return response;
  const answer = await readBody(call, response);
  throw failureFromStatus(call, answer.status, answer.body, answer);
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
function createAuthorizer(source: ClusterSource) {
  const { context, cluster, user: named, environment = process.env, onLogin, terminal } = source;
  const user = named && hasOpenLine(cluster.server) ? withoutSecrets(named) : named;
  const proxyUrl = cluster.proxyUrl ?? environmentProxy(cluster.server, environment);
  // As kubectl does it: who has a token, a password or a certificate in the file is not sent to a login program.
  const hasOwn = Boolean(user?.token ?? user?.tokenFile ?? user?.username ?? user?.certData ?? user?.certFile);
  const plugin =
    user?.exec && !hasOwn
      ? createCredentialSource(user.exec, cluster, context.name, { proxyUrl, onLogin, terminal, user: user.name })
      : undefined;
  const issuer = user && isOidc(user) ? createOidcSource(user, context.name, onLogin) : undefined;
  let agent: { key: string; agent: HttpAgent } | undefined;

  async function authorize(call: ClusterCall): Promise<Authorization> {
    const credential = await plugin?.get();
    const idToken = await issuer?.get();
    try {
      const options = await prepareTls(credential);
      const headers = options.headers as Record<string, string | string[]>;
      const token = credential?.token ?? idToken ?? (await tokenOf(user));
      if (token) headers.Authorization = `Bearer ${token}`;
      if (user?.username)
        headers.Authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
      impersonate(headers, user);
      const renewable = credential ?? idToken ?? (user?.tokenFile && token);
      return { ...options, ...(renewable && { credential: renewable }) };
    } catch (error) {
      throw describeCredentialError(call, error);
    }
  }

  async function prepareTls(credential: ExecCredential | undefined): Promise<Authorization> {
    const kubeConfig = () => {
      const config = new KubeConfig();
      config.loadFromOptions(libraryOptions(context, cluster, user, proxyUrl, credential));
      return config;
    };
    const options: Authorization & Record<string, unknown> = {};
    await kubeConfig().applyToHTTPSOptions(options);
    // A new certificate (renewed, or another login) gets new connections.
    const { ca, cert, key, servername, rejectUnauthorized } = options;
    const identity = [ca, cert, key, servername, rejectUnauthorized].map(String).join('\n');
    if (agent?.key !== identity) {
      agent?.agent.destroy();
      agent = { key: identity, agent: proxyUrl ? (options.agent as HttpAgent) : directAgent(options) };
    }
    return { ...options, headers: options.headers ?? {}, agent: agent.agent, ...(!proxyUrl && { keptOpen: true }) };
  }

  /** Keeps connections open between requests. */
  function directAgent({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions & Record<string, unknown>) {
    if (!cluster.server.startsWith('https:')) return new HttpAgent({ keepAlive: true });
    const tls = { ca, cert, key, servername, rejectUnauthorized: rejectUnauthorized ?? true };
    return new HttpsAgent({ keepAlive: true, ...tls } as object);
  }

  /** @returns whether another credential can be had than the one that was refused. */
  async function renew(used: Authorization['credential']): Promise<boolean> {
    if (used === undefined) return false;
    if (typeof used === 'object') return plugin?.renew(used) ?? false;
    if (issuer) return issuer.renew(used);
    const now = await tokenOf(user).catch(() => used);
    return now !== used;
  }

  const close = () => {
    agent?.agent.destroy();
    plugin?.dispose();
  };
  const retry = () => plugin?.retry();
  const askInTerminal = () => plugin?.askInTerminal() ?? false;
  return { authorize, renew, retry, askInTerminal, close, proxy: proxyUrl && withoutPassword(proxyUrl) };
}

/** Nobody reads along on this machine itself. */
function hasOpenLine(server: string): boolean {
  if (!server.startsWith('http:') || !URL.canParse(server)) return false;
  const { hostname } = new URL(server);
  return hostname !== 'localhost' && hostname !== '[::1]' && !hostname.startsWith('127.');
}

/** As kubectl does it: where nothing is encrypted nobody logs in, or whoever stands on the way could do so afterwards. */
function withoutSecrets({ name, impersonateUser, impersonateGroups }: KubeconfigUser): KubeconfigUser {
  return { name, impersonateGroups, ...(impersonateUser !== undefined && { impersonateUser }) };
}

function libraryOptions(
  { name }: ClusterContext,
  cluster: KubeconfigCluster,
  user: KubeconfigUser | undefined,
  proxyUrl: string | undefined,
  credential: ExecCredential | undefined,
) {
  if (proxyUrl !== undefined && !isProxyUrl(proxyUrl))
    throw new Error(l10n.t('the proxy “{0}” is no http, https or socks URL', withoutPassword(proxyUrl)));
  const { clientCertificateData, clientKeyData } = credential ?? {};
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  return {
    clusters: [
      {
        ...cluster,
        // The library refuses http without this flag, which means nothing there.
        skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith('http:'),
        ...(proxyUrl && { proxyUrl }),
      },
    ],
    users: [
      {
        ...user,
        name: user?.name ?? name,
        ...(clientCertificateData && { certData: base64(clientCertificateData), keyData: base64(clientKeyData ?? '') }),
        ...{ exec: undefined, username: undefined, password: undefined, token: undefined, impersonateUser: undefined },
        ...(user && isOidc(user) && { authProvider: undefined }),
      },
    ],
    contexts: [{ name, cluster: cluster.name, user: user?.name ?? name }],
    currentContext: name,
  };
}

/** A file goes before a token that stands in the kubeconfig, and is read anew each time: whoever writes it renews it. */
async function tokenOf(user: KubeconfigUser | undefined): Promise<string | undefined> {
  if (!user?.tokenFile) return user?.token;
  const token = (await readFile(user.tokenFile, 'utf8')).trim();
  if (token === '') throw new Error(l10n.t('the token file {0} is empty', user.tokenFile));
  return token;
}

function impersonate(headers: Record<string, string | string[]>, user: KubeconfigUser | undefined): void {
  if (!user?.impersonateUser) return;
  headers['Impersonate-User'] = user.impersonateUser;
  if (user.impersonateUid) headers['Impersonate-Uid'] = user.impersonateUid;
  if (user.impersonateGroups.length) headers['Impersonate-Group'] = user.impersonateGroups;
  for (const [key, values] of Object.entries(user.impersonateExtra ?? {}))
    headers[`Impersonate-Extra-${encodeURIComponent(key.toLowerCase())}`] = values;
}

function isProxyUrl(url: string): boolean {
  return URL.canParse(url) && /^(https?|socks[45]?[ah]?):$/.test(new URL(url).protocol);
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
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
