import type { Match } from './ruleset.ts';
import { lookup } from './lookup.ts';

/**
 * An address as `iptables-save` prints it: always with a prefix, host bits cleared. Undefined: every address, which is
 * not printed. A name or anything else is left as it is.
 */
export function normalizeAddress(written: string): string | undefined {
  if (written === '0.0.0.0/0' || written === '::/0' || written === 'anywhere' || written === '0/0') return undefined;
  const [address = '', mask] = written.split('/');
  if (address.includes(':')) return mask === undefined ? `${address}/128` : written;
  const bytes = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)?.slice(1).map(Number);
  if (!bytes) return written;
  const length = mask === undefined ? 32 : mask.includes('.') ? prefixLength(mask) : Number(mask);
  if (length === undefined || !Number.isInteger(length) || length < 0 || length > 32) return written;
  if (length === 0) return undefined;
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const cleared = Math.floor(number / 2 ** (32 - length)) * 2 ** (32 - length);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(cleared / 2 ** shift) % 256).join('.')}/${length}`;
}

/** `255.255.0.0` → 16; undefined for a mask with holes. */
function prefixLength(mask: string): number | undefined {
  const bits = mask
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replace(/0/g, '').length : undefined;
}

const shortOptions: Record<string, string> = {
  '--destination-port': '--dport',
  '--source-port': '--sport',
  '--destination-ports': '--dports',
  '--source-ports': '--sports',
  '--to-port': '--to-ports',
};

/** One option of a match module as `iptables-save` prints it. */
export function normalizeMatch(module: string, match: Match): Match {
  const option = lookup(shortOptions, match.option) ?? match.option;
  const [value = ''] = match.values;
  if (option === '--syn') return { ...match, option: '--tcp-flags', values: ['FIN,SYN,RST,ACK', 'SYN'] };
  if (option === '--dport' || option === '--sport') return { ...match, option, values: [openRange(value)] };
  if (option === '--mark' && (module === 'mark' || module === 'connmark'))
    return { ...match, values: [hexMark(value)] };
  if (option === '--ctstate' || option === '--state') return { ...match, values: [orderStates(value)] };
  return option === match.option ? match : { ...match, option };
}

/** `80:` → `80:65535`, `:80` → `0:80`. */
function openRange(range: string): string {
  return range.replace(/^:/, '0:').replace(/:$/, ':65535');
}

/** `1337` → `0x539`, `0x539/0xffffffff` → `0x539`. */
function hexMark(written: string): string {
  const [value = '', mask] = written.split('/');
  const number = parseNumber(value);
  if (number === undefined) return written;
  const bits = mask === undefined ? allBits : parseNumber(mask);
  return bits === undefined || bits === allBits ? hex(number) : `${hex(number)}/${hex(bits)}`;
}

const stateOrder = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'];

/** Conntrack states in the order in which iptables prints them. */
export function orderStates(list: string): string {
  const states = list.toUpperCase().split(',');
  if (states.some((state) => !stateOrder.includes(state))) return list;
  return stateOrder.filter((state) => states.includes(state)).join(',');
}

/**
 * A target's options as `iptables-save` prints them: every way to set a mark becomes `--set-xmark VALUE/MASK`
 * (new mark = (mark & ~MASK) ^ VALUE), defaults are written out.
 */
export function normalizeTargetOptions(target: string, options: Match[], family: '4' | '6' | 'unknown'): Match[] {
  const named = options.map((each) => ({ ...each, option: lookup(shortOptions, each.option) ?? each.option }));
  switch (target) {
    case 'MARK':
    case 'CONNMARK':
      return markOptions(named);
    case 'TPROXY':
      return tproxyOptions(named, family);
    case 'REJECT':
      return named.length
        ? named
        : [option('--reject-with', family === '6' ? 'icmp6-port-unreachable' : 'icmp-port-unreachable')];
    default:
      return named;
  }
}

function markOptions(options: Match[]): Match[] {
  const [first] = options;
  const value = first?.values[0];
  if (first && value !== undefined && first.option !== '--set-xmark') {
    const xmark = setXmark(first.option.replace(/^--|-mark$/g, ''), value);
    if (xmark !== undefined) return [option('--set-xmark', xmark), ...options.slice(1)];
  }
  if (first && value !== undefined && first.option === '--set-xmark')
    return [option('--set-xmark', fullXmark(value)), ...options.slice(1)];
  if (first?.option === '--save-mark' || first?.option === '--restore-mark') {
    const both = options.find((each) => each.option === '--mask')?.values[0];
    const mask = (name: string) => options.find((each) => each.option === name)?.values[0] ?? both ?? '0xffffffff';
    return [option(first.option), option('--nfmask', mask('--nfmask')), option('--ctmask', mask('--ctmask'))];
  }
  return options;
}

/** The one form of all mark operations. `verb`: `set`, `xset`, `and`, `or`, `xor`, with the value as it was written. */
export function setXmark(verb: string, written: string): string | undefined {
  const [left = '', right] = written.split('/');
  const value = parseNumber(left);
  const mask = right === undefined ? allBits : parseNumber(right);
  if (value === undefined || mask === undefined) return undefined;
  switch (verb) {
    case 'set':
      return `${hex(value)}/${hex((value | mask) >>> 0)}`;
    case 'xset':
      return `${hex(value)}/${hex(mask)}`;
    case 'or':
      return `${hex(value)}/${hex(value)}`;
    case 'and':
      return `0x0/${hex(~value >>> 0)}`;
    case 'xor':
      return `${hex(value)}/0x0`;
    default:
      return undefined;
  }
}

function fullXmark(written: string): string {
  return setXmark('xset', written) ?? written;
}

function tproxyOptions(options: Match[], family: '4' | '6' | 'unknown'): Match[] {
  const value = (name: string) => options.find((each) => each.option === name)?.values[0];
  const port = value('--on-port');
  const mark = value('--tproxy-mark');
  const ordered = [
    ...(port === undefined ? [] : [option('--on-port', port)]),
    option('--on-ip', value('--on-ip') ?? (family === '6' ? '::' : '0.0.0.0')),
    ...(mark === undefined ? [] : [option('--tproxy-mark', fullXmark(mark))]),
  ];
  return options.some((each) => !['--on-port', '--on-ip', '--tproxy-mark'].includes(each.option)) ? options : ordered;
}

const allBits = 0xffffffff;

function parseNumber(written: string): number | undefined {
  return /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(written) ? Number(written) : undefined;
}

export function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

/** An option that is not negated. */
export function option(name: string, ...values: string[]): Match {
  return { option: name, values, negated: false };
}
