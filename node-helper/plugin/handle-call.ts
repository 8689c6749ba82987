/**
 * One call of the plugin, from what the runtime asked to what it is told. Whatever goes wrong, a pod can start and end:
 * ADD passes on the result of the plugins before us, and what could not be done is recorded for the agent to repair.
 */
import type { PodRecord } from '../../contract/cni-plugin.ts';
import { compareCniVersions } from '../../mesh/cni/cni-versions.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { attempt } from '../failure.ts';
import type { OpenFile } from '../host.ts';
import { findHostPlace, ownPlace, type Place } from '../tools.ts';
import { type NetworkConfig, parseNetworkConfig, resultOf } from './network-config.ts';
import { guessPod } from './pod-of-annotations.ts';
import { findRules, type PodVerdict, programPod } from './program-pod.ts';
import type { WantedRules } from './wanted-rules.ts';
import { readRules } from './program-netns.ts';
import type { Family, NetnsTarget } from './toolbox.ts';
import type { CniCall, CniReply, KnownPod, PluginWorld, PodIds } from './types.ts';

interface Task {
  world: PluginWorld;
  call: CniCall;
  config: NetworkConfig;
  containerId: string;
}

interface Command {
  /** The first version of the specification that has it. */
  since: string;
  /** What must be in the environment. */
  needs: readonly string[];
  /** What it must not fail for, however it was called. */
  lenient?: boolean;
  run: (task: Task) => Promise<CniReply> | CniReply;
}

const sandbox = ['CNI_CONTAINERID', 'CNI_IFNAME'];

/** The protocol. VERSION is answered by the launcher itself, and here for who asks all the same. */
const commands: Readonly<Record<string, Command>> = {
  ADD: { since: '0.1.0', needs: [...sandbox, 'CNI_NETNS'], run: add },
  DEL: { since: '0.1.0', needs: sandbox, lenient: true, run: del },
  CHECK: { since: '0.4.0', needs: [...sandbox, 'CNI_NETNS'], run: check },
  STATUS: { since: '1.1.0', needs: ['CNI_PATH'], run: () => nothing },
  GC: { since: '1.1.0', needs: ['CNI_PATH'], run: collectGarbage },
  VERSION: { since: '0.1.0', needs: [], lenient: true, run: ({ config }) => version(config) },
};

export const supportedVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
const newest = '1.1.0';

const nothing: CniReply = { exit: 0, stdout: Buffer.alloc(0) };

/** Codes of the specification, and from 100 on our own. */
const errorCodes = { version: 1, environment: 4, json: 6, drift: 100 } as const;

/** Never throws. */
export async function handleCall(world: PluginWorld, call: CniCall): Promise<CniReply> {
  const name = call.env.CNI_COMMAND ?? '';
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) return failure(errorCodes.environment, 'unknown CNI_COMMAND', name);
  const missing = command.needs.filter((each) => !call.env[each]);
  if (missing.length > 0) return failure(errorCodes.environment, 'required env variables missing', missing.join(', '));
  const containerId = call.env.CNI_CONTAINERID ?? '';
  if (command.needs.includes('CNI_CONTAINERID') && !/^[a-zA-Z0-9][\w.-]{0,199}$/.test(containerId))
    return failure(errorCodes.environment, 'invalid characters in containerID', containerId);
  const config = readConfig(call, command, name);
  if ('exit' in config) return config;
  try {
    return await command.run({ world, call, config, containerId });
  } catch (error) {
    // A fault of ours is nobody's reason not to start.
    if (name === 'ADD') record({ world, call, config, containerId }, { ...unknownPod, problems: [messageOf(error)] });
    return name === 'ADD' ? { exit: 0, stdout: resultOf(config) } : nothing;
  }
}

function readConfig(call: CniCall, { since, lenient }: Command, name: string): NetworkConfig | CniReply {
  const empty: NetworkConfig = { version: newest, addresses: [] };
  try {
    const config = parseNetworkConfig(call.stdin);
    if (lenient) return supportedVersions.includes(config.version) ? config : { ...config, version: newest };
    if (!supportedVersions.includes(config.version))
      return failure(errorCodes.version, 'incompatible CNI versions: supported are 0.1.0 to 1.1.0', config.version);
    if (compareCniVersions(config.version, since) < 0)
      return failure(errorCodes.version, 'config version does not allow this command', name, config.version);
    return config;
  } catch (error) {
    return lenient
      ? empty
      : failure(errorCodes.json, 'the network configuration is not a JSON object', messageOf(error));
  }
}

function failure(code: number, msg: string, details: string, cniVersion = newest): CniReply {
  return { exit: 1, stdout: Buffer.from(`${JSON.stringify({ cniVersion, code, msg, details })}\n`) };
}

function version({ version: cniVersion }: NetworkConfig): CniReply {
  return { exit: 0, stdout: Buffer.from(`${JSON.stringify({ cniVersion, supportedVersions })}\n`) };
}

// ---- ADD ------------------------------------------------------------------------------------------------------------

async function add(task: Task): Promise<CniReply> {
  const { world, config } = task;
  const started = world.host.now();
  const verdict = await decideAndProgram(task);
  record(task, verdict, Math.round(world.host.now() - started));
  return { exit: 0, stdout: resultOf(config) };
}

type Verdict = PodVerdict & Partial<Pick<PodRecord, 'knownFrom' | 'uid'>>;

const unknownPod: Verdict = { outcome: 'missed', steps: [], problems: [] };

async function decideAndProgram(task: Task): Promise<Verdict> {
  const ids = podIdsOf(task.call);
  if (!ids) {
    const says = 'The runtime names no pod of Kubernetes (CNI_ARGS has no K8S_POD_NAMESPACE and K8S_POD_NAME).';
    return { outcome: 'declined', steps: [{ check: 'pod', verdict: 'skip', says }], problems: [] };
  }
  const found = await findPod(task, ids);
  if (!found) {
    const problem = `Nothing could be learnt about pod ${ids.namespace}/${ids.name}: the API server did not answer, and the runtime hands no annotations over.`;
    return { ...unknownPod, problems: [problem] };
  }
  const { known, knownFrom, problems } = found;
  const program = (target: NetnsTarget) =>
    isOfNode(task, target) ? noPods(task) : programPod(task.world, known, target, task.config.addresses);
  const verdict = (await withNetns(task, program)) ?? {
    ...unknownPod,
    problems: [`The pod's network namespace ${task.call.env.CNI_NETNS ?? ''} could not be opened.`],
  };
  return {
    ...verdict,
    knownFrom,
    problems: [...(verdict.outcome === 'declined' ? [] : problems), ...verdict.problems],
  };
}

/** What the runtime or this agent stands in itself is no pod's: rules there would take the whole node's traffic. */
function isOfNode({ world: { host }, call: { pid } }: Task, { netns }: NetnsTarget): boolean {
  const parent = attempt(() => / \S (\d+) /.exec(host.read(`${host.proc}/${pid}/stat`).replace(/^.*\)/s, ''))?.[1]);
  const paths = ['/proc/self/ns/net', ...(parent === undefined ? [] : [`${host.proc}/${parent}/ns/net`])];
  return paths.some((path) => attempt(() => host.factsBehind(path).inode) === netns.inode);
}

function noPods({ call: { env } }: Task): Promise<Verdict> {
  const says = `${env.CNI_NETNS ?? 'What the runtime named'} is the network namespace of the node itself: redirect rules there would take the traffic of everything on it.`;
  return Promise.resolve({
    outcome: 'declined',
    steps: [{ check: 'host-network', verdict: 'skip', says }],
    problems: [],
  });
}

async function findPod({ world, config }: Task, ids: PodIds) {
  const known = await world.findPod(ids).catch(() => undefined);
  if (known) return { known, knownFrom: 'api' as const, problems: [] };
  if (!config.annotations) return undefined;
  const { pod, problems } = guessPod(ids, config.annotations);
  return { known: { pod } satisfies KnownPod, knownFrom: 'annotations' as const, problems };
}

/** `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;K8S_POD_UID=9f…` */
export function podIdsOf({ env }: Pick<CniCall, 'env'>): PodIds | undefined {
  const args = new Map(
    (env.CNI_ARGS ?? '').split(';').map((pair) => [pair.replace(/=.*$/s, ''), pair.replace(/^[^=]*=?/, '')]),
  );
  const [namespace, name] = [args.get('K8S_POD_NAMESPACE'), args.get('K8S_POD_NAME')];
  return namespace && name ? { namespace, name, uid: args.get('K8S_POD_UID') ?? '' } : undefined;
}

function record(
  { world, call, containerId }: Task,
  { knownFrom, uid, backend, families, ...verdict }: Verdict,
  tookMs?: number,
): void {
  const ids = podIdsOf(call) ?? { namespace: '', name: '', uid: '' };
  world.records.put({
    ...{ containerId, ...ids, ...verdict, at: world.time() },
    ...(uid !== undefined && { uid }),
    ...(knownFrom && { knownFrom }),
    ...(backend && { backend }),
    ...(families && { families }),
    ...(tookMs !== undefined && { tookMs }),
  });
}

// ---- the pod's netns, and the programs that work on it ----------------------------------------------------------------

/**
 * The launcher holds the netns and stands in the host's mount namespace as long as it waits for us.
 * @returns undefined when there is no netns that can be opened.
 */
async function withNetns<T>(task: Task, use: (target: NetnsTarget) => Promise<T>): Promise<T | undefined> {
  const netns = openNetns(task);
  if (!netns) return undefined;
  const places = placesOf(task);
  const userns = openUserns(task);
  try {
    return await use({ netns, pid: task.call.pid, places, ...(userns && { userns }) });
  } finally {
    for (const { files } of places) for (const file of files) file.close();
    userns?.close();
    netns.close();
  }
}

function openNetns({ world: { host }, call: { pid, netnsFd } }: Task): OpenFile | undefined {
  return netnsFd < 0 ? undefined : attempt(() => host.open(`${host.proc}/${pid}/fd/${netnsFd}`));
}

/** The launcher holds the netns' user namespace too; undefined where that is our own. */
function openUserns({ world: { host }, call: { pid } }: Task): OpenFile | undefined {
  const own = attempt(() => host.factsBehind('/proc/self/ns/user').inode);
  const files = `${host.proc}/${pid}/fd`;
  for (const fd of attempt(() => host.list(files)) ?? []) {
    const leadsTo = attempt(() => host.readLink(`${files}/${fd}`));
    if (leadsTo?.startsWith('user:[') && leadsTo !== `user:[${own}]`) return attempt(() => host.open(`${files}/${fd}`));
  }
  return undefined;
}

function placesOf({ world: { host }, call: { pid } }: Task): Place[] {
  const hostPlace = findHostPlace(host, [{ pid, program: 'the runtime' }]);
  return [ownPlace(), ...(hostPlace ? [hostPlace] : [])];
}

// ---- the others -------------------------------------------------------------------------------------------------------

function del({ world, containerId }: Task): CniReply {
  // The rules end with the netns.
  world.records.drop(containerId);
  return nothing;
}

function collectGarbage({ world, config }: Task): CniReply {
  const { attachments } = config;
  if (attachments)
    for (const { containerId } of world.records.list())
      if (!attachments.has(containerId)) world.records.drop(containerId);
  return nothing;
}

/** Whether the rules are still there, of a pod that got some from us. */
async function check(task: Task): Promise<CniReply> {
  const { world, call, config, containerId } = task;
  const known = world.records.get(containerId);
  if (known?.outcome !== 'programmed' && known?.outcome !== 'repaired') return nothing;
  const ids = podIdsOf(call);
  const found = ids && (await findPod(task, ids));
  if (!found) return nothing;
  const drift = await withNetns(task, async (target) => {
    const wanted = await findRules(world, found.known, target, config.addresses);
    return firstDifference(wanted, await readRules(world, target, known.backend ?? 'nft'));
  });
  if (!drift) return nothing;
  const { family, difference } = drift;
  const { table, expected = '', actual, effect } = difference;
  return failure(
    errorCodes.drift,
    `the IPv${family} redirect rules of pod ${known.namespace}/${known.name} are not those it was given`,
    `${table}: ${expected}${actual === undefined ? '' : ` (there: ${actual})`}. ${effect}`,
    config.version,
  );
}

function firstDifference(wanted: WantedRules, there: Map<Family, Ruleset>) {
  for (const [family, now] of there) {
    const [difference] = findDrift(family === '4' ? wanted.v4 : wanted.v6, now).differences;
    if (difference) return { family, difference };
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
