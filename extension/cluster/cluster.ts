/**
 * The one door to Kubernetes. Trees and commands see this interface; only `client-node-cluster.ts` imports a client, and
 * the demo cluster is reached through it too, over real HTTP. Every call has a deadline and takes a cancel signal;
 * nothing is sent before a method is called.
 */
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

export interface Cluster {
  readonly context: ClusterContext;
  /** All objects, read in pages. */
  list<T extends KubernetesObject>(
    type: ResourceType,
    options?: CallOptions & { namespace?: string; labelSelector?: string; fieldSelector?: string },
  ): Promise<ResourceList<T>>;
  /** `undefined` when it does not exist. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    options?: CallOptions & { namespace?: string },
  ): Promise<T | undefined>;
  /**
   * One watch, until the server ends it or `signal` aborts (then it resolves) or it fails (then it rejects with a
   * {@link ClusterFailure}; `gone` means: list again).
   */
  watch<T extends KubernetesObject>(
    type: ResourceType,
    options: {
      namespace?: string;
      resourceVersion: string;
      signal: AbortSignal;
      onEvent: (event: WatchEvent<T>) => void;
    },
  ): Promise<void>;
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
    options?: CallOptions & { stdin?: string },
  ): Promise<ExecResult>;
  /** What a container has written until now. */
  log(pod: { namespace: string; name: string; container: string }, options?: CallOptions): Promise<string>;
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
  constructor(
    reason: FailureReason,
    message: string,
    next: string,
    options?: ErrorOptions & { status?: number; said?: string },
  ) {
    super(message, options);
    this.reason = reason;
    this.next = next;
    if (options?.status !== undefined) this.status = options.status;
    if (options?.said !== undefined) this.said = options.said;
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
  clusterRoles: rbac('ClusterRole', 'clusterroles'),
  clusterRoleBindings: rbac('ClusterRoleBinding', 'clusterrolebindings'),
  mutatingWebhooks: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    namespaced: false,
  },
} satisfies Record<string, ResourceType>;
