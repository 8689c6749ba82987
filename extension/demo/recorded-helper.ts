/**
 * The node helper's answers, from a recording instead of a node. What was not recorded is not made up: it stays empty, and a
 * note says so. Messages are English, as the real helper's are.
 */
import type { CniActionResult, ReadAgentResult } from '../../contract/cni-plugin.ts';
import {
  nodeHelperProtocol,
  parseNodeHelperRequest,
  type HelloResult,
  type HelperIdentity,
  type InspectedPod,
  type InspectPodResult,
  type InspectPodsResult,
  type IptablesTool,
  type NodeHelperError,
  type NodeHelperReply,
  type NodeHelperRequest,
  type PodTarget,
  type ReadCniResult,
  type ReadNodeRulesResult,
  type RulesReading,
} from '../../contract/node-helper.ts';
import { listLoadedFiles, listPluginTypes, parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import type { Container, Pod, PodSpec } from '../../mesh/kubernetes.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiState } from './api-writes.ts';
import { answerCni, answerReadAgent } from './recorded-cni.ts';
import { findRecordedNode, type Recording } from './recording.ts';
import { readNodeRules } from './node-rules.ts';
import { SimulatedTraffic } from './simulated-traffic.ts';

/** The pod's own containers may hold several programs; this is how one recognises a call of ours. */
export function isHelperCall(pod: ApiObject, command: string[]): boolean {
  const { labels } = pod.metadata;
  const ours =
    labels?.['app.kubernetes.io/name'] === 'meshloom-node-helper' &&
    labels['app.kubernetes.io/managed-by'] === 'meshloom';
  return ours && command.some((word) => /node-helper(?:\.js)?(?:$|\s)/.test(word));
}

/**
 * Answers one request as the helper in that pod would.
 * @param text the request, as it came over standard input.
 * @returns the reply, one line of JSON.
 */
export function answerAsHelper(state: ApiState, recording: Recording, helper: ApiObject, text: string): string {
  const request = parseNodeHelperRequest(text);
  const envelope = { protocol: nodeHelperProtocol, helper: helperIdentity(helper) };
  const answer = 'code' in request ? request : dispatch(state, recording, helper, request);
  const reply: NodeHelperReply =
    'code' in answer ? { ...envelope, ok: false, error: answer } : { ...envelope, ok: true, result: answer };
  return `${JSON.stringify(reply)}\n`;
}

type Result =
  | CniActionResult
  | ReadAgentResult
  | HelloResult
  | InspectPodResult
  | InspectPodsResult
  | ReadCniResult
  | ReadNodeRulesResult;

function dispatch(
  state: ApiState,
  recording: Recording,
  helper: ApiObject,
  request: NodeHelperRequest,
): Result | NodeHelperError {
  const nodeName = String(helper.spec?.nodeName);
  switch (request.verb) {
    case 'hello':
      return hello(recording, nodeName);
    case 'read-cni':
      return readCni(recording, nodeName, request.confDir);
    case 'read-node-rules':
      return readNodeRules(state, nodeName, request.service);
    case 'inspect-pod':
      return inspectPod(state, recording, nodeName, request.pod);
    case 'inspect-pods':
      return { tookMs: 0, pods: inspectPods(state, recording, nodeName, request.pods) };
    case 'read-agent':
      return answerReadAgent(state, findRecordedNode(recording, nodeName) ?? recording.node, helper);
    case 'cni': {
      const node = findRecordedNode(recording, nodeName);
      return node
        ? answerCni(node, helper, request)
        : { code: 'internal', message: `The recording holds nothing of node ${nodeName}.` };
    }
  }
}

function inspectPods(
  state: ApiState,
  recording: Recording,
  nodeName: string,
  asked: PodTarget[] | undefined,
): InspectedPod[] {
  const pods = state.store.list(state.resources.findByKind('v1', 'Pod')!);
  const running = pods.filter((pod) => pod.spec?.nodeName === nodeName && hasProcess(pod));
  const targets =
    asked ?? running.map(({ metadata: { uid } }) => ({ uid: String(uid), namespace: '', name: '', ips: [] }));
  return targets.map((target) => {
    const named = { uid: target.uid, namespace: target.namespace, name: target.name };
    const answer = inspectPod(state, recording, nodeName, target);
    return 'code' in answer ? { ...named, ok: false, error: answer } : { ...named, ok: true, result: answer };
  });
}

function hello(recording: Recording, nodeName: string): HelloResult {
  const { kernel = '', iptables = [] } = findRecordedNode(recording, nodeName) ?? {};
  return { node: nodeName, kernel, iptables };
}

function readCni(recording: Recording, nodeName: string, asked?: string): ReadCniResult {
  const node = findRecordedNode(recording, nodeName);
  const { confDir, binDirs } = node ?? recording.node;
  const nothing = (note: string): ReadCniResult => ({
    confDir: asked ?? confDir,
    binDirs,
    files: [],
    plugins: [],
    notes: [note],
  });
  if (!node) return nothing(`The recording holds nothing of node ${nodeName}.`);
  if (asked !== undefined && asked !== confDir) return nothing(`The recording holds ${confDir} only, not ${asked}.`);
  // As it was told, until something is changed in the demo.
  if (node.read?.files === node.files) return node.read;
  const named = listLoadedFiles(node.files).flatMap((file) => {
    const { list } = parseCniFile(file);
    return list ? listPluginTypes(list) : [];
  });
  const plugins = [...new Set(named)].map((type) => {
    const recorded = node.plugins.find((plugin) => plugin.type === type);
    return (
      recorded ?? { type, error: `There is no program ${type} in ${binDirs.join(', ') || 'the recorded directories'}.` }
    );
  });
  return { confDir, binDirs, files: node.files, plugins, notes: node.notes };
}

function inspectPod(
  state: ApiState,
  recording: Recording,
  nodeName: string,
  target: PodTarget,
): InspectPodResult | NodeHelperError {
  const pods = state.store.list(state.resources.findByKind('v1', 'Pod')!);
  const pod = pods.find(({ metadata }) => metadata.uid === target.uid) as (Pod & ApiObject) | undefined;
  const name = target.name ? `${target.namespace}/${target.name}` : target.uid;
  if (!pod || pod.spec?.nodeName !== nodeName || !hasProcess(pod)) {
    return {
      code: 'pod-not-found',
      message: `No process on ${nodeName} belongs to pod ${name} (UID ${target.uid}).`,
      hint: whyNoProcess(pod, nodeName),
    };
  }
  if (pod.spec.hostNetwork) {
    return {
      code: 'host-network',
      message: `Pod ${name} uses the host’s network: the rules there are the node’s, none are its own.`,
      hint: 'Istio does not intercept pods with hostNetwork.',
    };
  }
  const whole = recording.inspected?.get(keyOf(pod));
  if (whole) return { ...whole, tookMs: 0 };
  const { readings, notes } = recordedReadings(recording, pod);
  return {
    pid: 0,
    netns: '',
    readings,
    interfaces: [{ name: 'eth0', addresses: (pod.status?.podIPs ?? []).map(({ ip }) => ip) }],
    listening: [],
    policyRules: [],
    routes: [],
    notes: [...notes, 'From a recording: processes, sockets and routes were not recorded.'],
    tookMs: 0,
  };
}

function whyNoProcess(pod: Pod | undefined, nodeName: string): string {
  if (!pod) return 'It was deleted. Refresh the list of pods.';
  if (!pod.spec?.nodeName) return 'It has not been given a node yet; its events say why.';
  if (pod.spec.nodeName !== nodeName) return `It runs on ${pod.spec.nodeName}: ask the helper there.`;
  const phase = pod.status?.phase ?? 'Unknown';
  if (phase === 'Pending')
    return 'It is Pending: its network namespace does not exist before its first container starts. Its events say what it waits for.';
  return `It is ${phase} and none of its containers runs. Refresh and look at its status.`;
}

function hasProcess({ status }: Pod): boolean {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(
    ({ state }) => state?.running,
  );
}

const simulated = 'The traffic that moves these counters is simulated: nothing sends packets in the demo.';

/** Each running demo cluster has its own. */
const traffic = new WeakMap<Recording, SimulatedTraffic>();

function trafficOf(recording: Recording): SimulatedTraffic {
  const known = traffic.get(recording) ?? new SimulatedTraffic();
  traffic.set(recording, known);
  return known;
}

/** What was recorded of a pod's rules, as a program in its network namespace would print it. */
export function recordedReadings(
  recording: Recording,
  pod: Pod & ApiObject,
): { readings: RulesReading[]; notes: string[] } {
  const whole = recording.inspected?.get(keyOf(pod));
  if (whole) return { readings: whole.readings, notes: whole.notes };
  const rules = recording.rules.get(keyOf(pod));
  const tool = (findRecordedNode(recording, pod.spec?.nodeName ?? '') ?? recording.node).iptables[0];
  if (rules) {
    const families = (['4', '6'] as const).filter((family) => rules[`v${family}`] !== undefined);
    const { isMoving, count } = trafficOf(recording).pass(pod, Date.now());
    const readings = families.map((family) => {
      const saved = rules[`v${family}`]!;
      return reading(tool, family, family === '4' ? count(saved) : saved);
    });
    return { readings, notes: isMoving ? [...rules.notes, simulated] : rules.notes };
  }
  const hasProxy = proxyContainers(pod.spec).length > 0;
  if (hasProxy) return { readings: [], notes: ['The recording holds no rules of this pod, although it has a proxy.'] };
  return { readings: (['4', '6'] as const).map((family) => reading(tool, family, '')), notes: [] };
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ''}_${metadata.name}`;
}

function proxyContainers(spec: PodSpec | undefined): Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].filter(({ name }) => name === 'istio-proxy');
}

function reading(tool: IptablesTool | undefined, family: '4' | '6', text: string): RulesReading {
  const backend = tool?.backend ?? 'nft';
  return {
    family,
    backend,
    command: `${family === '4' ? 'iptables' : 'ip6tables'}-${backend}-save -c`,
    origin: tool?.origin ?? 'host',
    text,
  };
}

/**
 * What was really deployed: version and hash stand in the pod's labels, annotations or environment; the hash also at the end
 * of the name of the ConfigMap that carries the program.
 */
export function helperIdentity({ metadata, spec }: ApiObject): HelperIdentity {
  const marks = Object.entries({ ...metadata.labels, ...metadata.annotations }).filter(([key]) =>
    key.startsWith('meshloom.dev/'),
  );
  const mark = (word: string) => marks.find(([key]) => key.includes(word))?.[1];
  const podSpec = spec as (PodSpec & { volumes?: { configMap?: { name?: string } }[] }) | undefined;
  const environment = (podSpec?.containers ?? []).flatMap(({ env }) => env ?? []);
  const variable = (pattern: RegExp) => environment.find(({ name, value }) => value && pattern.test(name))?.value;
  const configMap = (podSpec?.volumes ?? [])
    .map((volume) => volume.configMap?.name ?? '')
    .find((name) => /[0-9a-f]{6,}$/.test(name));
  return {
    version:
      variable(/^MESHLOOM_.*VERSION$/) ?? mark('version') ?? metadata.labels?.['app.kubernetes.io/version'] ?? '0.0.0',
    hash: /([0-9a-f]{6,})$/.exec(configMap ?? '')?.[1] ?? mark('hash') ?? variable(/^MESHLOOM_.*HASH$/) ?? '?',
  };
}
