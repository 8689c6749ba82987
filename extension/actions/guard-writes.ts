/**
 * The one gate through which every write to a cluster goes. Whoever connects is handed a guarded cluster, so a command
 * that forgets to ask is asked here; reading passes untouched. A dry run writes nothing and passes, too.
 */
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type {
  CallOptions,
  Cluster,
  ClusterContext,
  ExecResult,
  ResourceType,
  TerminalOptions,
  TerminalSession,
} from '../cluster/cluster.ts';

/** What is about to be written, for whoever is asked. */
export interface Write {
  context: ClusterContext;
  /** `Deployment shop/web`, `Pod shop/web-1` */
  object: string;
  how: 'apply' | 'patch' | 'delete' | 'exec' | 'terminal';
}

/** @throws ClusterFailure `protected` when it may not be. */
export type Gate = (write: Write) => Promise<void>;

interface ContainerPlace {
  namespace: string;
  name: string;
  container: string;
}

/** @param gate is asked before every write. */
export function guardWrites(cluster: Cluster, gate: Gate): Cluster {
  return new GuardedCluster(cluster, gate);
}

class GuardedCluster implements Cluster {
  readonly #cluster: Cluster;
  readonly #gate: Gate;
  readonly list: Cluster['list'];
  readonly get: Cluster['get'];
  readonly watch: Cluster['watch'];
  readonly mayList: Cluster['mayList'];
  readonly log: Cluster['log'];
  readonly streamLog: Cluster['streamLog'];
  readonly openPort: Cluster['openPort'];

  constructor(cluster: Cluster, gate: Gate) {
    this.#cluster = cluster;
    this.#gate = gate;
    // What only reads passes as it is.
    this.list = cluster.list.bind(cluster);
    this.get = cluster.get.bind(cluster);
    this.watch = cluster.watch.bind(cluster);
    this.mayList = cluster.mayList.bind(cluster);
    this.log = cluster.log.bind(cluster);
    this.streamLog = cluster.streamLog.bind(cluster);
    this.openPort = cluster.openPort.bind(cluster);
  }

  get context(): ClusterContext {
    return this.#cluster.context;
  }

  async apply<T extends KubernetesObject>(
    object: T,
    options?: CallOptions & { dryRun?: boolean; force?: boolean },
  ): Promise<T> {
    const { namespace, name } = object.metadata ?? {};
    if (!options?.dryRun) await this.#ask('apply', object.kind ?? '?', name, namespace);
    return await this.#cluster.apply(object, options);
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType,
    name: string,
    body: object,
    options?: CallOptions & { namespace?: string; subresource?: string; dryRun?: boolean },
  ): Promise<T> {
    if (!options?.dryRun) await this.#ask('patch', type.kind, name, options?.namespace);
    return await this.#cluster.patch(type, name, body, options);
  }

  async delete(
    type: ResourceType,
    name: string,
    options?: CallOptions & { namespace?: string; uid?: string },
  ): Promise<boolean> {
    await this.#ask('delete', type.kind, name, options?.namespace);
    return await this.#cluster.delete(type, name, options);
  }

  async exec(
    pod: ContainerPlace,
    command: string[],
    options?: CallOptions & { stdin?: string; writes?: string },
  ): Promise<ExecResult> {
    if (options?.writes !== undefined) await this.#gate({ context: this.context, object: options.writes, how: 'exec' });
    return await this.#cluster.exec(pod, command, options);
  }

  async openTerminal(pod: ContainerPlace, command: string[], options: TerminalOptions): Promise<TerminalSession> {
    // Who types there may change anything.
    await this.#ask('terminal', 'Pod', pod.name, pod.namespace);
    return await this.#cluster.openTerminal(pod, command, options);
  }

  async #ask(how: Write['how'], kind: string, name: string | undefined, namespace: string | undefined): Promise<void> {
    const object = `${kind} ${[namespace, name].filter(Boolean).join('/')}`;
    await this.#gate({ context: this.context, object, how });
  }
}
