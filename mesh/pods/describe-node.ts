import * as l10n from '@vscode/l10n';
import type {
  Container,
  KubernetesEvent,
  KubernetesObject,
  Node,
  ObjectMeta,
  Pod,
  PodSpec,
  Workload,
} from '../kubernetes.ts';
import { asReason, indexEvents, nodeOf, timeOf } from './events.ts';
import type { EventReason } from './events.ts';
import { findPodTrouble } from './find-pod-trouble.ts';
import type { Trouble } from './find-pod-trouble.ts';
import { imageTag } from './image-tag.ts';
import { describeCniFailure, parseCniFailure } from './parse-cni-failure.ts';
import type { CniFailure } from './parse-cni-failure.ts';

/** A DaemonSet that installs or drives network plugins, known by its name and images. */
export interface NetworkAgent {
  product: string;
  /** `istio-system/istio-cni-node` */
  namespace: string;
  name: string;
  image: string;
  version?: string;
  /** Its pod on this node; absent when none runs there. */
  pod?: { name: string; ready: boolean; trouble?: Trouble };
  /** No DaemonSet of that name is there (any more): the pod is what is left of it. */
  orphan: boolean;
  /** Directories of the node that it mounts: `/etc/cni/net.d`, `/opt/cni/bin`. */
  hostPaths: string[];
}

/** A pod that the node's network keeps from starting or ending. */
export interface HangingPod {
  namespace: string;
  name: string;
  trouble: Trouble;
  /** The pod itself, for what wants to look into it. */
  object: Pod;
}

/** The same failure, however many pods it hits. */
export interface NodeFailure {
  failure: CniFailure;
  says: string;
  /** How often kubelet told it, over all pods. */
  count: number;
  event: EventReason;
  /** The pods that it hits now; none: it is over, or its pods are gone. */
  pods: { namespace: string; name: string }[];
}

/** What the API alone tells about a node's network. What really lies in its directories only the node helper can tell. */
export interface NodeState {
  name: string;
  /** `containerd`, `1.6.20` */
  runtime?: { name: string; version: string };
  kubelet?: string;
  system?: string;
  /** False: the node says that it is not ready; `networkProblem` when its network is why. */
  ready: boolean;
  networkProblem?: string;
  agents: NetworkAgent[];
  /** What goes wrong now, the most frequent first. */
  failures: NodeFailure[];
  /** What went wrong within the last hour and hits no pod now. */
  past: NodeFailure[];
  hanging: HangingPod[];
  /** Pods that istio-validation holds back, because they started before the rules were there. */
  unprotected: HangingPod[];
}

export interface NodeInputs {
  pods: Iterable<Pod>;
  daemonSets: Iterable<Workload>;
  events: Iterable<KubernetesEvent>;
  now?: number;
}

export function describeNode(node: Node, inputs: NodeInputs): NodeState {
  const name = node.metadata?.name ?? '';
  // In an order of their own: what is shown does not hang on what was read first.
  const pods = [...inputs.pods].filter(({ spec }) => spec?.nodeName === name).sort(byName);
  const events = [...inputs.events].sort(byName);
  const eventsOf = indexEvents(events);
  const nodeFailure = findNodeFailure(name, pods, eventsOf);
  const timing = inputs.now === undefined ? {} : { now: inputs.now };
  const troubles = new Map(
    pods.map((pod) => {
      const own = eventsOf('Pod', pod.metadata?.namespace ?? '', pod.metadata?.name ?? '');
      return [pod, findPodTrouble(pod, { events: own, ...(nodeFailure && { nodeFailure }), ...timing })] as const;
    }),
  );
  const podsIn = (kind: Trouble['kind']): HangingPod[] =>
    [...troubles].flatMap(([pod, trouble]) =>
      trouble?.kind === kind
        ? [{ namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', trouble, object: pod }]
        : [],
    );
  const hanging = podsIn('cni');
  const { current, past } = collectFailures(
    name,
    pods,
    events,
    new Set(hanging.map(({ namespace, name: pod }) => `${namespace}/${pod}`)),
  );
  const info = node.status?.nodeInfo;
  const runtime = /^([^:]+):\/\/(.*)$/.exec(info?.containerRuntimeVersion ?? '');
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  const notReady = ready !== undefined && ready.status !== 'True';
  const networkProblem = notReady ? parseCniFailure(ready.message ?? '') : undefined;
  return {
    name,
    ...(runtime && { runtime: { name: runtime[1] ?? '', version: runtime[2] ?? '' } }),
    ...(info?.kubeletVersion && { kubelet: info.kubeletVersion }),
    ...(info?.osImage && { system: info.osImage }),
    ready: !notReady,
    ...(networkProblem && { networkProblem: l10n.t('The node is not ready. {0}', describeCniFailure(networkProblem)) }),
    agents: findAgents(pods, inputs.daemonSets, troubles),
    failures: current,
    past,
    hanging,
    unprotected: podsIn('validation'),
  };
}

type EventLookup = ReturnType<typeof indexEvents>;

/**
 * What keeps the node's pods from starting or ending now: the newest CNI failure of a pod that still hangs on it.
 * It explains the other pods whose own event has not come yet.
 */
export function findNodeFailure(
  node: string,
  pods: Iterable<Pod>,
  eventsOf: EventLookup,
): { failure: CniFailure; pod: string } | undefined {
  let found: { failure: CniFailure; pod: string; at: number } | undefined;
  for (const pod of pods) {
    if (pod.spec?.nodeName !== node) continue;
    const own = eventsOf('Pod', pod.metadata?.namespace ?? '', pod.metadata?.name ?? '');
    if (own.length === 0) continue;
    const trouble = findPodTrouble(pod, { events: own });
    if (!trouble?.cni || !trouble.event) continue;
    const at = Date.parse(trouble.event.last ?? '') || 0;
    const name = nameOf(pod);
    if (!found || at > found.at || (at === found.at && name < found.pod))
      found = { failure: trouble.cni, pod: name, at };
  }
  return found && { failure: found.failure, pod: found.pod };
}

function collectFailures(
  node: string,
  pods: readonly Pod[],
  events: readonly KubernetesEvent[],
  hanging: ReadonlySet<string>,
): { current: NodeFailure[]; past: NodeFailure[] } {
  const uids = new Map(pods.map(({ metadata }) => [metadata?.uid ?? '', metadata]));
  const found = new Map<string, NodeFailure & { at: number }>();
  for (const event of events) {
    const about = event.involvedObject;
    if (about?.kind !== 'Pod' || event.type === 'Normal') continue;
    const here = uids.get(about.uid ?? '');
    if (!here && nodeOf(event) !== node) continue;
    const failure = parseCniFailure(event.message ?? '');
    if (!failure) continue;
    const key = [failure.kind, failure.plugin, failure.asked, failure.kind === 'other' ? failure.detail : ''].join('|');
    const reason = asReason(event);
    const entry = found.get(key) ?? {
      failure,
      says: describeCniFailure(failure),
      count: 0,
      event: reason,
      pods: [],
      at: -1,
    };
    entry.count += reason.count;
    if (timeOf(event) > entry.at) Object.assign(entry, { event: reason, failure, at: timeOf(event) });
    const namespace = about.namespace ?? '';
    const name = about.name ?? '';
    const hit = here && hanging.has(`${namespace}/${name}`);
    if (hit && !entry.pods.some((pod) => pod.namespace === namespace && pod.name === name))
      entry.pods.push({ namespace, name });
    found.set(key, entry);
  }
  const all = [...found.values()].sort((a, b) => b.count - a.count).map(({ at: _, ...failure }) => failure);
  return {
    current: all.filter((failure) => failure.pods.length > 0),
    past: all.filter((failure) => failure.pods.length === 0),
  };
}

/** Names as the products' own manifests have them; the first that fits wins. */
const products: { product: string; pattern: RegExp }[] = [
  { product: 'Istio CNI', pattern: /istio-cni|install-cni/ },
  { product: 'Istio ztunnel', pattern: /ztunnel/ },
  { product: 'Galaxy', pattern: /galaxy/ },
  { product: 'Calico', pattern: /calico-node|calico\/node|canal/ },
  { product: 'Cilium', pattern: /cilium(?!-operator|-envoy)/ },
  { product: 'Flannel', pattern: /flannel/ },
  { product: 'Multus', pattern: /multus/ },
  { product: 'Antrea', pattern: /antrea/ },
  { product: 'Weave Net', pattern: /weave-?(?:net|kube)/ },
  { product: 'kube-router', pattern: /kube-router/ },
  { product: 'Kube-OVN', pattern: /kube-ovn-cni|kube-ovn/ },
  { product: 'OVN-Kubernetes', pattern: /ovnkube-node/ },
  { product: 'Amazon VPC CNI', pattern: /aws-node|amazon-k8s-cni/ },
  { product: 'Azure CNI', pattern: /azure-cni|azure-cns/ },
  { product: 'Terway', pattern: /terway/ },
  { product: 'kindnet', pattern: /kindnet/ },
  { product: 'Linkerd CNI', pattern: /linkerd-cni/ },
];

function findAgents(
  pods: readonly Pod[],
  daemonSets: Iterable<Workload>,
  troubles: ReadonlyMap<Pod, Trouble | undefined>,
): NetworkAgent[] {
  const agents = new Map<string, NetworkAgent>();
  for (const { metadata, spec } of daemonSets) {
    const agent = agentOf(metadata, spec?.template?.spec);
    if (agent) agents.set(`${agent.namespace}/${agent.name}`, agent);
  }
  for (const pod of pods) {
    const owner = pod.metadata?.ownerReferences?.find(({ kind }) => kind === 'DaemonSet');
    if (!owner) continue;
    const key = `${pod.metadata?.namespace ?? ''}/${owner.name}`;
    const agent = agents.get(key) ?? agentOf({ ...pod.metadata, name: owner.name }, pod.spec);
    if (!agent) continue;
    if (!agents.has(key)) agents.set(key, Object.assign(agent, { orphan: true }));
    const trouble = troubles.get(pod);
    // While a pod is replaced there are two: the one that runs speaks for the node.
    if (agent.pod?.ready) continue;
    agent.pod = { name: pod.metadata?.name ?? '', ready: isReady(pod), ...(trouble && { trouble }) };
  }
  return [...agents.values()].sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

function agentOf(metadata: ObjectMeta | undefined, spec: PodSpec | undefined): NetworkAgent | undefined {
  const name = metadata?.name ?? '';
  const containers = spec?.containers ?? [];
  const images = [...containers, ...(spec?.initContainers ?? [])].map(({ image = '' }) => image);
  for (const { product, pattern } of products) {
    const fits = ({ image = '', name: container }: Container) => pattern.test(image) || pattern.test(container);
    if (!pattern.test(name) && !images.some((image) => pattern.test(image))) continue;
    const image = (containers.find(fits) ?? containers[0])?.image ?? '';
    const version = imageTag(image);
    return {
      product,
      namespace: metadata?.namespace ?? '',
      name,
      image,
      ...(version && { version }),
      orphan: false,
      hostPaths: [...new Set((spec?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []))].sort(),
    };
  }
  return undefined;
}

function nameOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

function byName(a: KubernetesObject, b: KubernetesObject): number {
  const [one, other] = [nameOf(a), nameOf(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

function isReady(pod: Pod): boolean {
  return (
    !pod.metadata?.deletionTimestamp &&
    (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false)
  );
}
