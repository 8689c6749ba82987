import type { ConnectionState, Packet } from '../trace-packet.ts';
import type { Disagreement } from './compare-chains.ts';
import type { PacketSpace } from './packet-space.ts';

/** Addresses as pods have them, and such as lie elsewhere: the first that the disagreement is about. */
const podAddresses = {
  '4': ['10.255.255.254', '172.31.255.254', '192.168.255.254'],
  '6': ['fd00:ffff::fffe', '2001:db8:ffff::fffe'],
};
const elsewhere = { '4': ['203.0.113.9', '198.51.100.9', '10.254.0.9'], '6': ['2001:db8::9', 'fd00:fffe::9'] };
const ports = ['8080', '12345', '65535'];

/**
 * One packet out of a disagreement, as somebody could send it. Undefined: it hangs on what an ordinary packet of TCP or
 * UDP cannot be given, such as an address in a set.
 */
export function findExample({ hook, box }: Disagreement, space: PacketSpace, family: '4' | '6'): Packet | undefined {
  if (hook !== 'PREROUTING' && hook !== 'OUTPUT') return undefined;
  const names = [...box].filter(([name, mask]) => mask !== space.dimension(name)?.all).map(([name]) => name);
  if (names.some((name) => name.startsWith('?') || name.includes(':') || name === 'connmark')) return undefined;
  const isIn = hook === 'PREROUTING';
  const value = (name: string, preferred: readonly string[] = []) => {
    const dimension = space.dimension(name);
    const mask = box.get(name) ?? dimension?.all;
    return !dimension || mask === undefined ? preferred[0] : dimension.sample(mask, preferred);
  };
  const protocol = findProtocol(box.get('protocol'), space);
  const dst = value('destination', (isIn ? podAddresses : elsewhere)[family]);
  // What a process sends without choosing a source gets one from the kernel.
  const source = box.has('source') || isIn ? value('source', (isIn ? elsewhere : podAddresses)[family]) : undefined;
  const belongs = (address: string | undefined) => address === undefined || address.includes(':') === (family === '6');
  const state = box.has('state') ? value('state') : undefined;
  if (!protocol || dst === undefined || !belongs(dst) || !belongs(source) || state === 'UNTRACKED') return undefined;
  const interfaceName = isIn ? 'in' : 'out';
  const packet: Packet = {
    direction: isIn ? 'in' : 'out',
    protocol,
    dst,
    dport: Number(value('port', ports)),
    localIps: isIn ? [dst] : podAddresses[family].filter((address) => address !== dst).slice(0, 1),
  };
  if (source !== undefined) packet.src = source;
  const numbers = {
    ...(box.has('source port') && { sport: value('source port', ['45678']) }),
    ...(!isIn && { uid: value('user'), gid: value('group') }),
    ...(box.has('mark') && { mark: value('mark') }),
  };
  for (const [name, number] of Object.entries(numbers))
    if (number !== undefined) packet[name as 'sport' | 'uid' | 'gid' | 'mark'] = Number(number);
  packet.iface = (value(interfaceName) ?? 'eth0').replace('+', '0');
  if (state !== undefined) packet.ctstate = state as ConnectionState;
  return packet;
}

function findProtocol(mask: bigint | undefined, space: PacketSpace): 'tcp' | 'udp' | undefined {
  const dimension = space.dimension('protocol');
  const takes = (protocol: string) =>
    mask === undefined ||
    !dimension ||
    (mask & dimension.maskOf({ option: '-p', values: [protocol], negated: false })) !== 0n;
  return takes('tcp') ? 'tcp' : takes('udp') ? 'udp' : undefined;
}
