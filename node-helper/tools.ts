/**
 * Where a program that prints rules is found. Best first: the helper's own image; the host's root, entered through the
 * mount namespace of a host process; the files of the pod's own proxy, whose image has what `istio-init` needs.
 */
import type { IptablesTool } from '../contract/node-helper.ts';
import { attempt } from './failure.ts';
import type { Command, CommandResult, Host, OpenFile } from './host.ts';
import type { HostProcess } from './processes.ts';

/** One root with programs in it, and the way in. */
export interface Place {
  origin: IptablesTool['origin'];
  /** Prefix before a program's path to see whether it is there. */
  root: string;
  /** Held open while the place is used; handed down to the child. */
  files: OpenFile[];
  /**
   * What stands before the program.
   * @param netns the file descriptor in the child that holds the netns; absent: run where we are.
   * @param first the descriptor in the child of the first of {@link files}.
   */
  enter: (netns: number | undefined, first: number) => string[];
  /** For a person: what the program runs in besides the netns. */
  label: string;
}

/** Places that serve every pod of the node, with what was found in them. */
export interface Tools {
  places: readonly Place[];
  /** What was looked for once: programs stay where they are while one request is answered. */
  known: Map<string, Promise<string[] | undefined>>;
}

/** The helper's own root. */
export function ownPlace(): Place {
  return { origin: 'container', root: '', files: [], label: '', enter: (netns) => enterNetns(netns) };
}

/** The host's root; undefined when no host process lets us in, or our own root is the host's already. */
export function findHostPlace(host: Host, hostProcesses: readonly HostProcess[]): Place | undefined {
  const own = attempt(() => host.factsBehind('/proc/self/ns/mnt').inode);
  for (const { pid, program } of hostProcesses) {
    const path = `${host.proc}/${pid}/ns/mnt`;
    const file = attempt(() => host.open(path));
    if (!file) continue;
    if (file.inode === own) {
      file.close();
      return undefined;
    }
    return {
      origin: 'host',
      root: `${host.proc}/${pid}/root`,
      files: [file],
      label: `the mount namespace of ${program} (${pid})`,
      enter: (netns, first) => ['nsenter', ...netnsOption(netns), `--mount=/proc/self/fd/${first}`, '--'],
    };
  }
  return undefined;
}

/**
 * The root of one of the pod's containers. Its programs are the pod owner's, not ours: before one of them runs, the child
 * enters the pod's process ids (it cannot signal anything else), gives up every capability but the two that reading rules
 * takes and the one that changes the root, and can never gain one again.
 */
export function findPodPlaces(host: Host, podPids: readonly number[]): Place[] {
  if (!canGiveUpRights(host)) return [];
  const seen = new Set<number>();
  return podPids.flatMap((pid) => {
    const mountNs = attempt(() => host.factsBehind(`${host.proc}/${pid}/ns/mnt`).inode);
    if (mountNs === undefined || seen.has(mountNs)) return [];
    seen.add(mountNs);
    const root = `${host.proc}/${pid}/root`;
    if (!saveProgramNames.some((name) => findProgram(host, root, [name]))) return [];
    const files = attempt(() => [host.open(`${host.proc}/${pid}/ns/pid`), host.open(root)]);
    if (!files) return [];
    return [
      {
        origin: 'proxy-container' as const,
        root,
        files,
        label: `the files of process ${pid}`,
        enter: (netns: number | undefined, first: number) => [
          'nsenter',
          ...netnsOption(netns),
          `--pid=/proc/self/fd/${first}`,
          '--',
          'setpriv',
          '--no-new-privs',
          '--inh-caps=-all',
          '--bounding-set=-all,+net_admin,+net_raw,+sys_chroot',
          'chroot',
          `/proc/self/fd/${first + 1}`,
        ],
      },
    ];
  });
}

/** Without SETPCAP (bit 8) setpriv says nothing, drops nothing and goes on: then nothing of a pod's may be run. */
function canGiveUpRights(host: Host): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(attempt(() => host.read('/proc/self/status')) ?? '')?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & (1n << 8n)) !== 0n;
}

function enterNetns(netns: number | undefined): string[] {
  return netns === undefined ? [] : ['nsenter', ...netnsOption(netns), '--'];
}

function netnsOption(netns: number | undefined): string[] {
  return netns === undefined ? [] : [`--net=/proc/self/fd/${netns}`];
}

/** Runs a program of a place, in the netns if one is given. */
export function runIn(
  host: Host,
  place: Place,
  netns: OpenFile | undefined,
  argv: string[],
  options: Partial<Command> = {},
): Promise<CommandResult> {
  const inherit = [...(netns ? [netns] : []), ...place.files];
  const enter = place.enter(netns && 3, netns ? 4 : 3);
  return host.run({ ...options, argv: [...enter, ...argv], inherit });
}

const programDirectories = [
  '/usr/sbin',
  '/sbin',
  '/usr/local/sbin',
  '/usr/bin',
  '/bin',
  '/usr/local/bin',
  '/run/current-system/sw/bin',
  '/var/lib/rancher/k3s/data/current/bin/aux',
];

/** The path of the first of these names that is there, as seen from inside that root. */
export function findProgram(host: Host, root: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const directory of programDirectories) {
      // The name alone is looked at: where a link leads is only true inside that root.
      const kind = attempt(() => host.facts(`${root}${directory}/${name}`).kind);
      if (kind === 'file' || kind === 'link') return `${directory}/${name}`;
    }
  }
  return undefined;
}

export type Backend = IptablesTool['backend'];

const saveProgramNames = [
  'iptables-nft-save',
  'xtables-nft-multi',
  'iptables-legacy-save',
  'xtables-legacy-multi',
  'iptables-save',
];

/**
 * The command that prints all rules of a family through one backend, `-c` included.
 * A plain `iptables-save` may be either; it is asked.
 */
export async function findSaveCommand(
  host: Host,
  place: Place,
  backend: Backend,
  family: '4' | '6',
): Promise<string[] | undefined> {
  const plain = family === '4' ? 'iptables-save' : 'ip6tables-save';
  const named = findProgram(host, place.root, [plain.replace('tables', `tables-${backend}`)]);
  if (named) return [named, '-c'];
  const multi = findProgram(host, place.root, [`xtables-${backend}-multi`]);
  if (multi) return [multi, plain, '-c'];
  const either = findProgram(host, place.root, [plain]);
  if (!either) return undefined;
  const { stdout } = await runIn(host, place, undefined, [either, '--version']);
  // Releases before 1.8 know one backend only and do not name it.
  const isNft = stdout.includes('nf_tables');
  return stdout !== '' && isNft === (backend === 'nft') ? [either, '-c'] : undefined;
}

/** What can print rules here, for `hello`. */
export async function listIptablesTools(host: Host, places: readonly Place[]): Promise<IptablesTool[]> {
  const tools = await Promise.all(
    places.flatMap((place) =>
      (['nft', 'legacy'] as const).map(async (backend) => {
        const command = await findSaveCommand(host, place, backend, '4');
        if (!command) return undefined;
        const { code, stdout } = await runIn(host, place, undefined, [...command.slice(0, -1), '--version']);
        if (code !== 0) return undefined;
        return { origin: place.origin, backend, path: command[0]!, version: /v(\d[\w.]*)/.exec(stdout)?.[1] ?? '' };
      }),
    ),
  );
  return tools.filter((tool) => tool !== undefined);
}
