/** What can be seen of a netns without asking iptables: `/proc/<pid>/net` of a process that stands in it. */
import { attempt, errorCode } from '../failure.ts';
import type { Host } from '../host.ts';
import { parseInterfaces } from '../proc-net.ts';
import { ownPlace, runIn } from '../tools.ts';
import type { NetnsTarget } from './toolbox.ts';

const legacyFiles = ['ip_tables_names', 'ip6_tables_names'] as const;
const addressFiles = ['dev', 'route', 'fib_trie', 'if_inet6'] as const;
type NetFile = (typeof legacyFiles)[number] | (typeof addressFiles)[number];

/**
 * Whether tables of iptables-legacy are there, empty ones too. Nothing else may be asked before: looking with the legacy
 * programs creates the very tables one looks for.
 */
export async function hasLegacyTables(host: Host, target: NetnsTarget): Promise<boolean> {
  const files = await readNet(host, target, legacyFiles);
  return legacyFiles.some((name) => (files[name] ?? '') !== '');
}

/** The addresses of the pod's interfaces, IPv4 first as the kernel lists them; loopback and link-local are left out. */
export async function readAddresses(host: Host, target: NetnsTarget): Promise<string[]> {
  const files = await readNet(host, target, addressFiles);
  const interfaces = parseInterfaces({
    dev: files.dev ?? '',
    route: files.route ?? '',
    fibTrie: files.fib_trie ?? '',
    ifInet6: files.if_inet6 ?? '',
  });
  const all = interfaces
    .filter(({ name }) => name !== 'lo')
    .flatMap(({ addresses }) => addresses.map((address) => address.replace(/\/.*$/, '')))
    .filter((address) => !/^(127\.|169\.254\.|fe[89ab][0-9a-f]:)/i.test(address));
  return [...all.filter((address) => !address.includes(':')), ...all.filter((address) => address.includes(':'))];
}

async function readNet(
  host: Host,
  target: NetnsTarget,
  names: readonly NetFile[],
): Promise<Partial<Record<NetFile, string>>> {
  return readAsProcess(host, target, names) ?? (await readInside(host, target, names));
}

function readAsProcess(host: Host, { netns, pid }: NetnsTarget, names: readonly NetFile[]) {
  if (pid === undefined) return undefined;
  const files: Partial<Record<NetFile, string>> = {};
  for (const name of names) {
    try {
      files[name] = host.read(`${host.proc}/${pid}/net/${name}`).trim();
    } catch (error) {
      // No legacy iptables, no IPv6: such a file is simply not there.
      if (errorCode(error) !== 'ENOENT') return undefined;
    }
  }
  // Afterwards: the process may have ended, or was never let in.
  const inode = attempt(() => host.factsBehind(`${host.proc}/${pid}/ns/net`).inode);
  return inode === netns.inode ? files : undefined;
}

async function readInside(host: Host, { netns }: NetnsTarget, names: readonly NetFile[]) {
  const paths = names.map((name) => `/proc/self/net/${name}`);
  const { stdout } = await runIn(host, ownPlace(), netns, ['tail', '-v', '-n', '+1', '--', ...paths]);
  const files: Partial<Record<NetFile, string>> = {};
  for (const part of stdout.split(/^==> \/proc\/self\/net\//m).slice(1)) {
    const end = part.indexOf(' <==\n');
    files[part.slice(0, end) as NetFile] = part.slice(end + 5).trim();
  }
  return files;
}
