import ipaddr from 'ipaddr.js';

export type IpFamily = '4' | '6';

/** Family of a written address; undefined for what is none. */
export function familyOfAddress(address: string): IpFamily | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return '4';
  return address.includes(':') && ipaddr.IPv6.isValid(address) ? '6' : undefined;
}

/** One spelling for every address: `FD00:0:0::1` → `fd00::1`. What is no address stays as it is. */
export function plainAddress(address: string): string {
  return familyOfAddress(address) === undefined ? address : ipaddr.parse(address).toString();
}

/**
 * Whether an address is in `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fd00::1` or `2001:db8::/ffff:ffff::`. An address of the
 * other family is in none. Undefined: the network is not written as one.
 */
export function isInNetwork(address: string, network: string): boolean | undefined {
  const [base = '', mask] = network.split('/');
  const family = familyOfAddress(base);
  if (family === undefined) return undefined;
  const bits = maskBytes(mask, family);
  if (!bits) return undefined;
  if (familyOfAddress(address) !== family) return false;
  const wanted = ipaddr.parse(base).toByteArray();
  return ipaddr
    .parse(address)
    .toByteArray()
    .every((byte, at) => (byte & bits[at]!) === (wanted[at]! & bits[at]!));
}

/** How many addresses a network has: `one`, or more. */
export function isSingleAddress(network: string): boolean {
  const [base = '', mask] = network.split('/');
  const family = familyOfAddress(base);
  return family !== undefined && (maskBytes(mask, family)?.every((byte) => byte === 255) ?? false);
}

/** `10.0.0.1-10.0.0.9`; a single address is a range of one. */
export function isInRange(address: string, range: string): boolean | undefined {
  const [from = '', to = from] = range.split('-');
  const family = familyOfAddress(from);
  if (family === undefined || familyOfAddress(to) !== family) return undefined;
  if (familyOfAddress(address) !== family) return false;
  const at = numberOf(address);
  return numberOf(from) <= at && at <= numberOf(to);
}

export function isLoopback(address: string): boolean {
  return isInNetwork(address, '127.0.0.0/8') === true || plainAddress(address) === '::1';
}

function numberOf(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

/** A mask may have holes (`255.0.255.0`): the kernel compares bit by bit. */
function maskBytes(mask: string | undefined, family: IpFamily): number[] | undefined {
  const length = family === '4' ? 32 : 128;
  if (mask === undefined) return prefixBytes(length, length);
  if (/^\d+$/.test(mask)) return Number(mask) <= length ? prefixBytes(Number(mask), length) : undefined;
  return familyOfAddress(mask) === family ? ipaddr.parse(mask).toByteArray() : undefined;
}

function prefixBytes(prefix: number, length: number): number[] {
  return Array.from({ length: length / 8 }, (_, at) => {
    const ones = Math.min(8, Math.max(0, prefix - at * 8));
    return (0xff << (8 - ones)) & 0xff;
  });
}
