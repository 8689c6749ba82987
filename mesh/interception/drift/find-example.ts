import type { ConnectionState, Packet } from '../trace-packet.ts';
import type { Disagreement } from './compare-chains.ts';
import type { PacketSpace } from './packet-space.ts';

const podAddresses = { '4': '10.255.255.254', '6': 'fd00:ffff::fffe' };
const elsewhere = { '4': '203.0.113.9', '6': '2001:db8::9' };

/**
 * One packet out of a disagreement, as somebody could send it. Undefined: it hangs on what an ordinary packet of TCP or
 * UDP cannot be given, such as an address in a set.
 */
export function findExample({ hook, box }: Disagreement, space: PacketSpace, family: '4' | '6'): Packet | undefined {
  if (hook !== 'PREROUTING' && hook !== 'OUTPUT') return undefined;
  const names = [...box].filter(([name, mask]) => mask !== space.dimension(name)?.all).map(([name]) => name);
  if (names.some((name) => name.startsWith('?') || name.includes(':') || name === 'connmark')) return undefined;
  const value = (name: string) => {
    const mask = box.get(name);
    return mask === undefined ? undefined : space.dimension(name)?.sample(mask);
  };
  const protocol = findProtocol(box.get('protocol'), space);
  const [source, destination] = [value('source'), value('destination')];
  const belongs = (address: string | undefined) => address === undefined || address.includes(':') === (family === '6');
  const state = value('state');
  if (!protocol || !belongs(source) || !belongs(destination) || state === 'UNTRACKED') return undefined;
  const isIn = hook === 'PREROUTING';
  const interfaceName = isIn ? 'in' : 'out';
  const packet: Packet = {
    direction: isIn ? 'in' : 'out',
    protocol,
    dst: destination ?? (isIn ? podAddresses : elsewhere)[family],
    dport: Number(value('port') ?? 65535),
    localIps: [podAddresses[family]],
  };
  if (source !== undefined || isIn) packet.src = source ?? elsewhere[family];
  const numbers = { sport: value('source port'), ...(!isIn && { uid: value('user'), gid: value('group') }) };
  for (const [name, number] of Object.entries({ ...numbers, mark: value('mark') }))
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
