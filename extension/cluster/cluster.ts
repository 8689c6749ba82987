/**
 * The one door to Kubernetes. Trees and commands see this interface; only `client-node-cluster.ts` imports a client, and
 * the demo cluster is reached through it too, over real HTTP. Every call has a deadline and takes a cancel signal;
 * nothing is sent before a method is called.
 */
import type { Duplex } from 'node:stream';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';

/** One thing the user can choose: a context of the kubeconfig, or a state of the demo cluster. */
export interface ClusterContext {
  /** Unique: `demo:broken`, `kubeconfig:kind-mesh`. */
  id: string;
  /** As the user knows it: `kind-mesh`. */
  name: string;
  kind: 'demo' | 'kubeconfig';
  /** URL of the API server; `undefined` until the demo server runs. */
  server?: string;
  /** The context's default namespace. */
  namespace?: string;
  /** Why somebody on the way could read or change what is said, in few words; absent when nobody could. */
  warning?: string;
  /** One line for the picker. */
  description?: string;
}

/** A kind of resource as the API's paths name it. Core group: `apiVersion: 'v1'`. */
export interface ResourceType {
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** Default 15 s; a list in pages has it per page. */
  timeoutMs?: number;
}

export interface ResourceList<T extends KubernetesObject> {
  items: T[];
  resourceVersion: string;
}

export type WatchEvent<T extends KubernetesObject> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T } | { type: 'BOOKMARK'; resourceVersion: string };

export interface ExecResult {
  stdout: string;
  stderr: string;
  /** `undefined` when the connection ended without a status. */
  exitCode?: number;
}

export interface LogOptions {
  /** Until the container ends or `signal` aborts. */
  follow?: boolean;
  /** Of the instance before the last restart. */
  previous?: boolean;
  sinceSeconds?: number;
  /** RFC 3339; servers look at whole seconds only. */
  sinceTime?: string;
  tailLines?: number;
  /** Each line begins with its time and a space. */
  timestamps?: boolean;
  signal: AbortSignal;
  /** Pieces as they come, cut anywhere but within a character; the next one waits for the promise. */
  onText: (text: string) => void | Promise<void>;
}

export interface TerminalOptions {
  columns: number;
  rows: number;
  signal?: AbortSignal;
  onOutput: (text: string) => void;
}

/** A command with a terminal of its own in a container. */
export interface TerminalSession {
  write(text: string): void;
  resize(columns: number, rows: number): void;
  /** Closes the connection: the kubelet then hangs up on the command. */
  close(): void;
  /** Rejects with a {@link ClusterFailure} when the command could not be started or the connection broke. */
  readonly ended: Promise<{ exitCode?: number }>;
}

export interface Cluster {
  readonly context: ClusterContext;
  /** All objects, read in pages. */
  list<T extends KubernetesObject>(
    type: ResourceType,
    options?: CallOptions & {
      namespace?: string;
      labelSelector?: string;
      fieldSelector?: string;
      /** What is kept of each object; applied page by page, so that a whole list is never held as it came. */
      keep?: (object: T) => T;
    },
  ): Promise<ResourceList<T>>;
  /** `undefined` when it does not exist. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    options?: CallOptions & { namespace?: string },
  ): Promise<T | undefined>;
  /**
   * One watch, until the server ends it or `signal` aborts (then it resolves) or it fails (then it rejects with a
   * {@link ClusterFailure}; `gone` means: list again; `timeout`: nothing came for longer than a live server is silent,
   * which after a laptop's sleep is at once).
   */
  watch<T extends KubernetesObject>(
    type: ResourceType,
    options: {
      namespace?: string;
      labelSelector?: string;
      fieldSelector?: string;
      resourceVersion: string;
      signal: AbortSignal;
      /** The server has taken the watch: from now on silence means that nothing changes. */
      onOpen?: () => void;
      onEvent: (event: WatchEvent<T>) => void;
    },
  ): Promise<void>;
  /** Whether the user may list that kind in a namespace, as the API server decides it; nothing is read of it. */
  mayList(type: ResourceType, namespace: string, options?: CallOptions): Promise<boolean>;
  /** Server-side apply with our field manager. */
  apply<T extends KubernetesObject>(
    object: T,
    options?: CallOptions & { dryRun?: boolean; force?: boolean },
  ): Promise<T>;
  /** Strategic merge patch of an object, or of one of its subresources (`ephemeralcontainers`). */
  patch<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    body: object,
    options?: CallOptions & { namespace?: string; subresource?: string; dryRun?: boolean },
  ): Promise<T>;
  /**
   * False when it was not there.
   * @param options.uid of the object that is meant: another one of the same name is left alone (`conflict`).
   */
  delete(
    type: ResourceType,
    name: string,
    options?: CallOptions & { namespace?: string; uid?: string },
  ): Promise<boolean>;
  exec(
    pod: { namespace: string; name: string; container: string },
    command: string[],
    options?: CallOptions & {
      stdin?: string;
      /** What the command changes, in a few words; absent: it only reads. */
      writes?: string;
    },
  ): Promise<ExecResult>;
  /** What a container has written until now. */
  log(pod: { namespace: string; name: string; container: string }, options?: CallOptions): Promise<string>;
  /** A log as it comes. Resolves when the server ends it or `signal` aborts. */
  streamLog(pod: { namespace: string; name: string; container: string }, options: LogOptions): Promise<void>;
  /** Resolves when the connection stands; whether the command runs is told by its output and its end. */
  openTerminal(
    pod: { namespace: string; name: string; container: string },
    command: string[],
    options: TerminalOptions,
  ): Promise<TerminalSession>;
  /** One connection to a port of a pod. It is destroyed with a {@link ClusterFailure} when nobody listens there. */
  openPort(pod: { namespace: string; name: string }, port: number, options?: CallOptions): Promise<Duplex>;
}

/** Why a call failed, as a word that code can ask about. */
export type FailureReason =
  | 'unreachable'
  | 'timeout'
  | 'cancelled'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'gone'
  | 'invalid'
  | 'too-many-requests'
  | 'server-error'
  | 'kubeconfig'
  /** The setting of protected contexts forbids it, or the user did not confirm it. */
  | 'protected'
  | 'unexpected';

/** What happened, why, what to do next: already in the user's words. */
export class ClusterFailure extends Error {
  override readonly name = 'ClusterFailure';
  readonly reason: FailureReason;
  /** What to do next. */
  readonly next: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** The server's own words, in its own language: for code that must know more than `reason` tells. */
  readonly said?: string;
  /** The server asked not to come back sooner, in milliseconds from then. */
  readonly retryAfterMs?: number;
  /** The login program could ask the person in a terminal, if he wants that. */
  readonly mayAskInTerminal?: boolean;
  constructor(
    reason: FailureReason,
    message: string,
    next: string,
    options?: ErrorOptions & { status?: number; said?: string; retryAfterMs?: number; mayAskInTerminal?: boolean },
  ) {
    super(message, options);
    this.reason = reason;
    this.next = next;
    if (options?.status !== undefined) this.status = options.status;
    if (options?.said !== undefined) this.said = options.said;
    if (options?.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options?.mayAskInTerminal !== undefined) this.mayAskInTerminal = options.mayAskInTerminal;
  }

  /**
   * By name, not by identity: the client is a bundle of its own, with a copy of this class in it, and what it throws
   * must be recognised on this side.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return Error[Symbol.hasInstance](value) && (value as Error).name === 'ClusterFailure';
  }
}

const core = (kind: string, plural: string, namespaced = true): ResourceType => ({
  apiVersion: 'v1',
  kind,
  plural,
  namespaced,
});
const apps = (kind: string, plural: string): ResourceType => ({
  apiVersion: 'apps/v1',
  kind,
  plural,
  namespaced: true,
});

const batch = (kind: string, plural: string): ResourceType => ({
  apiVersion: 'batch/v1',
  kind,
  plural,
  namespaced: true,
});

const rbac = (kind: string, plural: string): ResourceType => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  plural,
  namespaced: false,
});

/** The kinds that Meshloom asks for. */
export const resourceTypes = {
  namespaces: core('Namespace', 'namespaces', false),
  nodes: core('Node', 'nodes', false),
  pods: core('Pod', 'pods'),
  services: core('Service', 'services'),
  configMaps: core('ConfigMap', 'configmaps'),
  serviceAccounts: core('ServiceAccount', 'serviceaccounts'),
  events: core('Event', 'events'),
  deployments: apps('Deployment', 'deployments'),
  replicaSets: apps('ReplicaSet', 'replicasets'),
  statefulSets: apps('StatefulSet', 'statefulsets'),
  daemonSets: apps('DaemonSet', 'daemonsets'),
  jobs: batch('Job', 'jobs'),
  cronJobs: batch('CronJob', 'cronjobs'),
  clusterRoles: rbac('ClusterRole', 'clusterroles'),
  clusterRoleBindings: rbac('ClusterRoleBinding', 'clusterrolebindings'),
  mutatingWebhooks: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    namespaced: false,
  },
  validatingWebhooks: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    namespaced: false,
  },
  apiServices: {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    plural: 'apiservices',
    namespaced: false,
  },
  endpointSlices: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    namespaced: true,
  },
} satisfies Record<string, ResourceType>;
