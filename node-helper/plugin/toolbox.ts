/** What is known of a node's programs, kept from one call to the next: looking for them costs more than using them. */
import type { Host, OpenFile } from '../host.ts';
import { type Backend, findProgram, type Place, runIn } from '../tools.ts';

export type Family = '4' | '6';

/** What programs rules in one root. Paths are as seen from inside it. */
export interface RootTools {
  /** By `4 nft`, `6 legacy`, …: `['/usr/sbin/iptables-nft-restore']`, `['/sbin/xtables-nft-multi', 'iptables-restore']`. */
  restore: Map<string, string[]>;
  save: Map<string, string[]>;
  ip?: string;
  /** What the plain command `iptables` there writes to; absent: there is none. */
  preferred?: Backend;
}

/** One for the agent's whole life. */
export interface Toolbox {
  /** By mount namespace, not by place: every call leads to the same root of the host through another process. */
  roots: Map<string, Promise<RootTools>>;
}

export function newToolbox(): Toolbox {
  return { roots: new Map() };
}

/** A place together with what is in it. */
export interface Workplace {
  place: Place;
  tools: RootTools;
}

/** In the order of the places. */
export async function equip(host: Host, { roots }: Toolbox, target: NetnsTarget): Promise<Workplace[]> {
  const { places, userns } = target;
  const workplaces = await Promise.all(
    places.map(async (place) => {
      // What is in a pod's own files is worth knowing for that pod only.
      if (place.origin === 'proxy-container') return { place, tools: await findRootTools(host, place) };
      const key = `${place.origin} ${place.files.map(({ inode }) => inode).join(' ')}`;
      const known = roots.get(key) ?? findRootTools(host, place);
      roots.set(key, known);
      return { place, tools: await known };
    }),
  );
  return userns ? workplaces.map(({ place, tools }) => ({ place: inUserns(place, userns), tools })) : workplaces;
}

/** The node's administrator may have changed its programs: the next call looks again. */
export function forget({ roots }: Toolbox): void {
  roots.clear();
}

async function findRootTools(host: Host, place: Place): Promise<RootTools> {
  const plain = findProgram(host, place.root, ['iptables']);
  const preferred = plain === undefined ? undefined : await askBackend(host, place, plain);
  const ip = findProgram(host, place.root, ['ip']);
  const find = (action: 'restore' | 'save') => {
    const found = new Map<string, string[]>();
    for (const family of ['4', '6'] as const)
      for (const backend of ['nft', 'legacy'] as const) {
        const argv = findTool(host, place.root, { action, family, backend, preferred });
        if (argv) found.set(toolKey(family, backend), argv);
      }
    return found;
  };
  return { restore: find('restore'), save: find('save'), ...(ip && { ip }), ...(preferred && { preferred }) };
}

/** Releases before 1.8 know one backend only and do not name it. */
async function askBackend(host: Host, place: Place, iptables: string): Promise<Backend | undefined> {
  const { code, stdout } = await runIn(host, place, undefined, [iptables, '--version']);
  if (code !== 0) return undefined;
  return stdout.includes('nf_tables') ? 'nft' : 'legacy';
}

interface Wanted {
  action: 'restore' | 'save';
  family: Family;
  backend: Backend;
  preferred: Backend | undefined;
}

function findTool(host: Host, root: string, { action, family, backend, preferred }: Wanted): string[] | undefined {
  const plain = `${family === '4' ? 'iptables' : 'ip6tables'}-${action}`;
  const named = findProgram(host, root, [plain.replace('tables', `tables-${backend}`)]);
  if (named) return [named];
  const multi = findProgram(host, root, [`xtables-${backend}-multi`]);
  if (multi) return [multi, plain];
  const either = backend === preferred ? findProgram(host, root, [plain]) : undefined;
  return either === undefined ? undefined : [either];
}

export function toolKey(family: Family, backend: Backend): string {
  return `${family} ${backend}`;
}

/** An open netns with the places from which it can be worked on, best first. */
export interface NetnsTarget {
  netns: OpenFile;
  /** A process that is believed to stand in it: then its `/proc/<pid>/net` saves starting a program. */
  pid?: number;
  /**
   * The user namespace that the netns belongs to, where that is not ours (`hostUsers: false`): the kernel takes rules that
   * match by owner only from within it.
   */
  userns?: OpenFile;
  places: readonly Place[];
}

/** The same place, for work in a netns of another user namespace: nsenter goes there last, with what it needs by then. */
export function inUserns(place: Place, userns: OpenFile): Place {
  return {
    ...place,
    files: [...place.files, userns],
    enter: (netns, first) => {
      const [nsenter, ...rest] = place.enter(netns, first);
      return nsenter === undefined ? [] : [nsenter, `--user=/proc/self/fd/${first + place.files.length}`, ...rest];
    },
  };
}
