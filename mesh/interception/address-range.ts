/** Addresses as numbers, so that ranges can be masked, compared and printed as `iptables-save` prints them. */
export interface AddressRange {
  family: '4' | '6';
  first: bigint;
  last: bigint;
  /** Prefix length: 32 for one IPv4 address. */
  length: number;
}

/** `10.1.2.3/8` → 10.0.0.0 to 10.255.255.255; an address alone is a range of one. Undefined: neither. */
export function parseRange(written: string): AddressRange | undefined {
  const [address = '', mask, ...rest] = written.trim().split('/');
  const family = address.includes(':') ? '6' : '4';
  const number = family === '6' ? parseIpv6(address) : parseIpv4(address);
  const bits = family === '6' ? 128 : 32;
  if (number === undefined || rest.length > 0) return undefined;
  const length = mask === undefined ? bits : mask.includes('.') ? lengthOfMask(mask) : /^\d+$/.test(mask) ? +mask : NaN;
  if (!(length >= 0 && length <= bits)) return undefined;
  const hostBits = (1n << BigInt(bits - length)) - 1n;
  return { family, first: number & ~hostBits, last: number | hostBits, length };
}

/** `2001:DB8:0::5/32` → `2001:db8::/32`: host bits cleared, always with a length. */
export function printRange({ family, first, length }: AddressRange): string {
  return `${printAddress(family, first)}/${length}`;
}

export function printAddress(family: '4' | '6', number: bigint): string {
  return family === '4' ? printIpv4(number) : printIpv6(number);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')).flatMap(groupsOf));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array<number>(Math.max(0, missing)).fill(0), ...tail];
  if (all.some((group) => !(group >= 0 && group <= 0xffff))) return undefined;
  return all.reduce((sum, group) => sum * 65536n + BigInt(group), 0n);
}

/** One written group as numbers; an embedded IPv4 address stands for two. */
function groupsOf(group: string): number[] {
  if (!group.includes('.')) return [/^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN];
  const embedded = parseIpv4(group);
  return embedded === undefined ? [NaN] : [Number(embedded >> 16n), Number(embedded & 0xffffn)];
}

function lengthOfMask(mask: string): number {
  const number = parseIpv4(mask);
  const bits = number?.toString(2).padStart(32, '0') ?? '';
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replace(/0/g, '').length : NaN;
}

function printIpv4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((number >> shift) & 255n)).join('.');
}

/** As the C library prints it: the longest run of zero groups is `::`; mapped and compatible addresses end in IPv4. */
function printIpv6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => Number((number >> BigInt((7 - at) * 16)) & 0xffffn));
  const run = longestZeroRun(groups);
  const isIpv4 = run.start === 0 && (run.length === 6 || (run.length === 5 && groups[5] === 0xffff));
  const words = groups.map((group) => group.toString(16));
  if (isIpv4) words.splice(6, 2, printIpv4(number & 0xffffffffn));
  if (run.length < 2) return words.join(':');
  return `${words.slice(0, run.start).join(':')}::${words.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
