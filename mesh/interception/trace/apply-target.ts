import { setXmark } from '../normalize-options.ts';
import { parseRange, printAddress } from '../address-range.ts';
import type { IptablesRule } from '../ruleset.ts';
import { familyOfAddress, plainAddress } from './addresses.ts';
import { hasConnection } from './match-rule.ts';
import type { Place } from './match-rule.ts';
import { isLocal } from './packet.ts';
import type { PacketInFlight } from './packet.ts';

/**
 * What a target does with the way of a packet. `source`: the connection's source is settled, and nat asked no more for it.
 * `unknown`: a target nobody here knows; the next rule is asked.
 */
export type Effect =
  'continue' | 'accept' | 'drop' | 'redirect' | 'tproxy' | 'translate' | 'source' | 'queue' | 'unknown';

/**
 * Does to the packet what an extension's target does: everything beside ACCEPT, DROP, RETURN and jumps, which belong to the
 * chain. Terminating is what the kernel's code for the target answers, not what the name suggests.
 */
export function applyTarget(rule: IptablesRule, packet: PacketInFlight, place: Place): Effect {
  switch (rule.target) {
    case 'MARK':
      packet.mark = applyMark(packet.mark, rule);
      return 'continue';
    case 'CONNMARK':
      applyConnmark(rule, packet);
      return 'continue';
    case 'CT':
    case 'NOTRACK':
      applyTracking(rule, packet);
      return 'continue';
    case 'REDIRECT':
      redirect(rule, packet, place);
      return 'redirect';
    case 'DNAT':
      return translateDestination(rule, packet);
    case 'NETMAP':
      return mapNetwork(optionOf(rule, '--to') ?? '', packet, place);
    case 'SNAT':
    case 'MASQUERADE':
      translateSource(rule, packet);
      return 'source';
    case 'TPROXY': {
      const mark = optionOf(rule, '--tproxy-mark');
      if (mark !== undefined) packet.mark = xmark(packet.mark, mark);
      return 'tproxy';
    }
    case 'REJECT':
    case 'TARPIT':
    case 'DELUDE':
      return 'drop';
    case 'NFQUEUE':
    case 'QUEUE':
      return 'queue';
    default:
      return goOn.has(rule.target ?? '') ? 'continue' : 'unknown';
  }
}

/** Targets that do their work and let the next rule be asked. */
const goOn = new Set([
  'LOG',
  'NFLOG',
  'ULOG',
  'TRACE',
  'AUDIT',
  'SET',
  'TCPMSS',
  'TCPOPTSTRIP',
  'DSCP',
  'TOS',
  'ECN',
  'TTL',
  'HL',
  'CLASSIFY',
  'CHECKSUM',
  'TEE',
  'LED',
  'RATEEST',
  'IDLETIMER',
  'SECMARK',
  'CONNSECMARK',
  'HMARK',
]);

export function optionOf({ targetOptions }: IptablesRule, name: string): string | undefined {
  return targetOptions.find(({ option }) => option === name)?.values[0];
}

/** `0x539/0xfff`: the bits of the mask are cleared, then the value is xor-ed. */
function xmark(mark: number, written: string): number {
  const [value = 0, mask = 0xffffffff] = written.split('/').map(Number);
  return ((mark & ~mask) ^ value) >>> 0;
}

function applyMark(mark: number, { targetOptions }: IptablesRule): number {
  for (const { option, values } of targetOptions) {
    const verb = /^--(set|and|or|xor)-mark$|^--set-(x)mark$/.exec(option);
    if (!verb) continue;
    const form = setXmark(verb[2] ? 'xset' : (verb[1] ?? ''), values[0] ?? '');
    if (form !== undefined) return xmark(mark, form);
  }
  return mark;
}

/** Without a connection there is no mark to keep or to take. */
function applyConnmark(rule: IptablesRule, packet: PacketInFlight): void {
  if (!hasConnection(packet) || packet.template) return;
  const mask = optionOf(rule, '--mask') ?? '0xffffffff';
  const nfmask = Number(optionOf(rule, '--nfmask') ?? mask);
  const ctmask = Number(optionOf(rule, '--ctmask') ?? mask);
  const has = (name: string) => rule.targetOptions.some(({ option }) => option === name);
  if (has('--save-mark')) packet.connmark = ((packet.connmark & ~ctmask) ^ (packet.mark & nfmask)) >>> 0;
  else if (has('--restore-mark')) packet.mark = ((packet.mark & ~nfmask) ^ (packet.connmark & ctmask)) >>> 0;
  else packet.connmark = applyMark(packet.connmark, rule);
}

/** Only before tracking has seen the packet: one that comes back over lo has its connection already. */
function applyTracking(rule: IptablesRule, packet: PacketInFlight): void {
  if (rule.target === 'NOTRACK' || rule.targetOptions.some(({ option }) => option === '--notrack'))
    stopTracking(packet);
  else useTemplate(packet);
}

/** `CT --notrack`: only while tracking has not looked yet, and no template was handed out. */
export function stopTracking(packet: PacketInFlight): void {
  if (!packet.tracked && !packet.template) packet.state = 'UNTRACKED';
}

/** `CT --zone` and the like hand the packet a template for its connection. */
export function useTemplate(packet: PacketInFlight): void {
  if (!packet.tracked && packet.state !== 'UNTRACKED') packet.template = true;
}

/** To this machine itself: to loopback for what is sent here, to the interface's address for what comes in. */
function redirect(rule: IptablesRule, packet: PacketInFlight, place: Place): void {
  sendHere(packet, place, optionOf(rule, '--to-ports'));
}

export function sendHere(packet: PacketInFlight, { hook }: Place, ports: string | undefined): void {
  const loopback = packet.family === '4' ? '127.0.0.1' : '::1';
  const own = [...packet.localIps].find((address) => familyOfAddress(address) === packet.family);
  const dst = hook === 'OUTPUT' || packet.inIface === 'lo' ? loopback : (own ?? packet.dst);
  rewrite(packet, dst, choosePort(packet.dport, ports));
}

/** `10.0.0.2:80`, `10.0.0.2`, `:8080`, `[fd00::1]:80` */
function translateDestination(rule: IptablesRule, packet: PacketInFlight): Effect {
  const { address, ports } = readTarget(optionOf(rule, '--to-destination') ?? '');
  return changeDestination(packet, address, ports);
}

export function changeDestination(
  packet: PacketInFlight,
  address: string | undefined,
  ports: string | undefined,
): Effect {
  rewrite(packet, address === undefined ? packet.dst : plainAddress(address), choosePort(packet.dport, ports));
  return isLocal(packet) ? 'redirect' : 'translate';
}

/** `--to 10.5.0.0/16`: the network's bits are replaced, the host's stay. */
function mapNetwork(network: string, packet: PacketInFlight, { hook }: Place): Effect {
  const destination = hook === 'PREROUTING' || hook === 'OUTPUT';
  const address = destination ? packet.dst : packet.src;
  const mapped = address === undefined ? undefined : mapInto(address, network);
  if (mapped === undefined) return 'unknown';
  if (destination) return changeDestination(packet, mapped, undefined);
  changeSource(packet, mapped, undefined, false);
  return 'source';
}

function mapInto(address: string, network: string): string | undefined {
  const range = parseRange(network);
  const own = parseRange(address);
  if (!range || own?.family !== range.family) return undefined;
  return printAddress(range.family, range.first | (own.first & (range.last - range.first)));
}

function translateSource(rule: IptablesRule, packet: PacketInFlight): void {
  const { address, ports } = readTarget(optionOf(rule, '--to-source') ?? '');
  changeSource(packet, address, ports ?? optionOf(rule, '--to-ports'), rule.target === 'MASQUERADE');
}

export function changeSource(
  packet: PacketInFlight,
  address: string | undefined,
  ports: string | undefined,
  masquerade: boolean,
): void {
  const own = [...packet.localIps].find((each) => familyOfAddress(each) === packet.family);
  const src = address ?? (masquerade && !packet.localIps.has(packet.src ?? '') ? own : undefined) ?? packet.src;
  if (ports !== undefined && packet.sport !== undefined) packet.sport = choosePort(packet.sport, ports);
  packet.changed.src ||= src !== packet.src;
  packet.src = src;
}

function rewrite(packet: PacketInFlight, dst: string, dport: number): void {
  packet.changed.dst ||= dst !== packet.dst || dport !== packet.dport;
  packet.dst = dst;
  packet.dport = dport;
}

function readTarget(written: string): { address?: string; ports?: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(written);
  const plain = familyOfAddress(written) === '6' ? null : /^([^:]*)(?::(.*))?$/.exec(written);
  const [, addresses = written, ports] = bracketed ?? plain ?? [];
  const first = plainAddress(addresses.split('-')[0] ?? '');
  return {
    ...(familyOfAddress(first) === undefined ? {} : { address: first }),
    ...(ports === undefined ? {} : { ports }),
  };
}

/** A port within the range stays; else one of the range is taken, here the first. */
function choosePort(port: number, range: string | undefined): number {
  const found = /^(\d+)(?:-(\d+))?/.exec(range ?? '');
  if (!found) return port;
  const from = Number(found[1]);
  return from <= port && port <= Number(found[2] ?? from) ? port : from;
}
