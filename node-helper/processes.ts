/** The node's processes as /proc tells them: which pod each belongs to, and which of them are the host's own. */
import { attempt } from './failure.ts';
import type { Host } from './host.ts';

export interface NodeProcess {
  pid: number;
  /** Whole text of `/proc/PID/cgroup`. */
  cgroup: string;
}

/** Everything that runs now. A process that ends while it is looked at is left out. */
export function listProcesses(host: Host): NodeProcess[] {
  return host
    .list(host.proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const cgroup = attempt(() => host.read(`${host.proc}/${name}/cgroup`));
      return cgroup === undefined ? [] : [{ pid: Number(name), cgroup }];
    });
}

/**
 * Whether a process belongs to a pod, by the path of its cgroup. The paths differ by driver and runtime, all of them hold
 * the pod's UID or the container's id:
 *
 *     /kubepods/burstable/pod9f1c…-…/4be1…                                            cgroupfs
 *     /kubepods.slice/kubepods-pod9f1c…_….slice/cri-containerd-4be1….scope              systemd: UID with `_`
 *     /kubepods.slice/kubepods-pod9f1c…_….slice:cri-containerd:4be1…                    containerd, drivers mixed up
 *     /../../kubelet/kubepods/pod9f1c…/crio-4be1….scope                                 seen from another cgroup namespace
 *     /machine.slice/libpod-4be1….scope                                               the container's id alone
 *
 * @param containerIds with or without `containerd://`.
 */
export function belongsToPod(cgroup: string, uid: string, containerIds: readonly string[] = []): boolean {
  return findPodPids(indexByPod([{ pid: 1, cgroup }]), uid, containerIds).length > 0;
}

/** The processes of each pod UID, and of each container id, in lower case and with `-`. */
export type PodIndex = ReadonlyMap<string, readonly number[]>;

/** Each cgroup is looked at once, however many pods are asked for. */
export function indexByPod(processes: readonly NodeProcess[]): PodIndex {
  const index = new Map<string, number[]>();
  for (const { pid, cgroup } of processes) {
    for (const key of podKeys(cgroup)) {
      const pids = index.get(key);
      if (pids) pids.push(pid);
      else index.set(key, [pid]);
    }
  }
  return index;
}

/** The processes that belong to a pod by its UID or by a container's id, in the order of the node's list. */
export function findPodPids(index: PodIndex, uid: string, containerIds: readonly string[] = []): number[] {
  const ids = containerIds.map((id) => id.replace(/^.*:\/\//, '').toLowerCase()).filter((id) => id !== '');
  const pids = [`pod ${uid.toLowerCase().replaceAll('_', '-')}`, ...ids].flatMap((key) => index.get(key) ?? []);
  return [...new Set(pids)];
}

/** UIDs of all pods that have a process here. */
export function listPodUids(index: PodIndex): string[] {
  return [...index.keys()].flatMap((key) => (key.startsWith('pod ') ? [key.slice(4)] : []));
}

/** `pod <uid>` and the container ids that stand in the paths of a process. */
function podKeys(cgroup: string): Set<string> {
  const keys = new Set<string>();
  for (const path of new Set(cgroupPaths(cgroup))) {
    const parts = path.split(/[/:]/);
    // CRI-O's monitor sits in the pod's cgroup but lives on the host.
    if (parts.some((part) => part.startsWith('crio-conmon-') || part.startsWith('libpod-conmon-'))) continue;
    for (const part of parts) {
      const uid = uidIn(part);
      if (uid !== undefined) keys.add(`pod ${uid}`);
      const id = containerIdIn(part);
      if (id !== undefined) keys.add(id);
    }
  }
  return keys;
}

/** Whether the process runs in a pod or in a container with a full id: the host's own do not. */
export function isContained(cgroup: string): boolean {
  return cgroupPaths(cgroup).some((path) =>
    path.split(/[/:]/).some((part) => part.startsWith('kubepods') || containerIdIn(part)?.length === 64),
  );
}

function cgroupPaths(cgroup: string): string[] {
  // `11:memory:/kubepods/…`: the path may hold colons itself.
  return cgroup.split('\n').flatMap((line) => /^\d+:[^:]*:(.*)$/.exec(line)?.[1]?.toLowerCase() ?? []);
}

/** `kubepods-burstable-pod9f1c_….slice` → `9f1c-…`. Static pods have a hash of 32 digits for a UID. */
function uidIn(part: string): string | undefined {
  return /(?:^|-)pod([0-9a-z]+(?:[-_][0-9a-z]+)*)(?:\.slice)?$/.exec(part)?.[1]?.replaceAll('_', '-');
}

/** `cri-containerd-4be1….scope` → `4be1…`. */
function containerIdIn(part: string): string | undefined {
  return /(?:^|-)([0-9a-f]{64}|[0-9a-f]{32})(?:\.scope)?$/.exec(part)?.[1];
}

/** Programs that run on a node itself, best first: their root is the host's root, their netns the one of host-network pods. */
const hostPrograms = [
  'kubelet',
  'containerd',
  'crio',
  'dockerd',
  'k3s-server',
  'k3s',
  'rke2',
  'k0s',
  'kubelite',
  'systemd',
  'kthreadd',
];

export interface HostProcess {
  pid: number;
  program: string;
}

/**
 * The host's own processes, best first. PID 1 comes last: hardened hosts let nobody open its namespaces, root included.
 * A process in a pod that only carries such a name (Docker in a pod) does not count.
 */
export function listHostProcesses(host: Host, processes: readonly NodeProcess[]): HostProcess[] {
  const found = processes
    .filter(({ pid, cgroup }) => pid !== 1 && !isContained(cgroup))
    .flatMap(({ pid }) => {
      const program = attempt(() => host.read(`${host.proc}/${pid}/comm`))?.trim() ?? '';
      return hostPrograms.includes(program) ? [{ pid, program }] : [];
    })
    .sort((a, b) => hostPrograms.indexOf(a.program) - hostPrograms.indexOf(b.program));
  return [...found, { pid: 1, program: 'init' }];
}

/** `net:[4026532281]`. Undefined: the process is gone, or nobody may look. */
export function netnsOf(host: Host, pid: number): string | undefined {
  return attempt(() => `net:[${host.factsBehind(`${host.proc}/${pid}/ns/net`).inode}]`);
}

/** Clock ticks since boot at which the process started: field 22 of `/proc/PID/stat`. The program's name may hold blanks and `)`. */
export function startTime(host: Host, pid: number): number {
  const stat = attempt(() => host.read(`${host.proc}/${pid}/stat`)) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? Number.MAX_SAFE_INTEGER);
}

/** Base name of what was started: `/pause` → `pause`, `runsc-sandbox`. */
export function programOf(host: Host, pid: number): string {
  const command = attempt(() => host.read(`${host.proc}/${pid}/cmdline`))?.split('\0')[0] ?? '';
  return command.slice(command.lastIndexOf('/') + 1);
}
