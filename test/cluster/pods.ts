/** Pods that a test makes in a namespace of its own, and what the cluster says of them. */
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import type { KubernetesEvent, KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { pauseImage } from './images.ts';
import { eventually, type ConnectedCluster } from './support.ts';

export interface PodShape {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec?: Record<string, unknown>;
}

export class TestPods {
  readonly #cluster: ConnectedCluster;
  readonly namespace: string;

  constructor(cluster: ConnectedCluster, namespace: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
  }

  /** The namespace with its service account. */
  async open(): Promise<void> {
    const { namespace } = this;
    await this.#cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await eventually('the service account', () =>
      this.#cluster.get(resourceTypes.serviceAccounts, 'default', { namespace }),
    );
  }

  /** A pod that only holds its sandbox, unless its shape says more. */
  async create(name: string, { labels, annotations, spec }: PodShape = {}): Promise<Pod> {
    const containers = [{ name: 'app', image: pauseImage, imagePullPolicy: 'IfNotPresent' }];
    // With no time to end in, the API forgets a pod before the kubelet has ended it.
    const common = { terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers };
    const metadata = {
      name,
      namespace: this.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...common, ...spec } };
    return (await this.#cluster.apply(object as KubernetesObject)) as Pod;
  }

  /** Makes a pod and waits until it is Ready. */
  async run(name: string, shape: PodShape = {}): Promise<Pod> {
    await this.create(name, shape);
    return await this.ready(name);
  }

  async find(name: string): Promise<Pod | undefined> {
    return await this.#cluster.get<Pod>(resourceTypes.pods, name, { namespace: this.namespace });
  }

  async ready(name: string, timeoutMs = 60_000): Promise<Pod> {
    const look = async () => {
      const pod = await this.find(name);
      const isReady = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      return isReady ? pod : undefined;
    };
    try {
      return await eventually(`pod ${name} getting ready`, look, timeoutMs);
    } catch (cause) {
      const said = (await this.events()).filter(({ involvedObject }) => involvedObject?.name === name);
      const lines = said.map(({ reason, message }) => `${reason}: ${message}`);
      throw new Error([(cause as Error).message, ...lines].join('\n'), { cause });
    }
  }

  async events(): Promise<KubernetesEvent[]> {
    return (await this.#cluster.list<KubernetesEvent>(resourceTypes.events, { namespace: this.namespace })).items;
  }

  /** Asks for its end, and does not wait for it. */
  async delete(name: string): Promise<void> {
    await this.#cluster.delete(resourceTypes.pods, name, { namespace: this.namespace });
  }

  async gone(name: string, timeoutMs = 60_000): Promise<void> {
    await eventually(
      `the end of pod ${name}`,
      async () => ((await this.find(name)) === undefined ? true : undefined),
      timeoutMs,
    );
  }

  async end(...names: string[]): Promise<void> {
    for (const name of names) await this.delete(name);
    for (const name of names) await this.gone(name);
  }

  /** Of all pods here. */
  async list(): Promise<Pod[]> {
    return (await this.#cluster.list<Pod>(resourceTypes.pods, { namespace: this.namespace })).items;
  }

  /** The first event of a reason about a pod, once there is one. */
  async event(name: string, reason: string): Promise<KubernetesEvent> {
    return await eventually(`the event ${reason} of pod ${name}`, async () =>
      (await this.events()).find((event) => event.reason === reason && event.involvedObject?.name === name),
    );
  }
}
