import * as l10n from '@vscode/l10n';
import { refuseProxyConfig } from './proxy-config.ts';

/**
 * The formats that the injector's own validators enforce. A value that does not fit makes the API server refuse the pod:
 * no pod starts, and the only trace is an event on the ReplicaSet.
 */
export type ValueFormat =
  | 'boolean'
  | 'uint32'
  | 'quantity'
  | 'port'
  | 'port-list'
  | 'port-list-or-all'
  | 'cidr-list'
  | 'cidr-list-or-all'
  | 'interface-list'
  | 'interception-mode'
  | 'proxy-config';

/** What is wrong with a value. */
export interface ValueProblem {
  message: string;
  /** Where inside the value, as offsets; absent: the whole value. */
  at?: { start: number; end: number };
  /** What belongs in that place, if it can be told. */
  instead?: string;
}

/** The YAML parser of the caller: throws on text that is no YAML. This room does not bring one along. */
export type YamlParser = (text: string) => unknown;

/** Undefined if the injector accepts `value` as `format`; else the first thing that is wrong with it. */
export function checkValue(format: ValueFormat, value: string, parseYaml?: YamlParser): ValueProblem | undefined {
  return checks[format](value, parseYaml);
}

/** What to write, for hovers and completion. */
export function describeFormat(format: ValueFormat): string {
  switch (format) {
    case 'boolean':
      return l10n.t('"true" or "false"');
    case 'uint32':
      return l10n.t('a whole number from 0 to 4294967295');
    case 'quantity':
      return l10n.t('a resource quantity, such as 100m or 128Mi');
    case 'port':
      return l10n.t('one port, 0 to 65535');
    case 'port-list':
      return l10n.t('ports separated by commas, such as 3306,6379; may be empty');
    case 'port-list-or-all':
      return l10n.t('* for every port, or ports separated by commas; may be empty');
    case 'cidr-list':
      return l10n.t(
        'CIDR ranges separated by commas, without spaces, such as 10.0.0.0/8,169.254.169.254/32; may be empty',
      );
    case 'cidr-list-or-all':
      return l10n.t('* for every address, or CIDR ranges separated by commas, without spaces; may be empty');
    case 'interface-list':
      return l10n.t('names of network interfaces separated by commas, each at most 15 characters');
    case 'interception-mode':
      return l10n.t('REDIRECT, TPROXY or NONE');
    case 'proxy-config':
      return l10n.t('a ProxyConfig, as YAML');
  }
}

const checks: Record<ValueFormat, (value: string, parseYaml?: YamlParser) => ValueProblem | undefined> = {
  boolean: checkBoolean,
  uint32: checkUint32,
  quantity: checkQuantity,
  port: (value) => checkPort(item(value, 0, value.length)),
  'port-list': checkPortList,
  'port-list-or-all': (value) => (value === '*' ? undefined : checkPortList(value)),
  'cidr-list': checkCidrList,
  'cidr-list-or-all': (value) => (value === '*' ? undefined : checkCidrList(value)),
  'interface-list': checkInterfaceList,
  'interception-mode': checkInterceptionMode,
  'proxy-config': checkProxyConfig,
};

// What Go's strconv.ParseBool takes, and nothing else: "yes", "on" and "tRUE" are refused.
const goTrue = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const goFalse = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** A Go bool: true, false, or undefined for anything that Go does not read as one. */
export function parseGoBool(value: string): boolean | undefined {
  if (goTrue.includes(value)) return true;
  return goFalse.includes(value) ? false : undefined;
}

function checkBoolean(value: string): ValueProblem | undefined {
  if (parseGoBool(value) !== undefined) return undefined;
  const word = value.trim().toLowerCase();
  const instead = /^(true|t|yes|y|on|enabled?|1)$/.test(word)
    ? 'true'
    : /^(false|f|no|n|off|disabled?|0)$/.test(word)
      ? 'false'
      : undefined;
  return { message: l10n.t('"{0}" is neither "true" nor "false".', value), ...(instead && { instead }) };
}

function checkUint32(value: string): ValueProblem | undefined {
  if (isUnsigned(value, 4_294_967_295)) return undefined;
  const instead = /^\s*(\d+)\s*s?\s*$/.exec(value)?.[1];
  return {
    message: l10n.t('"{0}" is not a whole number from 0 to 4294967295, without sign or unit.', value),
    ...(instead && isUnsigned(instead, 4_294_967_295) && { instead }),
  };
}

function checkQuantity(value: string): ValueProblem | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/.test(value)) return undefined;
  const trimmed = value
    .replace(/\s+/g, '')
    .replace(/([KMGTP]i)B$/, '$1')
    .replace(/([KMGTP])B$/, '$1i')
    .replace(/^([\d.]+)K$/, '$1k');
  const instead = trimmed !== value && checkQuantity(trimmed) === undefined ? trimmed : undefined;
  return {
    message: l10n.t(
      '"{0}" is not a resource quantity: a number with an optional unit, such as 100m, 0.5, 128Mi or 1Gi.',
      value,
    ),
    ...(instead && { instead }),
  };
}

const modes = ['REDIRECT', 'TPROXY', 'NONE'];

function checkInterceptionMode(value: string): ValueProblem | undefined {
  if (modes.includes(value)) return undefined;
  const instead = modes.find((mode) => mode === value.trim().toUpperCase());
  return {
    message: l10n.t('"{0}" is no interception mode: REDIRECT, TPROXY or NONE, in capitals.', value),
    ...(instead && { instead }),
  };
}

/** Whether it is YAML, holds fields, and the fields hold what the injector can read. */
function checkProxyConfig(value: string, parseYaml?: YamlParser): ValueProblem | undefined {
  if (!parseYaml || value.trim() === '') return undefined;
  let parsed: unknown;
  try {
    parsed = parseYaml(value);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { message: l10n.t('The ProxyConfig is not valid YAML: {0}', reason) };
  }
  if (parsed == null) return undefined;
  if (typeof parsed === 'object' && !Array.isArray(parsed)) {
    const message = refuseProxyConfig(parsed as Record<string, unknown>);
    return message === undefined ? undefined : { message };
  }
  return { message: l10n.t('A ProxyConfig has fields, such as "concurrency: 2"; this value is not a YAML mapping.') };
}

// ---- lists ----------------------------------------------------------------------------------------------------------

interface Item {
  /** Without the spaces around it. */
  text: string;
  /** As it stands between the commas. */
  raw: string;
  /** Of `text` inside the value; of `raw` if nothing but spaces is there. */
  start: number;
  end: number;
}

function listItems(value: string): Item[] {
  const items: Item[] = [];
  let start = 0;
  for (const part of value.split(',')) {
    items.push(item(value, start, start + part.length));
    start += part.length + 1;
  }
  return items;
}

function item(value: string, start: number, end: number): Item {
  const raw = value.slice(start, end);
  const text = raw.trim();
  if (text === '') return { text, raw, start, end };
  const from = start + raw.indexOf(text);
  return { text, raw, start: from, end: from + text.length };
}

function checkPortList(value: string): ValueProblem | undefined {
  if (value.trim() === '') return undefined;
  return firstProblem(value, checkPort);
}

function checkPort({ text, start, end }: Item): ValueProblem | undefined {
  if (isUnsigned(text, 65_535)) return undefined;
  return { message: sayWrongPort(text), at: { start, end } };
}

function sayWrongPort(text: string): string {
  if (text === '') return l10n.t('A port is missing here: write a number, or remove the comma.');
  if (/^\d+\s*[-:]\s*\d+$/.test(text))
    return l10n.t('"{0}" is a range; Istio takes single ports only. List them, separated by commas.', text);
  if (text === '*') return l10n.t('"*" is not allowed here: list the ports, 0 to 65535, separated by commas.');
  if (/^\d+$/.test(text)) return l10n.t('"{0}" is not a port: 65535 is the highest.', text);
  if (/^\d+(\s+\d+)+$/.test(text) || text.includes(';'))
    return l10n.t('"{0}" is not a port: separate ports by commas.', text);
  return l10n.t('"{0}" is not a port: write a number from 0 to 65535, not a name.', text);
}

function checkCidrList(value: string): ValueProblem | undefined {
  if (value === '') return undefined;
  return firstProblem(value, checkCidr);
}

function checkCidr({ text, raw, start, end }: Item): ValueProblem | undefined {
  if (isCidr(raw)) return undefined;
  const at = { start, end };
  if (raw !== text && isCidr(text)) {
    // Spaces are trimmed around ports but not around ranges; what is wrong is the item with its spaces.
    const leading = raw.indexOf(text);
    return {
      message: l10n.t('There is a space beside "{0}"; Istio takes ranges only without spaces.', text),
      at: { start: start - leading, end: start - leading + raw.length },
      instead: text,
    };
  }
  const family = ipFamily(text);
  if (family) {
    const instead = `${text}/${family === 4 ? '32' : '128'}`;
    return {
      message: l10n.t('"{0}" is an address, not a range: write {1} for this one address.', text, instead),
      at,
      instead,
    };
  }
  if (text === '') return { message: l10n.t('A range is missing here: write one, or remove the comma.'), at };
  if (text === '*')
    return { message: l10n.t('"*" is not allowed here: only includeOutboundIPRanges takes it, and then alone.'), at };
  const [address = '', ...rest] = text.split('/');
  if (rest.length === 1 && ipFamily(address)) {
    return {
      message: l10n.t(
        '"{0}" has no valid prefix length: {1} is the highest for this address.',
        text,
        ipFamily(address) === 4 ? '32' : '128',
      ),
      at,
    };
  }
  return { message: l10n.t('"{0}" is not a CIDR range such as 10.0.0.0/8.', text), at };
}

function checkInterfaceList(value: string): ValueProblem | undefined {
  return firstProblem(value, ({ text, start, end }) =>
    utf8Length(text) <= 15
      ? undefined
      : {
          message: l10n.t(
            '"{0}" cannot be a network interface: Linux allows at most 15 characters in the name of one.',
            text,
          ),
          at: { start, end },
        },
  );
}

function firstProblem(value: string, check: (item: Item) => ValueProblem | undefined): ValueProblem | undefined {
  for (const one of listItems(value)) {
    const problem = check(one);
    if (problem) return problem;
  }
  return undefined;
}

// ---- numbers and addresses ------------------------------------------------------------------------------------------

function isUnsigned(text: string, highest: number): boolean {
  return /^\d+$/.test(text) && Number(text) <= highest;
}

/** A prefix as Go's netip.ParsePrefix takes it: no zone, no leading zero in the length. */
function isCidr(text: string): boolean {
  const [address = '', length = '', ...rest] = text.split('/');
  const family = ipFamily(address);
  if (!family || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return false;
  return Number(length) <= (family === 4 ? 32 : 128);
}

function ipFamily(text: string): 4 | 6 | undefined {
  if (isIpv4(text)) return 4;
  return isIpv6(text) ? 6 : undefined;
}

/** Four decimal parts without leading zeros: looser forms (`10.1`, `0x0a.0.0.1`) mean different things to different programs. */
function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  if (!text.includes(':')) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const [head = '', tail] = halves;
  const groups = [...groupsOf(head), ...groupsOf(tail ?? '')];
  const last = groups.at(-1) ?? '';
  const embedded = last.includes('.');
  // An embedded IPv4 address (::ffff:10.0.0.1) ends the text and stands for two groups.
  if (embedded && (!isIpv4(last) || text.endsWith('::'))) return false;
  if (!(embedded ? groups.slice(0, -1) : groups).every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = groups.length + (embedded ? 1 : 0);
  return tail === undefined ? count === 8 : count <= 7;
}

/** Linux counts the bytes of an interface's name. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function groupsOf(half: string): string[] {
  return half === '' ? [] : half.split(':');
}
