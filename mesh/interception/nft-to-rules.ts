import { hex, normalizeAddress, option, orderStates, setXmark } from './normalize-options.ts';
import type { NftExpression } from './nft-expressions.ts';
import { protocolName } from './protocols.ts';
import { buildRule } from './rule-line.ts';
import type { ModuleMatch, RuleParts } from './rule-line.ts';
import type { Counters, Family, IptablesRule, Match } from './ruleset.ts';
import { lookup } from './lookup.ts';

export interface NftPlace {
  table: string;
  chain: string;
  family: Family;
}

/** What one nft rule becomes, and the names of iptables extensions whose values nft does not show. */
export interface NftTranslation {
  rules: IptablesRule[];
  hidden: string[];
}

/**
 * The `-A` line for a rule of nftables. For a table of iptables-nft it is the line that `iptables-save` prints. For a
 * native table, which iptables cannot print, it is the equivalent line, with table and chains named as nft has them;
 * a rule that does two things (`meta mark set 0x539 accept`) becomes the two lines that iptables needs for it.
 */
export function translateNftRule(expressions: NftExpression[], place: NftPlace): NftTranslation {
  const draft = new Draft(place);
  for (const expression of expressions) draft.add(expression);
  return { rules: draft.rules(), hidden: draft.hidden };
}

interface Action {
  target: string;
  goto?: boolean;
  options: Match[];
}

class Draft {
  readonly hidden: string[] = [];
  readonly #place: NftPlace;
  readonly #basics: Match[] = [];
  readonly #modules: ModuleMatch[] = [];
  readonly #actions: Action[] = [];
  #counters: Counters | undefined;

  constructor(place: NftPlace) {
    this.#place = place;
  }

  add(expression: NftExpression): void {
    switch (expression.kind) {
      case 'counter':
        this.#counters = { packets: expression.packets, bytes: expression.bytes };
        break;
      case 'comment':
        this.#module('comment', option('--comment', expression.text));
        break;
      case 'other':
        this.#asWritten(expression.text);
        break;
      case 'xt':
        this.#hide(expression.name, expression.type);
        break;
      case 'verdict':
        this.#verdict(expression.verdict, expression.chain);
        break;
      case 'set':
        this.#set(expression.key, expression.value);
        break;
      case 'statement':
        this.#statement(expression.name, expression.words);
        break;
      case 'match':
        this.#match(expression);
    }
  }

  rules(): IptablesRule[] {
    const parts: RuleParts = {
      table: this.#place.table,
      chain: this.#place.chain,
      basics: this.#basics,
      modules: this.#modules,
    };
    const actions = this.#actions.length ? this.#actions : [undefined];
    return actions.map((action) => {
      const each: RuleParts = action
        ? { ...parts, target: action.target, goto: action.goto ?? false, targetOptions: action.options }
        : parts;
      return buildRule(each, this.#counters);
    });
  }

  #match(match: Extract<NftExpression, { kind: 'match' }>): void {
    if (!this.#basic(match) && !this.#moduleMatch(match)) this.#asWritten(printMatch(match));
  }

  /** What iptables knows without a module: addresses, interfaces, protocol. */
  #basic({ key, operator, values, mask }: Extract<NftExpression, { kind: 'match' }>): boolean {
    const negated = operator === '!=';
    const name = lookup(basicKeys, key);
    if (name === undefined || mask !== undefined || (operator !== '==' && !negated)) return false;
    if (name === '-s' || name === '-d') {
      const [address = ''] = values;
      if (/\d-[\da-f]/.test(address)) {
        this.#module('iprange', { option: name === '-s' ? '--src-range' : '--dst-range', values, negated });
        return true;
      }
      const addresses = values.map((each) => normalizeAddress(each)).filter((each) => each !== undefined);
      if (addresses.length) this.#basics.push({ option: name, values: [addresses.join(',')], negated });
    } else if (name === '-p') {
      const names = values.map((each) => protocolName(each)).filter((each) => each !== undefined);
      if (names.length > 1) return false;
      this.#protocol(names[0] ?? '', negated);
    } else {
      if (values.length > 1) return false;
      this.#basics.push({ option: name, values: [(values[0] ?? '').replace(/\*$/, '+')], negated });
    }
    return true;
  }

  #protocol(name: string, negated = false): void {
    if (name !== '' && !this.#basics.some((basic) => basic.option === '-p'))
      this.#basics.push({ option: '-p', values: [name], negated });
  }

  #moduleMatch(match: Extract<NftExpression, { kind: 'match' }>): boolean {
    const { key, operator, values, mask } = match;
    const negated = operator === '!=';
    const [value = ''] = values;
    const port = /^(tcp|udp|udplite|sctp|dccp) ([sd]port)$/.exec(key);
    if (port && (operator === '==' || negated)) {
      const [, protocol = '', side = ''] = port;
      this.#protocol(protocol);
      const ports = values.map((each) => each.replace('-', ':'));
      if (ports.length > 1) this.#module('multiport', { option: `--${side}s`, values: [ports.join(',')], negated });
      else this.#module(protocol, { option: `--${side}`, values: ports, negated });
      return true;
    }
    switch (key) {
      case 'tcp flags': {
        this.#protocol('tcp');
        const flags = (list: string) =>
          list
            .toUpperCase()
            .split(/[,|]/)
            .sort((a, b) => flagOrder.indexOf(a) - flagOrder.indexOf(b))
            .join(',');
        this.#module('tcp', { option: '--tcp-flags', values: [flags(mask ?? value), flags(value)], negated });
        return true;
      }
      case 'skuid':
      case 'skgid':
        return this.#owner(key === 'skuid' ? '--uid-owner' : '--gid-owner', values, negated);
      case 'mark':
      case 'ct mark':
        this.#module(key === 'mark' ? 'mark' : 'connmark', {
          option: '--mark',
          values: [printMark(value, mask)],
          negated,
        });
        return true;
      case 'ct state':
        this.#module('conntrack', { option: '--ctstate', values: [orderStates(values.join(','))], negated });
        return true;
      case 'ct status':
        this.#module('conntrack', { option: '--ctstate', values: [value.toUpperCase()], negated });
        return true;
      case 'ct direction':
        this.#module('conntrack', { option: '--ctdir', values: [value.toUpperCase()], negated });
        return true;
      case 'fib daddr type':
      case 'fib saddr type':
        this.#module('addrtype', {
          option: key === 'fib daddr type' ? '--dst-type' : '--src-type',
          values: [values.join(',').toUpperCase()],
          negated,
        });
        return true;
      case 'random': {
        if (operator !== '<' || mask === undefined) return false;
        this.#module(
          'statistic',
          option('--mode', 'random'),
          option('--probability', (Number(value) / 2 ** 31).toFixed(11)),
        );
        return true;
      }
      case 'icmp type':
      case 'icmpv6 type': {
        const six = key === 'icmpv6 type';
        this.#protocol(six ? 'ipv6-icmp' : 'icmp');
        this.#module(six ? 'icmp6' : 'icmp', {
          option: six ? '--icmpv6-type' : '--icmp-type',
          values: [lookup(six ? icmp6Types : icmpTypes, value) ?? value],
          negated,
        });
        return true;
      }
      default: {
        const simple = lookup(simpleMatches, key);
        if (!simple || mask !== undefined || values.length > 1 || (operator !== '==' && !negated)) return false;
        this.#module(simple.module, { option: simple.option, values: [value.replace('-', ':')], negated });
        return true;
      }
    }
  }

  /** iptables has no sets of owners: *none of these* is several modules in one rule, *one of these* cannot be said. */
  #owner(name: string, values: string[], negated: boolean): boolean {
    if (values.length > 1 && !negated) return false;
    for (const value of values) this.#module('owner', { option: name, values: [value], negated });
    return true;
  }

  #module(module: string, ...options: Match[]): void {
    const last = this.#modules.at(-1);
    const shared =
      last?.module === module &&
      module !== 'comment' &&
      options.every(({ option: name }) => last.options.every((other) => other.option !== name));
    if (shared && last) last.options.push(...options);
    else this.#modules.push({ module, options });
  }

  #asWritten(text: string): void {
    this.#modules.push({ module: '', options: [option('', ...text.split(' '))] });
  }

  #hide(name: string, type: string): void {
    this.hidden.push(name);
    if (type === 'target') this.#actions.push({ target: name, options: [] });
    else this.#modules.push({ module: name, options: [] });
  }

  #verdict(verdict: string, chain: string | undefined): void {
    // `tproxy … meta mark set … accept` is one target in iptables.
    if (verdict === 'accept' && this.#actions.some(({ target }) => target === 'TPROXY')) return;
    this.#actions.push(
      chain === undefined
        ? { target: verdict.toUpperCase(), options: [] }
        : { target: chain, goto: verdict === 'goto', options: [] },
    );
  }

  #set(key: string, value: string): void {
    if (key === 'ct zone') {
      this.#actions.push({ target: 'CT', options: [option('--zone', value)] });
      return;
    }
    const target = key === 'meta mark' ? 'MARK' : key === 'ct mark' ? 'CONNMARK' : undefined;
    if (!target) {
      this.#asWritten(`${key} set ${value}`);
      return;
    }
    const copy =
      key === 'meta mark'
        ? /^ct mark(?: (?:and|&) (0x[0-9a-f]+))?$/.exec(value)
        : /^(?:meta )?mark(?: (?:and|&) (0x[0-9a-f]+))?$/.exec(value);
    if (copy) {
      const mask = copy[1] === undefined ? '0xffffffff' : hex(Number(copy[1]));
      this.#actions.push({
        target: 'CONNMARK',
        options: [
          option(key === 'meta mark' ? '--restore-mark' : '--save-mark'),
          option('--nfmask', mask),
          option('--ctmask', mask),
        ],
      });
      return;
    }
    const xmark = readMarkValue(value);
    const tproxy = this.#actions.find((action) => action.target === 'TPROXY');
    if (xmark === undefined) this.#asWritten(`${key} set ${value}`);
    else if (tproxy && target === 'MARK') tproxy.options.push(option('--tproxy-mark', xmark));
    else this.#actions.push({ target, options: [option('--set-xmark', xmark)] });
  }

  #statement(name: string, words: string[]): void {
    const flags = words
      .flatMap((word) => word.split(','))
      .map((word) => lookup(flagOptions, word))
      .filter((name) => name !== undefined)
      .map((name) => option(name));
    const to = words[words.indexOf('to') + 1];
    const destination = words.includes('to') && to !== undefined ? to : '';
    switch (name) {
      case 'redirect':
      case 'masquerade':
        this.#actions.push({
          target: name.toUpperCase(),
          options: [...(destination === '' ? [] : [option('--to-ports', destination.replace(/^:/, ''))]), ...flags],
        });
        break;
      case 'snat':
      case 'dnat':
        this.#actions.push({
          target: name.toUpperCase(),
          options: [option(name === 'snat' ? '--to-source' : '--to-destination', destination), ...flags],
        });
        break;
      case 'tproxy': {
        const [, ip = '', port = ''] = /^(.*?):?(\d+)?$/.exec(destination.replace(/^\[(.*)\]/, '$1')) ?? [];
        this.#actions.push({
          target: 'TPROXY',
          options: [
            option('--on-port', port),
            option('--on-ip', ip || (this.#place.family === '6' || words.includes('ip6') ? '::' : '0.0.0.0')),
          ],
        });
        break;
      }
      case 'reject':
        this.#actions.push({
          target: 'REJECT',
          options: [option('--reject-with', rejectKind(words, this.#place.family))],
        });
        break;
      case 'notrack':
        this.#actions.push({ target: 'CT', options: [option('--notrack')] });
        break;
      case 'log':
        this.#actions.push(logAction(words));
        break;
      case 'limit':
        this.#limit(words);
    }
  }

  /** `limit rate 5/minute burst 5 packets` */
  #limit(words: string[]): void {
    const rate = /^(\d+)\/(second|minute|hour|day)$/.exec(words[words.indexOf('rate') + 1] ?? '');
    if (!rate || words.includes('over')) {
      this.#asWritten(`limit ${words.join(' ')}`);
      return;
    }
    const burst = words.includes('burst') ? words[words.indexOf('burst') + 1] : undefined;
    this.#module(
      'limit',
      option('--limit', `${rate[1] ?? ''}/${lookup(perUnit, rate[2] ?? '') ?? ''}`),
      ...(burst === undefined || burst === '5' ? [] : [option('--limit-burst', burst)]),
    );
  }
}

const basicKeys: Record<string, string> = {
  'ip saddr': '-s',
  'ip daddr': '-d',
  'ip6 saddr': '-s',
  'ip6 daddr': '-d',
  iifname: '-i',
  iif: '-i',
  oifname: '-o',
  oif: '-o',
  l4proto: '-p',
  'ip protocol': '-p',
  'ip6 nexthdr': '-p',
};
const simpleMatches: Record<string, { module: string; option: string }> = {
  length: { module: 'length', option: '--length' },
  cgroup: { module: 'cgroup', option: '--cgroup' },
  pkttype: { module: 'pkttype', option: '--pkt-type' },
  'ether saddr': { module: 'mac', option: '--mac-source' },
  'ip ttl': { module: 'ttl', option: '--ttl-eq' },
  'ip6 hoplimit': { module: 'hl', option: '--hl-eq' },
  'ct zone': { module: 'conntrack', option: '--ctzone' },
};
const flagOptions: Record<string, string> = {
  random: '--random',
  'fully-random': '--random-fully',
  persistent: '--persistent',
};
const perUnit: Record<string, string> = { second: 'sec', minute: 'min', hour: 'hour', day: 'day' };
const flagOrder = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG'];
const icmpTypes: Record<string, string> = {
  'echo-reply': '0',
  'destination-unreachable': '3',
  redirect: '5',
  'echo-request': '8',
  'time-exceeded': '11',
  'parameter-problem': '12',
};
const icmp6Types: Record<string, string> = {
  'destination-unreachable': '1',
  'packet-too-big': '2',
  'time-exceeded': '3',
  'parameter-problem': '4',
  'echo-request': '128',
  'echo-reply': '129',
  'nd-router-solicit': '133',
  'nd-router-advert': '134',
  'nd-neighbor-solicit': '135',
  'nd-neighbor-advert': '136',
};
const logLevels = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

function printMark(value: string, mask: string | undefined): string {
  return mask === undefined ? hex(Number(value)) : `${hex(Number(value))}/${hex(Number(mask))}`;
}

/**
 * `0x53a`, `mark or 0x4`, `meta mark & 0xfffff000 | 0x111`, and `mark and 0xfffff000 xor 0x539` (also with xor first, as
 * iptables-nft prints it for connection marks) → value and mask of `--set-xmark`.
 */
function readMarkValue(written: string): string | undefined {
  const steps = [...written.matchAll(/(and|or|xor|&|\||\^) (0x[0-9a-f]+|\d+)/gi)].map(([, verb = '', number]) => ({
    verb,
    number: Number(number),
  }));
  const plain = /^(0x[0-9a-f]+|\d+)$/i.exec(written);
  if (plain) return setXmark('set', written);
  if (!/^(?:meta |ct )?mark /.test(written) || steps.length === 0) return undefined;
  const one = (...names: string[]) => steps.find(({ verb }) => names.includes(verb))?.number;
  const and = one('and', '&');
  const or = one('or', '|');
  const xor = one('xor', '^');
  if (and === undefined) return setXmark(or === undefined ? 'xor' : 'or', hex(or ?? xor ?? 0));
  if (or !== undefined) return `${hex(or)}/${hex((~and | or) >>> 0)}`;
  return xor === undefined ? setXmark('and', hex(and)) : `${hex(xor)}/${hex(~and >>> 0)}`;
}

function rejectKind(words: string[], family: Family): string {
  if (words.includes('reset')) return 'tcp-reset';
  const six = words.includes('icmpv6') || family === '6';
  const kind = words.find((word) => word.includes('-')) ?? 'port-unreachable';
  return `${six ? 'icmp6' : 'icmp'}-${kind}`;
}

function logAction(words: string[]): Action {
  const after = (name: string) => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined);
  const prefix = after('prefix');
  const group = after('group');
  const level = after('level');
  if (group !== undefined)
    return {
      target: 'NFLOG',
      options: [
        ...(prefix === undefined ? [] : [option('--nflog-prefix', prefix)]),
        ...(group === '0' ? [] : [option('--nflog-group', group)]),
      ],
    };
  const number = level === undefined ? -1 : logLevels.indexOf(level);
  return {
    target: 'LOG',
    options: [
      ...(prefix === undefined ? [] : [option('--log-prefix', prefix)]),
      ...(number < 0 || number === 4 ? [] : [option('--log-level', String(number))]),
    ],
  };
}

function printMatch({ key, mask, operator, values }: Extract<NftExpression, { kind: 'match' }>): string {
  const value = values.length > 1 ? `{ ${values.join(', ')} }` : (values[0] ?? '');
  return [
    key,
    ...(mask === undefined ? [] : ['&', mask]),
    ...(operator === '==' && mask === undefined ? [] : [operator]),
    value,
  ].join(' ');
}
