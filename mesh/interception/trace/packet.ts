import { familyOfAddress, isLoopback, plainAddress } from './addresses.ts';
import type { IpFamily } from './addresses.ts';

/** `RELATED`: the first packet of a connection that another one announced; nat is asked about it as about a new one. */
export type ConnectionState = 'NEW' | 'INVALID' | 'ESTABLISHED' | 'RELATED';

/** One packet as a person asks about it. */
export interface Packet {
  /** `out`: a process of this machine or pod sends it; `in`: it arrives on an interface. */
  direction: 'out' | 'in';
  protocol: 'tcp' | 'udp';
  /** Absent: the address the kernel would choose (out), or one that no rule names (in). */
  src?: string;
  dst: string;
  /** Absent: some port that the kernel chooses (32768–60999). */
  sport?: number;
  dport: number;
  /** Of the sending process; absent: a user or group that no rule names. */
  uid?: number;
  gid?: number;
  /** `SO_MARK` of the sender, or the mark that an earlier hook left. */
  mark?: number;
  /** Mark of the connection. */
  connmark?: number;
  /** Outgoing (out) or incoming (in); absent: `lo` for a local destination, else `eth0`. */
  iface?: string;
  /** Addresses of this machine or pod, beside loopback. Absent, in: the destination is one. */
  localIps?: readonly string[];
  /** What connection tracking says of it; absent: `NEW`. */
  ctstate?: ConnectionState;
}

/** The hooks of netfilter, by the names that iptables gives to the chains there. */
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** A packet on its way: what rules see, and what they change. */
export interface PacketInFlight {
  readonly family: IpFamily;
  readonly protocol: 'tcp' | 'udp';
  readonly direction: 'out' | 'in';
  src: string | undefined;
  dst: string;
  sport: number | undefined;
  dport: number;
  /** As it was sent: the connection's original direction. */
  readonly original: { src: string | undefined; dst: string; sport: number | undefined; dport: number };
  mark: number;
  connmark: number;
  /** Empty where a hook has none: OUTPUT knows no incoming interface. */
  inIface: string;
  outIface: string;
  /** Absent once the packet left its socket: what comes in, also over lo, has no owner. */
  owner: { uid?: number; gid?: number } | undefined;
  /** What it is to its own connection, which its TCP flags show whatever rules do to the tracking. */
  readonly sentAs: ConnectionState;
  /** What tracking will say, once it has looked. */
  state: ConnectionState | 'UNTRACKED';
  /** Tracking comes after raw: before, every packet looks INVALID to `--ctstate`. */
  tracked: boolean;
  /** `CT --zone` hands the packet a template, which looks like a new connection to the rest of raw. */
  template: boolean;
  /** The connection has its binding for destination or source: nat is asked once for each. */
  bound: { dst: boolean; src: boolean };
  changed: { dst: boolean; src: boolean };
  /** Past the last hook of its first pass: the connection is in the table of all connections. */
  confirmed: boolean;
  /** Port of the socket that TPROXY of nftables has found for it. */
  taken?: number;
  readonly localIps: ReadonlySet<string>;
}

/** Puts a packet at the start of its way. */
export function launch(packet: Packet): PacketInFlight {
  const dst = plainAddress(packet.dst);
  const family = familyOfAddress(dst) ?? '4';
  const known = (packet.localIps ?? (packet.direction === 'in' ? [dst] : [])).map(plainAddress);
  const localIps = new Set(known);
  const local = isLoopback(dst) || localIps.has(dst);
  const src = packet.src === undefined ? chooseSource(packet, { dst, local, known, family }) : plainAddress(packet.src);
  const out = packet.direction === 'out';
  const iface = packet.iface ?? (out && local ? 'lo' : 'eth0');
  // What arrives over lo was sent from here: it has passed OUTPUT and POSTROUTING, and keeps its tracking.
  const looped = !out && iface === 'lo';
  const { sport, dport, uid, gid } = packet;
  const state = packet.ctstate ?? 'NEW';
  return {
    family,
    protocol: packet.protocol,
    direction: packet.direction,
    src,
    dst,
    sport,
    dport,
    original: { src, dst, sport, dport },
    mark: (packet.mark ?? 0) >>> 0,
    connmark: (packet.connmark ?? 0) >>> 0,
    inIface: out ? '' : iface,
    outIface: out ? iface : '',
    owner: out ? { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) } : undefined,
    sentAs: state,
    state,
    tracked: looped && state !== 'INVALID',
    template: false,
    bound: { dst: looped, src: looped },
    changed: { dst: false, src: false },
    confirmed: looped && state !== 'INVALID',
    localIps,
  };
}

export function isLocal(packet: PacketInFlight, address = packet.dst): boolean {
  return isLoopback(address) || packet.localIps.has(address);
}

/** The source of a local destination is that destination; else the first own address of the family. */
function chooseSource(
  { direction }: Packet,
  { dst, local, known, family }: { dst: string; local: boolean; known: string[]; family: IpFamily },
): string | undefined {
  if (direction === 'in') return undefined;
  return local ? dst : known.find((address) => familyOfAddress(address) === family);
}
