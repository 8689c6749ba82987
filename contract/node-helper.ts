/**
 * What the extension asks the node-helper and what it answers: one JSON request on the program's standard input, one JSON
 * reply on its standard output, carried by `pods/exec`. The other end may be older or newer than we are, so every
 * message names its protocol and everything that arrives is parsed, never trusted.
 *
 * Sample, shortened:
 *
 *     → {"protocol":1,"verb":"inspect-pod","pod":{"uid":"9f…","namespace":"shop","name":"reviews-1","ips":["10.88.0.7"]}}
 *     ← {"protocol":1,"helper":{"version":"0.1.0","hash":"4be1…"},"ok":true,"result":{"pid":4711,"rules":[…]}}
 */
import * as l10n from '@vscode/l10n';
import type { CniCredential, PluginFault } from '../mesh/cni/cni-chain.ts';
import type { CniAction, CniActionRequest, CniActionResult, PlannedAction, ReadAgentResult } from './cni-plugin.ts';

/** Grows by one when an old reader could misunderstand a new message. New optional fields do not change it. */
export const nodeHelperProtocol = 1;

/** Which pod to look into; everything that can tell its processes from another pod's. */
export interface PodTarget {
  uid: string;
  namespace: string;
  name: string;
  /** The pod's addresses: the netns that is found must hold one of them. */
  ips: string[];
  /** `containerd://<64 hex>` and the like, from `status.containerStatuses`; some runtimes' cgroups name only these. */
  containerIds?: string[];
}

export type NodeHelperRequest = { protocol: number } & (
  | { verb: 'hello' }
  | { verb: 'inspect-pod'; pod: PodTarget }
  /** Many at once, within a time; no `pods`: all that have a process on the node, by their UID alone. */
  | { verb: 'inspect-pods'; pods?: PodTarget[]; timeoutMs?: number }
  | { verb: 'read-cni'; confDir?: string; binDirs?: string[] }
  /** kube-proxy's rules in the node's own network namespace; of one Service, or all of them. */
  | { verb: 'read-node-rules'; service?: { namespace: string; name: string } }
  /** The directory of the CNI configuration planned for, changed or given back. */
  | ({ verb: 'cni' } & CniActionRequest)
  /** What the plugin's agent did with each pod of this node, and why. */
  | { verb: 'read-agent' }
);

export type NodeHelperVerb = NodeHelperRequest['verb'];

/** `version`: the extension's that shipped it. `hash`: of the program's own bytes, as in its ConfigMap's name. */
export interface HelperIdentity {
  version: string;
  hash: string;
}

/** What `hello` tells: whether this node is fit for the rest. */
export interface HelloResult {
  node: string;
  kernel: string;
  /** Where a usable iptables was found; empty when none was. */
  iptables: IptablesTool[];
}

/** One program that can print rules. `origin`: the helper's own image, the host's root, or a proxy container's root. */
export interface IptablesTool {
  origin: 'container' | 'host' | 'proxy-container';
  backend: 'nft' | 'legacy';
  path: string;
  version: string;
}

/**
 * One reading of one family through one backend. `nft` and `legacy` are what iptables shows; `native-nft` are the tables
 * that it does not show, because somebody wrote them with nft: a table of family `inet` sees packets of both families and
 * stands in both readings. A backend that holds nothing here, and was not asked for that reason, has no reading.
 * `computed` never comes from a node: nobody looked, it is what Istio would program (see obtain-rules.ts).
 */
export interface RulesReading {
  family: '4' | '6';
  backend: 'nft' | 'legacy' | 'native-nft' | 'computed';
  /** What was run, for the user to run again; empty for `computed`. */
  command: string;
  origin: IptablesTool['origin'] | 'computed';
  /** `iptables-save -c` text, or `nft list ruleset` text for `native-nft`. Empty text: no rules there. */
  text: string;
}

/** A socket that listens in the pod; `port` is 15001, 15006, 15021, … when the proxy is up. */
export interface ListeningSocket {
  family: '4' | '6';
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
}

export interface NetworkInterface {
  name: string;
  addresses: string[];
  mtu?: number;
}

export interface InspectPodResult {
  /** A process of the pod, and its network namespace: `net:[4026532281]`. */
  pid: number;
  netns: string;
  readings: RulesReading[];
  interfaces: NetworkInterface[];
  listening: ListeningSocket[];
  /** `ip rule` and `ip route show table all` lines, for TPROXY and ambient; rules for IPv6 begin with `inet6 `. */
  policyRules: string[];
  routes: string[];
  /** What could not be read, in words: never a failure of the whole. */
  notes: string[];
  /** Milliseconds that the reading took on the node. */
  tookMs: number;
}

/** One pod of many: read, or why not. */
export type InspectedPod = Pick<PodTarget, 'uid' | 'namespace' | 'name'> &
  ({ ok: true; result: InspectPodResult } | { ok: false; error: NodeHelperError });

export interface InspectPodsResult {
  /** In the order in which they were asked for; each of them is here. */
  pods: InspectedPod[];
  /** Milliseconds for all of them. */
  tookMs: number;
}

export interface CniFile {
  name: string;
  /** Bytes as text; absent when unreadable, then `error` says why. */
  content?: string;
  error?: string;
  mode?: number;
  linkTarget?: string;
  /** Milliseconds since 1970 of the last write. */
  modified?: number;
  /** It is a directory, not a link to one. */
  directory?: boolean;
}

/** A further directory that matters: the folder whose plugins a list takes in, or where a delegating plugin looks. */
export interface CniFolder {
  path: string;
  files: CniFile[];
}

export interface CniPluginProbe {
  type: string;
  path?: string;
  /** As the plugin's VERSION reply says. Absent: it could not be asked, `error` says why. */
  supportedVersions?: string[];
  error?: string;
  /** Why it cannot do its work, where that is certain; `error` says it in words. */
  fault?: PluginFault;
  /** Where such a program lies although the runtime does not look there. */
  elsewhere?: string;
}

export interface ReadCniResult {
  confDir: string;
  binDirs: string[];
  files: CniFile[];
  plugins: CniPluginProbe[];
  notes: string[];
  /** The container runtime that reads the directory; absent when none was found. */
  runtimeCni?: RuntimeCni;
  /** Where the node's pods get their addresses, as far as it can be told. */
  network?: PodNetworkFacts;
  /** Only those that are there. */
  folders?: CniFolder[];
  /** Kubeconfigs that plugins of the chain name; what they hold stays on the node. */
  credentials?: CniCredential[];
  /** Names of the networks with which pods of this node were connected, by libcni's cache. */
  cachedNetworks?: string[];
  /** Files that changed while they were read, again and again. */
  changing?: string[];
}

/** What the container runtime uses, best source first: what it says itself, its configuration, how it was started, the usual. */
export interface RuntimeCni {
  /** `containerd`, `crio`, `cri-dockerd`, `kubelet` (dockershim). */
  program: string;
  version?: string;
  source: 'status' | 'configuration' | 'arguments' | 'usual';
  confDir: string;
  binDirs: string[];
  /** How its last reading of the directory ended: empty when well; absent when it does not tell. */
  lastLoad?: string;
  /** Why its network is not ready although it has loaded one: since CNI 1.1 plugins are asked (STATUS). */
  notReady?: string;
  /** The names of the files or networks that it has loaded, where it tells. */
  loaded?: string[];
  /** In the same order: the JSON text of each as it was when it was loaded. */
  loadedTexts?: string[];
  /** CRI-O can be told to use the network of this name, wherever its file stands in the order. */
  defaultNetwork?: string;
  /** containerd: how many files it loads; 0 all of them. Absent: the first alone. */
  maxNetworks?: number;
}

export interface PodNetworkFacts {
  /** Of this node's pods, `10.88.0.0/24`, with the place where each was found (a file, an entry of the list). */
  subnets: { subnet: string; source: string }[];
  mtu?: { value: number; source: string };
  /** The bridge that the pods hang on. */
  bridge?: { name: string; addresses: string[]; mtu?: number };
  /** Flannel's `/run/flannel/subnet.env`, as it stands there. */
  flannel?: Record<string, string>;
  /** Addresses leased by host-local, of how many, for each network. */
  leases?: { network: string; used: number; of?: number; sample?: string }[];
}

export interface ReadNodeRulesResult {
  /** Cut down to what was asked for; empty: kube-proxy has written nothing here. */
  readings: RulesReading[];
  /** The node's own, loopback left out. */
  addresses: string[];
  notes: string[];
  tookMs: number;
}

export interface ResultOf {
  hello: HelloResult;
  'inspect-pod': InspectPodResult;
  'inspect-pods': InspectPodsResult;
  'read-cni': ReadCniResult;
  'read-node-rules': ReadNodeRulesResult;
  cni: CniActionResult;
  'read-agent': ReadAgentResult;
}

/** `code` is for programs, `message` says what happened and why, `hint` what to do next. Both are English: see {@link NodeHelperFailure}. */
export interface NodeHelperError {
  code:
    | 'bad-request'
    | 'unknown-verb'
    | 'protocol'
    | 'pod-not-found'
    | 'host-network'
    | 'no-iptables'
    | 'not-permitted'
    | 'sandboxed'
    | 'timeout'
    | 'internal';
  message: string;
  hint?: string;
}

export type NodeHelperReply<Verb extends NodeHelperVerb = NodeHelperVerb> = {
  protocol: number;
  helper: HelperIdentity;
} & ({ ok: true; result: ResultOf[Verb] } | { ok: false; error: NodeHelperError });

/** The reply was not one: cut off, not JSON, another program's output, or of a protocol we do not speak. */
export class UnreadableReply extends Error {
  override readonly name = 'UnreadableReply';
  readonly text: string;
  constructor(message: string, text: string, options?: ErrorOptions) {
    super(message, options);
    this.text = text;
  }
}

/**
 * Reads what came over the wire.
 * @param text standard output of the helper, whole.
 * @throws {UnreadableReply} when it is no reply to this verb. A reply with `ok: false` is returned, not thrown.
 */
export function parseNodeHelperReply<Verb extends NodeHelperVerb>(text: string, verb: Verb): NodeHelperReply<Verb> {
  const message = parseJsonObject(text);
  if (!message) throw new UnreadableReply(l10n.t('The node helper did not answer with JSON.'), text);
  if (typeof message.protocol !== 'number') {
    throw new UnreadableReply(l10n.t('The answer is not from a Meshloom node helper.'), text);
  }
  if (message.protocol > nodeHelperProtocol) {
    throw new UnreadableReply(
      l10n.t(
        'The node helper speaks protocol {0}, this extension {1}: update the extension.',
        message.protocol,
        nodeHelperProtocol,
      ),
      text,
    );
  }
  const helper = asRecord(message.helper);
  const identity = { version: String(helper?.version ?? '?'), hash: String(helper?.hash ?? '?') };
  const error = asRecord(message.error);
  if (message.ok === false && error) {
    return {
      protocol: message.protocol,
      helper: identity,
      ok: false,
      error: errorOf(error),
    };
  }
  const result = asRecord(message.result);
  if (message.ok !== true || !result || !requiredFields[verb].every((field) => field in result)) {
    throw new UnreadableReply(l10n.t('The node helper’s answer to “{0}” is incomplete.', verb), text);
  }
  return {
    protocol: message.protocol,
    helper: identity,
    ok: true,
    result: withDefaults[verb](result) as ResultOf[Verb],
  };
}

/**
 * Reads a request on the node.
 * @returns the request, or the error to answer with.
 */
export function parseNodeHelperRequest(text: string): NodeHelperRequest | NodeHelperError {
  const message = parseJsonObject(text);
  if (!message) return { code: 'bad-request', message: 'The request is not a JSON object.' };
  if (message.protocol !== nodeHelperProtocol) {
    return {
      code: 'protocol',
      message: `This helper speaks protocol ${nodeHelperProtocol}, the request ${String(message.protocol)}.`,
      hint: 'Deploy the node helper again from the extension that asks.',
    };
  }
  switch (message.verb) {
    case 'hello':
      return { protocol: nodeHelperProtocol, verb: 'hello' };
    case 'read-cni':
      return {
        protocol: nodeHelperProtocol,
        verb: 'read-cni',
        ...(typeof message.confDir === 'string' && { confDir: message.confDir }),
        ...(Array.isArray(message.binDirs) && { binDirs: strings(message.binDirs) }),
      };
    case 'read-agent':
      return { protocol: nodeHelperProtocol, verb: 'read-agent' };
    case 'cni': {
      const action = cniActions.find((known) => known === message.action);
      if (!action) return { code: 'bad-request', message: `cni takes one of ${cniActions.join(', ')}.` };
      return {
        protocol: nodeHelperProtocol,
        verb: 'cni',
        action,
        ...(plannedActions.includes(message.planFor as PlannedAction) && { planFor: message.planFor as PlannedAction }),
        ...(message.mode === 'standalone' && { mode: 'standalone' }),
        ...(typeof message.confDir === 'string' && { confDir: message.confDir }),
        ...(typeof message.binDir === 'string' && { binDir: message.binDir }),
        ...(typeof message.entry === 'string' && { entry: message.entry }),
      };
    }
    case 'read-node-rules': {
      const service = asRecord(message.service);
      return {
        protocol: nodeHelperProtocol,
        verb: 'read-node-rules',
        ...(typeof service?.namespace === 'string' &&
          typeof service.name === 'string' && { service: { namespace: service.namespace, name: service.name } }),
      };
    }
    case 'inspect-pod': {
      const pod = podTarget(message.pod);
      if (!pod) return { code: 'bad-request', message: 'inspect-pod needs pod.uid.' };
      return { protocol: nodeHelperProtocol, verb: 'inspect-pod', pod };
    }
    case 'inspect-pods': {
      const { pods, timeoutMs } = message;
      const targets = Array.isArray(pods) ? pods.map(podTarget) : undefined;
      if (targets?.includes(undefined))
        return { code: 'bad-request', message: 'inspect-pods needs the uid of each pod.' };
      return {
        protocol: nodeHelperProtocol,
        verb: 'inspect-pods',
        ...(targets && { pods: targets.filter((target) => target !== undefined) }),
        ...(typeof timeoutMs === 'number' && timeoutMs > 0 && { timeoutMs }),
      };
    }
    default:
      return {
        code: 'unknown-verb',
        message: `This helper does not know “${String(message.verb)}”.`,
        hint: 'It is older than the extension: deploy it again.',
      };
  }
}

const plannedActions: readonly PlannedAction[] = ['install', 'uninstall', 'repair'];
const cniActions: readonly CniAction[] = ['plan', ...plannedActions];

function podTarget(value: unknown): PodTarget | undefined {
  const pod = asRecord(value);
  if (typeof pod?.uid !== 'string' || pod.uid === '') return undefined;
  return {
    uid: pod.uid,
    namespace: textOf(pod.namespace),
    name: textOf(pod.name),
    ips: strings(pod.ips),
    containerIds: strings(pod.containerIds),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const requiredFields: Record<NodeHelperVerb, string[]> = {
  hello: ['node'],
  'inspect-pod': ['readings'],
  'inspect-pods': ['pods'],
  'read-cni': ['files'],
  'read-node-rules': ['readings'],
  cni: ['plan', 'exit'],
  'read-agent': ['records'],
};

/** An older helper may leave out what was added since: fill it in, so that readers need not ask. */
const withDefaults: Record<NodeHelperVerb, (result: Record<string, unknown>) => object> = {
  hello: (result) => ({ kernel: '', iptables: [], ...result }),
  'inspect-pod': inspectDefaults,
  'inspect-pods': ({ pods, ...result }) => ({
    tookMs: 0,
    ...result,
    pods: (Array.isArray(pods) ? pods : []).flatMap((value) => inspectedPod(asRecord(value)) ?? []),
  }),
  'read-node-rules': (result) => ({ addresses: [], notes: [], tookMs: 0, ...result }),
  'read-cni': (result) => ({ confDir: '', binDirs: [], plugins: [], notes: [], ...result }),
  cni: ({ plan, ...result }) => ({
    confDir: '',
    binDir: '',
    before: {},
    ...result,
    plan: planDefaults(asRecord(plan)),
  }),
  'read-agent': (result) => ({ running: false, notes: [], ...result }),
};

function planDefaults(plan: Record<string, unknown> | undefined): object {
  return {
    action: 'none',
    files: [],
    plugins: [],
    writes: [],
    removes: [],
    problems: [],
    binaryKept: false,
    ...plan,
  };
}

function inspectDefaults(result: Record<string, unknown>): object {
  return {
    pid: 0,
    netns: '',
    interfaces: [],
    listening: [],
    policyRules: [],
    routes: [],
    notes: [],
    tookMs: 0,
    ...result,
  };
}

/** Undefined for what names no pod. */
function inspectedPod(value: Record<string, unknown> | undefined): object | undefined {
  if (typeof value?.uid !== 'string') return undefined;
  const pod = { uid: value.uid, namespace: textOf(value.namespace), name: textOf(value.name) };
  const result = asRecord(value.result);
  if (value.ok === true && result && Array.isArray(result.readings))
    return { ...pod, ok: true, result: inspectDefaults(result) };
  return { ...pod, ok: false, error: errorOf(asRecord(value.error) ?? { message: 'The answer is incomplete.' }) };
}

function errorOf(error: Record<string, unknown>): NodeHelperError {
  return {
    code: (typeof error.code === 'string' ? error.code : 'internal') as NodeHelperError['code'],
    message: textOf(error.message),
    ...(typeof error.hint === 'string' && { hint: error.hint }),
  };
}

function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
