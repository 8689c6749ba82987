/** What /proc/PID/net tells of a network namespace without any program: addresses and listening sockets. */
import type { ListeningSocket, NetworkInterface } from '../contract/node-helper.ts';

const listenState = '0A';
/** A UDP socket that no peer is fixed for. */
const unconnectedState = '07';

/**
 * Reads one of `tcp`, `tcp6`, `udp`, `udp6`.
 *
 *     sl  local_address rem_address   st …
 *      0: 0100007F:3A99 00000000:0000 0A …      → 127.0.0.1:15001
 */
export function parseSockets(
  text: string,
  protocol: 'tcp' | 'udp',
  family: '4' | '6',
  littleEndian = true,
): ListeningSocket[] {
  const wanted = protocol === 'tcp' ? listenState : unconnectedState;
  return text.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const [, address, port] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local ?? '') ?? [];
    if (!address || !port || state !== wanted) return [];
    return [{ family, protocol, address: readAddress(address, littleEndian), port: Number.parseInt(port, 16) }];
  });
}

/**
 * Reads `ss -lntu`. An address `*` is an IPv6 socket that takes IPv4 as well.
 *
 *     tcp  LISTEN 0  511  127.0.0.1:15001  0.0.0.0:*
 *     udp  UNCONN 0  0    [::1]%lo:546     [::]:*
 */
export function parseSocketList(text: string): ListeningSocket[] {
  return text.split('\n').flatMap((line) => {
    const [protocol, state, , , local = ''] = line.trim().split(/\s+/);
    const [, address = '', port] = /^(.*):(\d+)$/.exec(local) ?? [];
    if ((protocol !== 'tcp' && protocol !== 'udp') || (state !== 'LISTEN' && state !== 'UNCONN') || !port) return [];
    const plain = address.replace(/%.*$/, '').replace(/^\[(.*)\]$/, '$1');
    const family = plain === '*' || plain.includes(':') ? '6' : '4';
    return [{ family, protocol, address: plain === '*' ? '::' : plain, port: Number(port) }];
  });
}

/**
 * Addresses that are the namespace's own, from `fib_trie` (IPv4: entries marked `host LOCAL`) and `if_inet6`.
 */
export function parseLocalAddresses(fibTrie: string, ifInet6: string): string[] {
  const found = new Set<string>();
  let leaf: string | undefined;
  for (const line of fibTrie.split('\n')) {
    leaf = /\|-- (\S+)/.exec(line)?.[1] ?? leaf;
    if (leaf && line.includes('/32 host LOCAL')) found.add(leaf);
  }
  for (const { address } of parseIfInet6(ifInet6)) found.add(address);
  return [...found];
}

/** `fe80…0001 02 40 20 80 eth0` → address and interface. */
function parseIfInet6(text: string): { address: string; name: string; prefix: number }[] {
  return text.split('\n').flatMap((line) => {
    const [hex, , prefix, , , name] = line.trim().split(/\s+/);
    if (!hex || !name || !/^[0-9a-f]{32}$/.test(hex)) return [];
    return [{ address: formatIpv6(hex.match(/.{4}/g)!), name, prefix: Number.parseInt(prefix ?? '80', 16) }];
  });
}

/**
 * Interfaces when no `ip` is at hand: names from `dev`, IPv6 addresses from `if_inet6`; an IPv4 address goes to the
 * interface whose connected route (`route`) holds it, or to the only one that is not `lo`.
 */
export function parseInterfaces(files: {
  dev: string;
  route: string;
  fibTrie: string;
  ifInet6: string;
}): NetworkInterface[] {
  const names = files.dev.split('\n').flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
  const others = names.filter((name) => name !== 'lo');
  const v6 = parseIfInet6(files.ifInet6);
  const addresses = new Map(names.map((name) => [name, [] as string[]]));
  for (const address of parseLocalAddresses(files.fibTrie, '')) {
    const name = address.startsWith('127.')
      ? 'lo'
      : (connectedInterface(files.route, address) ?? (others.length === 1 ? others[0] : undefined));
    if (name) addresses.get(name)?.push(address);
  }
  for (const { address, name, prefix } of v6) addresses.get(name)?.push(`${address}/${prefix}`);
  return names.map((name) => ({ name, addresses: addresses.get(name) ?? [] }));
}

/** Lines of `/proc/net/route` are `Iface Destination Gateway Flags … Mask`, numbers in the machine's byte order. */
function connectedInterface(route: string, address: string): string | undefined {
  const value = toNumber(address);
  for (const line of route.split('\n').slice(1)) {
    const [name, destination, gateway, , , , , mask] = line.split('\t');
    if (!name || !destination || !mask || gateway !== '00000000' || mask === '00000000') continue;
    const bits = toNumber(readAddress(mask, true));
    if ((value & bits) >>> 0 === (toNumber(readAddress(destination, true)) & bits) >>> 0) return name;
  }
  return undefined;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}

function readAddress(hex: string, littleEndian: boolean): string {
  const words = hex.match(/.{8}/g)!.map((word) => (littleEndian ? word.match(/../g)!.reverse().join('') : word));
  if (words.length === 1) return formatIpv4(words[0]!);
  if (words[0] === '00000000' && words[1] === '00000000' && words[2] === '0000FFFF')
    return `::ffff:${formatIpv4(words[3]!)}`;
  return formatIpv6(words.join('').toLowerCase().match(/.{4}/g)!);
}

function formatIpv4(hex: string): string {
  return hex
    .match(/../g)!
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

/** RFC 5952: no leading zeros, the longest run of at least two zero groups becomes `::`. */
function formatIpv6(groups: string[]): string {
  const short = groups.map((group) => group.replace(/^0{1,3}/, ''));
  let [start, length] = [-1, 1];
  for (let i = 0; i < short.length; i++) {
    let end = i;
    while (short[end] === '0') end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  if (start < 0) return short.join(':');
  return `${short.slice(0, start).join(':')}::${short.slice(start + length).join(':')}`;
}

/**
 * Two spellings of one address compare equal: `FD00:0::1` and `fd00::1`.
 * @returns the canonical spelling; text that is no address comes back as it is.
 */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const missing = 8 - left.length - right.length;
  const groups =
    tail === undefined ? left : [...left, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...right];
  if (groups.length !== 8 || groups.some((group) => !/^[0-9a-f]{1,4}$/.test(group))) return address;
  return formatIpv6(groups.map((group) => group.padStart(4, '0')));
}
