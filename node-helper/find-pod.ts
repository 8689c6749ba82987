/** From a pod to its network namespace, without asking the container runtime. */
import type { PodTarget } from '../contract/node-helper.ts';
import { attempt, errorCode, Failure, permissionHint } from './failure.ts';
import type { Host, OpenFile } from './host.ts';
import { canonicalAddress, parseLocalAddresses } from './proc-net.ts';
import {
  findPodPids,
  type HostProcess,
  indexByPod,
  listHostProcesses,
  listProcesses,
  type PodIndex,
  netnsOf,
  programOf,
  startTime,
} from './processes.ts';

/** A network namespace that is held open: it stays this one, whatever becomes of the process it was found through. */
export interface FoundNetns {
  /** `net:[4026532281]`. */
  name: string;
  file: OpenFile;
  /** How a person names it: `/proc/4711/ns/net`. */
  path: string;
  /** The process it was found through; 0 when it was named by path. */
  pid: number;
  /** All processes of the pod, for programs in their files. */
  podPids: number[];
  hostProcesses: HostProcess[];
  notes: string[];
}

/** The node at one moment: read once, used for as many pods as are asked for. */
export interface Surroundings {
  index: PodIndex;
  hostProcesses: HostProcess[];
  /** Names of the host's own netns. */
  hostNetns: ReadonlySet<string>;
}

export function lookAround(host: Host): Surroundings {
  const processes = listProcesses(host);
  const hostProcesses = listHostProcesses(host, processes);
  return { index: indexByPod(processes), hostProcesses, hostNetns: hostNetnsNames(host, hostProcesses) };
}

/**
 * Finds the pod's netns. Several processes may belong to it and see different ones (gVisor, Docker inside the pod): the
 * one that holds a pod address is right, and of the processes in it the oldest, which is the pause container: it outlives
 * containers that crash.
 * @throws {Failure} pod-not-found, host-network, sandboxed, not-permitted.
 */
export function findPodNetns(
  host: Host,
  pod: PodTarget,
  { index, hostProcesses, hostNetns } = lookAround(host),
): FoundNetns {
  const podPids = findPodPids(index, pod.uid, pod.containerIds);
  const name = pod.name ? `${pod.namespace}/${pod.name}` : pod.uid;
  if (podPids.length === 0) {
    throw new Failure(
      'pod-not-found',
      `No process on ${host.node} belongs to pod ${name} (UID ${pod.uid}).`,
      'It has finished, has not started yet, or runs on another node. Refresh and look at its status.',
    );
  }
  refuseSandbox(host, podPids, name);
  const inNetns = podPids.flatMap((pid) => {
    const netns = netnsOf(host, pid);
    return netns ? [{ pid, netns, start: startTime(host, pid) }] : [];
  });
  if (inNetns.length === 0) {
    throw new Failure(
      'not-permitted',
      `The namespaces of the processes of pod ${name} may not be opened.`,
      permissionHint,
    );
  }
  const own = inNetns.filter(({ netns }) => !hostNetns.has(netns)).sort((a, b) => a.start - b.start || a.pid - b.pid);
  if (own.length === 0) throw hostNetworkFailure(`Pod ${name}`);

  const wanted = new Set(pod.ips.map(canonicalAddress));
  const holdsAddress = new Map<string, boolean>();
  for (const { pid, netns } of own) {
    if (!holdsAddress.get(netns))
      holdsAddress.set(
        netns,
        localAddresses(host, pid).some((address) => wanted.has(address)),
      );
  }
  const holder = own.find(({ netns }) => holdsAddress.get(netns));
  const chosen = holder ?? own[0]!;
  const notes = [
    ...(hostNetns.size === 0
      ? ['The host’s own network namespace could not be read, so it was not ruled out that this is it.']
      : []),
    ...(!holder && wanted.size > 0
      ? [`No network namespace of the pod holds ${pod.ips.join(' or ')}; this is the one of its oldest process.`]
      : []),
  ];
  return hold(host, chosen.pid, chosen.netns, { podPids, hostProcesses, notes });
}

/**
 * The netns of one process of this machine.
 * @throws {Failure} when there is no such process, or it has the host's netns.
 */
export function findProcessNetns(host: Host, pid: number): FoundNetns {
  const processes = listProcesses(host);
  if (!processes.some((process) => process.pid === pid)) {
    throw new Failure('pod-not-found', `There is no process ${pid}.`);
  }
  const hostProcesses = listHostProcesses(host, processes);
  const netns = netnsOf(host, pid);
  if (!netns) throw new Failure('not-permitted', `The namespaces of process ${pid} may not be opened.`, permissionHint);
  if (hostNetnsNames(host, hostProcesses).has(netns)) throw hostNetworkFailure(`Process ${pid}`);
  return hold(host, pid, netns, { podPids: [pid], hostProcesses, notes: [] });
}

/** A netns by its path: `/run/netns/NAME`, `/proc/PID/ns/net`. The host's own is not refused: whoever names it means it. */
export function findNamedNetns(host: Host, path: string): FoundNetns {
  const hostProcesses = listHostProcesses(host, listProcesses(host));
  const file = openNetns(host, path, path);
  return { name: `net:[${file.inode}]`, file, path, pid: 0, podPids: [], hostProcesses, notes: [] };
}

function hold(
  host: Host,
  pid: number,
  netns: string,
  rest: Pick<FoundNetns, 'podPids' | 'hostProcesses' | 'notes'>,
): FoundNetns {
  const path = `${host.proc}/${pid}/ns/net`;
  let file: OpenFile;
  try {
    file = openNetns(host, path, `process ${pid}`);
  } catch (error) {
    throw error instanceof Failure && error.answer.code === 'pod-not-found' ? new ProcessGone(pid) : error;
  }
  if (`net:[${file.inode}]` !== netns) {
    // The process ended, and its number was given to another one, between finding it and opening it.
    file.close();
    throw new ProcessGone(pid);
  }
  return { name: netns, file, path, pid, ...rest };
}

/** Between finding a process and opening its netns it ended: the pod restarts, and may be found again. */
export class ProcessGone extends Failure {
  constructor(pid: number) {
    super('pod-not-found', `Process ${pid} ended while it was looked at.`, 'Try again.');
  }
}

function openNetns(host: Host, path: string, name: string): OpenFile {
  try {
    return host.open(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new Failure(
        'not-permitted',
        `The network namespace of ${name} may not be opened (${code}).`,
        permissionHint,
        { cause: error },
      );
    }
    throw new Failure('pod-not-found', `The network namespace of ${name} could not be opened (${code}).`, undefined, {
      cause: error,
    });
  }
}

function hostNetnsNames(host: Host, hostProcesses: readonly HostProcess[]): Set<string> {
  return new Set(hostProcesses.flatMap(({ pid }) => netnsOf(host, pid) ?? []));
}

function hostNetworkFailure(subject: string): Failure {
  return new Failure(
    'host-network',
    `${subject} uses the host’s network: the rules there are the node’s, none are its own.`,
    'Istio does not intercept pods with hostNetwork.',
  );
}

function localAddresses(host: Host, pid: number): string[] {
  const read = (file: string) => attempt(() => host.read(`${host.proc}/${pid}/net/${file}`)) ?? '';
  return parseLocalAddresses(read('fib_trie'), read('if_inet6'));
}

/** Programs that run a whole sandbox: the pod's own processes are behind them, in a kernel of their own. */
const sandboxPrograms =
  /^(qemu-(system-.*|kvm|lite.*)|cloud-hypervisor|firecracker|jailer|stratovirt|dragonball|acrn-dm|virtiofsd|nydusd|kata-.*|containerd-shim-(kata|runsc|rund)-v\d+|runsc(-sandbox|-gofer)?)$/;

function refuseSandbox(host: Host, podPids: readonly number[], name: string): void {
  const programs = podPids
    .map((pid) => programOf(host, pid))
    .filter((program) => program !== '' && program !== 'pause');
  if (programs.length === 0 || !programs.every((program) => sandboxPrograms.test(program))) return;
  throw new Failure(
    'sandboxed',
    `Pod ${name} runs in a sandbox (${programs[0]}): its rules are in the sandbox’s own kernel and cannot be seen from the node.`,
    'What the node shows for such a pod is empty or another machine’s: that says nothing about its interception.',
  );
}
