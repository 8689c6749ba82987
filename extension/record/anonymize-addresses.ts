/**
 * Other addresses for those of a recording, so that what lay in one subnet still does: the bits that tell networks apart are
 * turned, each depending on those before it alone (as Crypto-PAn does), and the rest stays. The class of an address stays, too:
 * a private one stays private, 127.0.0.6 and 169.254.169.254 stay what they are.
 */
import { createHash } from 'node:crypto';

/** Which bits are turned: those from `from` up to (not with) `to`. */
interface Turned {
  from: number;
  to: number;
}

export class AddressAnonymizer {
  readonly #salt: string;
  /** Prefixes, as bits, of subnets that the recording names: inside them order matters (ranges of host-local). */
  readonly #subnets: ReadonlySet<string>;
  readonly #flips = new Map<string, boolean>();

  /** @param subnets CIDRs that occur in the recording. */
  constructor(salt: string, subnets: Iterable<string> = []) {
    this.#salt = salt;
    this.#subnets = new Set(
      [...subnets].flatMap((cidr) => {
        const [address = '', length] = cidr.split('/');
        const bits = parseAddress(address);
        return bits === undefined || length === undefined ? [] : [`${bits.length}:${bits.slice(0, Number(length))}`];
      }),
    );
  }

  /** An address, a CIDR; anything else comes back as it is. */
  map(text: string): string {
    const [address = '', length] = text.split('/');
    const bits = parseAddress(address);
    if (bits === undefined) return text;
    const prefix = length === undefined ? bits.length : Number(length);
    const turned = this.#turn(bits);
    // Bits behind the prefix that were zero stay zero: a network stays a network.
    const isNetwork = !bits.slice(prefix).includes('1');
    const result = isNetwork ? turned.slice(0, prefix).padEnd(bits.length, '0') : turned;
    if (result === bits) return text;
    return length === undefined ? printAddress(result) : `${printAddress(result)}/${length}`;
  }

  #turn(bits: string): string {
    const range = turnedBits(bits);
    if (!range) return bits;
    let isInside = false;
    let result = bits.slice(0, range.from);
    for (let at = range.from; at < range.to; at++) {
      const before = bits.slice(0, at);
      isInside ||= at >= range.from + 8 && this.#subnets.has(`${bits.length}:${before}`);
      if (isInside) break;
      result += this.#isFlipped(bits.length, before) ? (bits[at] === '1' ? '0' : '1') : bits[at]!;
    }
    return result + bits.slice(result.length);
  }

  #isFlipped(width: number, before: string): boolean {
    const key = `${width}:${before}`;
    let flip = this.#flips.get(key);
    if (flip === undefined) {
      flip = (createHash('sha256').update(`${this.#salt}/${key}`).digest()[0]! & 1) === 1;
      this.#flips.set(key, flip);
    }
    return flip;
  }
}

/** Whether an address means something to everybody and tells nothing of a cluster. */
export function isKeptAddress(text: string): boolean {
  const bits = parseAddress(text.split('/')[0]!);
  return bits === undefined || turnedBits(bits) === undefined;
}

function turnedBits(bits: string): Turned | undefined {
  return bits.length === 32 ? turnedBits4(bits) : turnedBits6(bits);
}

function turnedBits4(bits: string): Turned | undefined {
  const octet = (index: number) => parseInt(bits.slice(index * 8, index * 8 + 8), 2);
  const [a, b] = [octet(0), octet(1)];
  if (a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254)) return undefined;
  // The network of a whole class: `10.0.0.0/8`, `192.168.0.0/16`.
  if (a === 10) return isZero(bits, 8) ? undefined : { from: 8, to: 24 };
  if (a === 172 && b >= 16 && b < 32) return isZero(bits, 12) ? undefined : { from: 12, to: 24 };
  if (a === 192 && b === 168) return isZero(bits, 16) ? undefined : { from: 16, to: 24 };
  if (a === 100 && b >= 64 && b < 128) return isZero(bits, 10) ? undefined : { from: 10, to: 24 };
  return isZero(bits, 8) ? undefined : { from: 8, to: 24 };
}

function turnedBits6(bits: string): Turned | undefined {
  // ::, ::1, IPv4 in IPv6, link-local, multicast.
  if (isZero(bits.slice(0, 80), 0) || bits.startsWith('1111111010') || bits.startsWith('11111111')) return undefined;
  return isZero(bits, 16) ? undefined : { from: 16, to: 64 };
}

function isZero(bits: string, from: number): boolean {
  return !bits.slice(from).includes('1');
}

/** As bits; undefined for anything that is no address. */
export function parseAddress(text: string): string | undefined {
  if (text.includes(':')) return parse6(text);
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256))
    return undefined;
  return octets.map((octet) => Number(octet).toString(2).padStart(8, '0')).join('');
}

function parse6(text: string): string | undefined {
  if (!/^[0-9a-f:.]+$/i.test(text) || text.includes(':::')) return undefined;
  const [, head, v4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  let whole = text;
  if (head !== undefined && v4 !== undefined) {
    const bits = parseAddress(v4);
    if (bits === undefined) return undefined;
    whole = `${head}${parseInt(bits.slice(0, 16), 2).toString(16)}:${parseInt(bits.slice(16), 2).toString(16)}`;
  }
  const parts = whole.split('::');
  if (parts.length > 2) return undefined;
  const groups = parts.map((part) => (part === '' ? [] : part.split(':')));
  const count = groups.flat().length;
  if (!groups.flat().every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  if (parts.length === 1 ? count !== 8 : count > 7) return undefined;
  const all = [...groups[0]!, ...Array.from({ length: 8 - count }, () => '0'), ...(groups[1] ?? [])];
  return all.map((group) => parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

function printAddress(bits: string): string {
  if (bits.length === 32) return [0, 8, 16, 24].map((from) => parseInt(bits.slice(from, from + 8), 2)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => parseInt(bits.slice(at * 16, at * 16 + 16), 2));
  // RFC 5952: the longest run of zeros, the first of equals, of two or more.
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.at < 0) return hex.join(':');
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`;
}
