import { protocolName } from './protocols.ts';
import { buildRule, plainWords } from './rule-line.ts';
import type { ModuleMatch, RuleParts } from './rule-line.ts';
import { normalizeAddress, normalizeMatch, normalizeTargetOptions } from './normalize-options.ts';
import type { Counters, IptablesRule, Match } from './ruleset.ts';
import { lookup } from './lookup.ts';

/** One command of a rules file: `-A`, `-I`, `-N`, `-P`, … */
export interface RuleCommand {
  verb: 'append' | 'insert' | 'new-chain' | 'policy' | 'flush' | 'ignored';
  /** `-t nat`, when the line itself names it. */
  table?: string;
  chain: string;
  policy?: string;
  /** `-I CHAIN 2`: from 1. */
  position?: number;
  /** Several when `-s a,b` or `-d a,b` names a list, as iptables itself expands it. */
  rules: IptablesRule[];
}

interface Context {
  table: string;
  counters?: Counters;
  family: '4' | '6' | 'unknown';
  /** True: the line comes from `iptables-save` itself and is kept to the byte. */
  verbatim: boolean;
}

const verbs: Record<string, RuleCommand['verb']> = {
  '-A': 'append',
  '--append': 'append',
  '-I': 'insert',
  '--insert': 'insert',
  '-N': 'new-chain',
  '--new-chain': 'new-chain',
  '-P': 'policy',
  '--policy': 'policy',
  '-F': 'flush',
  '--flush': 'flush',
  '-X': 'ignored',
  '-Z': 'ignored',
};

const longBasics: Record<string, string> = {
  '--source': '-s',
  '--src': '-s',
  '--destination': '-d',
  '--dst': '-d',
  '--in-interface': '-i',
  '--out-interface': '-o',
  '--protocol': '-p',
  '--proto': '-p',
  '--fragment': '-f',
  '--jump': '-j',
  '--goto': '-g',
  '--match': '-m',
  '--table': '-t',
};

/** Options that a protocol brings along: `-p tcp --dport 80` means `-p tcp -m tcp --dport 80`. */
const protocolOptions = new Set([
  '--dport',
  '--sport',
  '--destination-port',
  '--source-port',
  '--tcp-flags',
  '--syn',
  '--tcp-option',
  '--icmp-type',
  '--icmpv6-type',
]);
const implicitModules: Record<string, string> = { 'ipv6-icmp': 'icmp6' };

/**
 * Reads one line of `iptables-save`, `iptables-restore`, `iptables -S`, or a whole `iptables …` command.
 * Undefined: not such a line. A hand-written line becomes the one that `iptables-save` would print; what nobody knows is kept.
 */
export function parseRuleLine(line: string, context: Context): RuleCommand | undefined {
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  const start = words.findIndex((word) => Object.hasOwn(verbs, word));
  if (start < 0 || (start > 0 && !/^(sudo|\S*ip6?tables[\w-]*|-t|--table|-w|-\d*)$/.test(words[0] ?? '')))
    return undefined;
  const verb = verbs[words[start]!]!;
  const chain = words[start + 1];
  const tableAt = words.findIndex((word) => word === '-t' || word === '--table');
  const table = tableAt >= 0 && tableAt < start ? words[tableAt + 1] : undefined;
  if (chain === undefined)
    return verb === 'flush' || verb === 'ignored' ? { verb: 'ignored', chain: '', rules: [] } : undefined;
  const command: RuleCommand = { verb, chain: unquote(chain), rules: [] };
  if (table !== undefined) command.table = table;
  let rest = words.slice(start + 2);
  if (verb === 'policy') {
    if (rest[0] !== undefined) command.policy = rest[0];
    return command;
  }
  if (verb === 'insert') {
    command.position = 1;
    if (/^\d+$/.test(rest[0] ?? '')) {
      command.position = Number(rest[0]);
      rest = rest.slice(1);
    }
  }
  if (verb !== 'append' && verb !== 'insert') return command;
  if (rest.some((word) => word === '-t' || word === '--table')) {
    const at = rest.findIndex((word) => word === '-t' || word === '--table');
    command.table = rest[at + 1] ?? context.table;
    rest = [...rest.slice(0, at), ...rest.slice(at + 2)];
  }
  const parts = readOptions(rest, {
    table: command.table ?? context.table,
    chain: command.chain,
    basics: [],
    modules: [],
  });
  if (!parts) return undefined;
  command.rules = finish(parts, line.trim(), words.slice(start), context);
  return command;
}

function finish(parts: RuleParts, line: string, words: string[], context: Context): IptablesRule[] {
  if (context.verbatim) return [buildRule(parts, context.counters, line)];
  const normalized = expandAddresses(parts).map((each) => normalize(each, context.family));
  const rules = normalized.map((each) => buildRule(each, context.counters));
  const [only] = rules;
  // Nothing had to be put right: keep the line's own quotes and spacing (`--nfacct-name  name` prints with two).
  const asWritten =
    line.startsWith('-A ') &&
    normalized.length === 1 &&
    plainWords(normalized[0]!).join(' ') === words.map(unquote).join(' ');
  return only && asWritten ? [withText(only, line)] : rules;
}

/** Only for a rule that nobody else has yet. */
function withText(rule: IptablesRule, text: string): IptablesRule {
  rule.text = text;
  return rule;
}

/** Splits the words after the chain into options. Undefined if a word stands where none can. */
function readOptions(words: string[], parts: RuleParts): RuleParts | undefined {
  let negated = false;
  let current: Match[] | undefined;
  const targetOptions: Match[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === '!') {
      negated = true;
      continue;
    }
    const option = lookup(longBasics, word) ?? word;
    if (!option.startsWith('-')) return undefined;
    const values: string[] = [];
    const single = takesOne.has(option);
    while (at + 1 < words.length && !isOption(words[at + 1]!) && !(single && values.length > 0)) {
      at++;
      // `-d ! 10.0.0.1`: the old way to negate, still accepted.
      if (words[at] !== '!') values.push(unquote(words[at]!));
      else if (values.length === 0 && !isOption(words[at + 1] ?? '-')) negated = true;
      else {
        at--;
        break;
      }
    }
    const value = values[0] ?? '';
    if (option === '-j' || option === '-g') {
      parts.target = value;
      parts.goto = option === '-g';
      parts.targetOptions = targetOptions;
      current = targetOptions;
    } else if (option === '-m') {
      const module: ModuleMatch = { module: value, options: [] };
      parts.modules.push(module);
      current = module.options;
    } else if (isBasic(option)) {
      parts.basics.push({ option, values, negated });
    } else {
      current = protocolOptions.has(option) ? optionsOfProtocol(parts, current) : current;
      if (!current) return undefined;
      current.push({ option, values, negated });
    }
    negated = false;
  }
  return parts;
}

const takesOne = new Set(['-j', '-g', '-m', '-s', '-d', '-i', '-o', '-p']);

function isBasic(option: string): boolean {
  return option === '-s' || option === '-d' || option === '-i' || option === '-o' || option === '-p' || option === '-f';
}

function isOption(word: string): boolean {
  return /^(-[a-zA-Z]|--[a-zA-Z])/.test(word);
}

/** Where `--dport` belongs: the module in hand if it is one of the protocol's, else the protocol's own, made when missing. */
function optionsOfProtocol(parts: RuleParts, current: Match[] | undefined): Match[] | undefined {
  const inHand = parts.modules.find(({ options }) => options === current);
  if (inHand && /^(tcp|udp|udplite|sctp|dccp|icmp|icmp6|multiport|mh)$/.test(inHand.module)) return current;
  const protocol = protocolName(parts.basics.find(({ option }) => option === '-p')?.values[0] ?? 'all');
  if (protocol === undefined) return current;
  const module = lookup(implicitModules, protocol) ?? protocol;
  const last = parts.modules.findLast((each) => each.module === module);
  if (last) return last.options;
  const made: ModuleMatch = { module, options: [] };
  parts.modules.push(made);
  return made.options;
}

/** `-s a,b -d c` is two rules for the kernel. */
function expandAddresses(parts: RuleParts): RuleParts[] {
  const list = parts.basics.find(
    ({ option, values, negated }) => (option === '-s' || option === '-d') && !negated && values[0]?.includes(','),
  );
  if (!list) return [parts];
  return list.values[0]!.split(',').flatMap((address) =>
    expandAddresses({
      ...parts,
      basics: parts.basics.map((each) => (each === list ? { ...each, values: [address] } : each)),
    }),
  );
}

function normalize(parts: RuleParts, family: '4' | '6' | 'unknown'): RuleParts {
  const basics = parts.basics.flatMap((basic): Match[] => {
    const value = basic.values[0] ?? '';
    if (basic.option === '-p') {
      const name = protocolName(value);
      return name === undefined ? [] : [{ ...basic, values: [name] }];
    }
    if (basic.option !== '-s' && basic.option !== '-d') return [basic];
    const address = normalizeAddress(value);
    return address === undefined ? [] : [{ ...basic, values: [address] }];
  });
  const modules = parts.modules.map(({ module, options }) => ({
    module,
    options: options.map((option) => normalizeMatch(module, option)),
  }));
  const normalized: RuleParts = { ...parts, basics, modules };
  if (parts.target !== undefined)
    normalized.targetOptions = normalizeTargetOptions(parts.target, parts.targetOptions ?? [], family);
  return normalized;
}

function unquote(word: string): string {
  return word.startsWith('"')
    ? word.slice(1, word.endsWith('"') && word.length > 1 ? -1 : undefined).replace(/\\(.)/g, '$1')
    : word;
}
