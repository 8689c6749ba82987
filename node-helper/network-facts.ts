/** Where a node's pods get their addresses: what the chain's configuration, flannel, the bridge and the leases tell. */
import type { PodNetworkFacts } from '../contract/node-helper.ts';
import type { CniPluginEntry } from '../mesh/cni/parse-cni-file.ts';
import { subnetsIn } from '../mesh/cni/node-problems.ts';
import { attempt } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { Host } from './host.ts';
import { parseInterfaces } from './proc-net.ts';

/** One entry of a configuration, with the place where it stands. */
export interface PlacedEntry {
  entry: CniPluginEntry;
  /** `10-bridge.conflist` */
  source: string;
  network: string;
}

export interface NetworkSearch {
  host: Host;
  /** Prefixes below which the host's directories may be seen, best first. */
  roots: readonly string[];
  /** A process in the host's network namespace. */
  pid: number | undefined;
}

const leasesDirectory = '/var/lib/cni/networks';
const mostLeases = 20_000;

/** Undefined when nothing tells. */
export function readNetworkFacts(search: NetworkSearch, entries: readonly PlacedEntry[]): PodNetworkFacts | undefined {
  const flannel = readEnv(search, flannelFile(entries));
  const subnets = [
    ...entries.flatMap(({ entry, source }) =>
      configsOf(entry).flatMap(({ ipam }) => subnetsIn(ipam).map((subnet) => ({ subnet, source }))),
    ),
    ...(flannel ? flannelSubnets(flannel.values).map((subnet) => ({ subnet, source: flannel.path })) : []),
  ];
  const bridge = readBridge(search, entries);
  const leases = readLeases(search, entries, subnets);
  const mtu = chooseMtu(entries, flannel, bridge);
  if (subnets.length === 0 && !bridge && !flannel && leases.length === 0 && !mtu) return undefined;
  return {
    subnets,
    ...(mtu && { mtu }),
    ...(bridge && { bridge }),
    ...(flannel && { flannel: flannel.values }),
    ...(leases.length > 0 && { leases }),
  };
}

type Fields = Record<string, unknown>;

/** A plugin's own configuration, and the one that it makes of its `delegate`. */
function configsOf({ config }: CniPluginEntry): Fields[] {
  return [config, ...(isFields(config.delegate) ? [config.delegate] : [])];
}

/** Flannel's entry may name another file. */
function flannelFile(entries: readonly PlacedEntry[]): string {
  const named = entries.find(({ entry }) => entry.type === 'flannel')?.entry.config.subnetFile;
  return typeof named === 'string' && named.startsWith('/') ? named : '/run/flannel/subnet.env';
}

function readEnv(search: NetworkSearch, path: string): { path: string; values: Record<string, string> } | undefined {
  const text = read(search, path, 64 * 1024);
  if (text === undefined) return undefined;
  const values: Record<string, string> = {};
  for (const line of text.split('\n').slice(0, 100)) {
    const [, key, value] = /^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*"?([^"\r]*)"?\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values[key] = value;
  }
  return Object.keys(values).length > 0 ? { path, values } : undefined;
}

/** `10.244.1.1/24` is the bridge's address; the subnet is what is left of it. */
function flannelSubnets({ FLANNEL_SUBNET, FLANNEL_IPV6_SUBNET }: Record<string, string>): string[] {
  return [FLANNEL_SUBNET, FLANNEL_IPV6_SUBNET].flatMap((list) => (list ? list.split(',') : [])).map(networkOf);
}

function networkOf(address: string): string {
  const [ip = '', bits = ''] = address.split('/');
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4) return address.replace(/::[0-9a-f]+\//, '::/');
  const size = 2 ** (32 - Number(bits));
  const base = Math.floor(parts.reduce((value, part) => value * 256 + part, 0) / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${bits}`;
}

function readBridge(search: NetworkSearch, entries: readonly PlacedEntry[]): PodNetworkFacts['bridge'] {
  const name = entries.flatMap(({ entry }) => bridgeName(entry))[0];
  if (name === undefined) return undefined;
  const { host, pid } = search;
  const net = (file: string) => attempt(() => host.read(`${host.proc}/${pid ?? 'self'}/net/${file}`)) ?? '';
  const found = parseInterfaces({
    dev: net('dev'),
    route: net('route'),
    fibTrie: net('fib_trie'),
    ifInet6: net('if_inet6'),
  }).find((one) => one.name === name);
  // sysfs shows the network namespace of whoever mounted it: the host's, seen through one of its processes.
  const root = pid === undefined ? '' : `${host.proc}/${pid}/root`;
  const mtu = Number(attempt(() => host.read(`${root}/sys/class/net/${name}/mtu`)) ?? '');
  return { name, addresses: found?.addresses ?? [], ...(mtu > 0 && { mtu }) };
}

/** Those of an interface's name alone: it becomes part of a path. */
function bridgeName({ type, config }: CniPluginEntry): string[] {
  const delegate = isFields(config.delegate) ? config.delegate : {};
  const named =
    type === 'bridge' ? (config.bridge ?? 'cni0') : type === 'flannel' ? (delegate.bridge ?? 'cni0') : undefined;
  return typeof named === 'string' && /^[^/\s]{1,15}$/.test(named) && !/^\.+$/.test(named) ? [named] : [];
}

function chooseMtu(
  entries: readonly PlacedEntry[],
  flannel: { path: string; values: Record<string, string> } | undefined,
  bridge: PodNetworkFacts['bridge'],
): PodNetworkFacts['mtu'] {
  for (const { entry, source } of entries)
    for (const { mtu } of configsOf(entry)) if (typeof mtu === 'number' && mtu > 0) return { value: mtu, source };
  const told = Number(flannel?.values.FLANNEL_MTU ?? '');
  if (flannel && told > 0) return { value: told, source: flannel.path };
  return bridge?.mtu === undefined ? undefined : { value: bridge.mtu, source: bridge.name };
}

/** host-local keeps one file for each address, named like it, below the network's name. */
function readLeases(
  search: NetworkSearch,
  entries: readonly PlacedEntry[],
  subnets: readonly { subnet: string; source: string }[],
): NonNullable<PodNetworkFacts['leases']> {
  const managed = entries.filter(({ entry }) => entry.ipam === 'host-local' || entry.helpers.includes('host-local'));
  const directories = new Set([leasesDirectory, ...managed.flatMap(({ entry }) => dataDirectory(entry))]);
  return [...directories].flatMap((directory) =>
    (list(search, directory) ?? []).slice(0, 100).flatMap((network) => {
      const names = list(search, `${directory}/${network}`)?.slice(0, mostLeases);
      const addresses = names?.filter((name) => /^[0-9a-fA-F.:]*[.:][0-9a-fA-F.:]+$/.test(name)) ?? [];
      const source = managed.find((one) => one.network === network)?.source;
      const own = names && source !== undefined ? subnets.filter((subnet) => subnet.source === source) : [];
      if (names === undefined || (addresses.length === 0 && source === undefined)) return [];
      const of = own.reduce((sum, { subnet }) => sum + sizeOf(subnet), 0);
      const [sample] = addresses.sort();
      return [{ network, used: addresses.length, ...(of > 0 && { of }), ...(sample !== undefined && { sample }) }];
    }),
  );
}

function dataDirectory({ config }: CniPluginEntry): string[] {
  const ipam = isFields(config.ipam) ? config.ipam : {};
  return typeof ipam.dataDir === 'string' && ipam.dataDir.startsWith('/') ? [ipam.dataDir] : [];
}

/** Addresses that host-local can give of an IPv4 subnet: without the network's, the gateway's and the broadcast one. */
function sizeOf(subnet: string): number {
  const bits = Number(/^[\d.]+\/(\d+)$/.exec(subnet)?.[1] ?? '');
  return bits > 0 && bits < 31 ? 2 ** (32 - bits) - 3 : 0;
}

function read({ host, roots }: NetworkSearch, path: string, limit: number): string | undefined {
  for (const root of roots) {
    const text = attempt(() => host.read(resolveInRoot(host, root, path), limit));
    if (text !== undefined) return text;
  }
  return undefined;
}

function list({ host, roots }: NetworkSearch, path: string): string[] | undefined {
  for (const root of roots) {
    const names = attempt(() => host.list(resolveInRoot(host, root, path)));
    if (names) return names.sort();
  }
  return undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
