import { lookup } from './lookup.ts';
import { protocolNumber } from './protocols.ts';
import type { Counters, IptablesChain, IptablesRule, Match } from './ruleset.ts';

/** How a listing of `iptables -L` was asked for, seen from its heading and its rows. */
export interface ListLayout {
  /** `--line-numbers` */
  numbers: boolean;
  /** `-v` */
  verbose: boolean;
  /** `-x` */
  exact: boolean;
  /** `6` instead of `tcp`, as since 1.8.9. */
  numericProtocols: boolean;
  family: '4' | '6';
}

/** The layout of a listing from the line with the names of its columns, and its rows. */
export function readListLayout(heading: string, rows: string, family: '4' | '6'): ListLayout {
  return {
    numbers: heading.startsWith('num'),
    verbose: /\bpkts\b/.test(heading),
    exact: /(?:^|^num {2}) {4}pkts {6}bytes/.test(heading),
    numericProtocols: !/\s!?(?:tcp|udp|all|icmp|ipv6-icmp)\s+(?:--|-f|!f)\s/.test(rows),
    family,
  };
}

/** The line with the names of the columns. */
export function printColumns({ numbers, verbose, exact }: ListLayout): string {
  const counts = exact ? '    pkts      bytes ' : ' pkts bytes ';
  const interfaces = verbose ? ' in     out    ' : '';
  return `${numbers ? 'num  ' : ''}${verbose ? counts : ''}target     prot opt${interfaces} source               destination         `;
}

/** `Chain OUTPUT (policy ACCEPT 12 packets, 720 bytes)` */
export function printChainHeading(chain: IptablesChain, { verbose, exact }: ListLayout, references: number): string {
  if (chain.policy === undefined) return `Chain ${chain.name} (${references} references)`;
  const { packets, bytes } = chain.counters ?? { packets: 0, bytes: 0 };
  const count = (number: number) => (exact ? String(number) : shortCount(number).trim());
  const counted = verbose ? ` ${count(packets)} packets, ${count(bytes)} bytes` : '';
  return `Chain ${chain.name} (policy ${chain.policy}${counted})`;
}

/** A rule as a row of `iptables -L -n`, to the column as iptables 1.8.9 prints it. */
export function printListRow(rule: IptablesRule, number: number, layout: ListLayout): string {
  const { numbers, verbose, family } = layout;
  const all = family === '6' ? '::/0' : '0.0.0.0/0';
  const basic = (option: string) => rule.matches.find((match) => !match.module && match.option === option);
  const address = (option: string) => {
    const found = basic(option);
    const shown = (found?.values[0] ?? all).replace(family === '6' ? /\/128$/ : /\/32$/, '');
    return `${found?.negated ? '!' : ' '}${shown.padEnd(19)} `;
  };
  const device = (option: string) => {
    const found = basic(option);
    return `${found?.negated ? '!' : ''}${found?.values[0] ?? '*'}`.padEnd(6);
  };
  const fragment = basic('-f');
  return [
    numbers ? `${String(number).padEnd(4)} ` : '',
    verbose ? printCounts(rule.counters, layout) : '',
    // The old target is listed under its successor's name.
    `${(rule.target === 'NOTRACK' ? 'CT' : (rule.target ?? '')).padEnd(9)} `,
    printProtocol(basic('-p'), layout),
    fragment ? (fragment.negated ? '!f ' : '-f ') : '-- ',
    verbose ? ` ${device('-i')} ${device('-o')} ` : '',
    address('-s'),
    address('-d'),
    rule.goto ? '[goto] ' : '',
    printExtras(rule),
  ].join('');
}

const numberColumn = /^(?=\d)(?:\d{5,} |[\d ]{5})/;

/** Puts another number before a row. */
export function renumberRow(row: string, number: number): string {
  return row.replace(numberColumn, `${String(number).padEnd(4)} `);
}

/** The same row with other counters. */
export function recountRow(row: string, counters: Counters | undefined, layout: ListLayout): string {
  if (!layout.verbose) return row;
  const number = layout.numbers ? (numberColumn.exec(row)?.[0] ?? '') : '';
  return number + row.slice(number.length).replace(/^\s*\d+[KMGTP]?\s+\d+[KMGTP]? /, printCounts(counters, layout));
}

function printProtocol(match: Match | undefined, { numericProtocols }: ListLayout): string {
  const name = match?.values[0];
  const shown = numericProtocols ? (name === undefined ? '0' : protocolNumber(name)) : (name ?? 'all');
  return `${match?.negated ? '!' : ' '}${shown.padEnd(4)} `;
}

function printCounts({ packets, bytes }: Counters = { packets: 0, bytes: 0 }, { exact }: ListLayout): string {
  return exact
    ? `${String(packets).padStart(8)} ${String(bytes).padStart(8)} `
    : `${shortCount(packets)} ${shortCount(bytes)} `;
}

/** As iptables shortens: thousands from 100,000 on, millions from 10,000 thousands on. */
function shortCount(count: number): string {
  if (count <= 99_999) return String(count).padStart(5);
  let shown = count;
  for (const unit of ['K', 'M', 'G']) {
    shown = Math.floor((shown + 500) / 1000);
    if (shown <= 9999) return `${String(shown).padStart(4)}${unit}`;
  }
  return `${String(Math.floor((shown + 500) / 1000)).padStart(4)}T`;
}

/** What matches and target say for people; of those whose words are not known, their options. */
function printExtras({ matches, target, targetOptions }: IptablesRule): string {
  const words: string[] = [];
  matches.forEach((match, at) => {
    if (match.module === undefined) return;
    if (match.option === '--limit-burst') return;
    if (match.option === '--limit') {
      const burst = matches.find(({ option }) => option === '--limit-burst')?.values[0] ?? '5';
      words.push(`limit: avg ${match.values.join(' ')} burst ${burst}`);
      return;
    }
    const opens = at === 0 || matches[at - 1]?.module !== match.module;
    if (opens && portModules.has(match.module)) words.push(match.module);
    words.push(printMatch(match, opens));
  });
  const options = [targetOptions.flatMap(({ option, values }) => [option, ...values]).join(' ')];
  words.push(printTarget(target ?? '', targetOptions) ?? options.join(' '));
  return words
    .filter((word) => word !== '')
    .map((word) => ` ${word}`)
    .join('');
}

const portModules = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp']);

function printMatch({ module = '', option, values, negated }: Match, opens: boolean): string {
  const not = negated ? '! ' : '';
  const tight = negated ? '!' : '';
  const value = values.join(' ');
  switch (`${module} ${option}`) {
    case 'comment --comment':
      return `/* ${value} */`;
    case 'owner --uid-owner':
      return `${not}owner UID match ${value}`;
    case 'owner --gid-owner':
      return `${not}owner GID match ${value}`;
    case 'owner --socket-exists':
      return `${not}owner socket exists`;
    case 'mark --mark':
      return `mark match ${not}${value}`;
    case 'connmark --mark':
      return `connmark match ${not || ' '}${value}`;
    case 'pkttype --pkt-type':
      return `PKTTYPE ${tight}= ${value}`;
    case 'iprange --src-range':
      return `source IP range ${not}${value}`;
    case 'iprange --dst-range':
      return `destination IP range ${not}${value}`;
    case 'statistic --mode':
      return `statistic mode ${value}`;
    case 'statistic --probability':
      return `${not}probability ${value}`;
    case 'statistic --every':
      return `${not}every ${value}`;
    case 'statistic --packet':
      return value === '0' ? '' : `packet ${value}`;
    case 'conntrack --ctstate':
    case 'state --state':
      return `${not}${option.slice(2)} ${value}`;
    case 'multiport --dports':
    case 'multiport --sports':
    case 'multiport --ports':
      return `multiport ${option.slice(2)} ${tight ? ` ${tight}` : ''}${value}`;
    case 'addrtype --dst-type':
    case 'addrtype --src-type':
      return `${opens ? 'ADDRTYPE match ' : ''}${option.slice(2)} ${tight}${value}`;
    case 'set --match-set':
      return `${not}match-set ${value}`;
    case 'tcp --tcp-flags':
      return `flags:${tight}${flagBits(values[0])}/${flagBits(values[1])}`;
    case 'icmp --icmp-type':
    case 'icmp6 --icmpv6-type': {
      const [type = '', code] = value.split('/');
      return `${module === 'icmp' ? 'icmp' : 'ipv6-icmp'}type ${tight}${type}${code === undefined ? '' : ` code ${code}`}`;
    }
  }
  if (portModules.has(module) && (option === '--dport' || option === '--sport'))
    return `${option.slice(2, 3)}pt${value.includes(':') ? 's' : ''}:${tight}${value}`;
  if (module === 'socket') return opens ? `socket${option ? ` ${option}` : ''}` : option;
  if (module === 'conntrack') return `${not}${option.slice(2)} ${value}`;
  if (option === '') return portModules.has(module) ? '' : module === '' ? value : `-m ${module}`;
  return `${opens && module !== '' ? `-m ${module} ` : ''}${not}${option}${value === '' ? '' : ` ${value}`}`;
}

const flagBit: Record<string, number> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };

function flagBits(names = ''): string {
  const bits = names.split(',').reduce((sum, name) => sum | (name === 'ALL' ? 63 : (lookup(flagBit, name) ?? 0)), 0);
  return `0x${bits.toString(16).padStart(2, '0').toUpperCase()}`;
}

function printTarget(target: string, options: Match[]): string | undefined {
  const value = (name: string) => options.find(({ option }) => option === name)?.values[0];
  const random = options.some(({ option }) => option === '--random') ? ' random' : '';
  const [first] = options;
  if (target === 'LOG') return printLog(options, value);
  if (target === 'NOTRACK') return 'NOTRACK';
  if (!first) return '';
  switch (target) {
    case 'MASQUERADE':
      return value('--to-ports') === undefined ? undefined : `masq ports: ${value('--to-ports')}${random}`;
    case 'NETMAP':
      return `to:${first.values[0] ?? ''}`;
    case 'REDIRECT':
      return value('--to-ports') === undefined ? random.trim() : `redir ports ${value('--to-ports')}${random}`;
    case 'DNAT':
      return `to:${value('--to-destination') ?? ''}${random}`;
    case 'SNAT':
      return `to:${value('--to-source') ?? ''}${random}`;
    case 'MARK':
    case 'CONNMARK':
      return printMark(target, first, value);
    case 'TPROXY':
      return `TPROXY redirect ${value('--on-ip') ?? ''}:${value('--on-port') ?? ''} mark ${value('--tproxy-mark') ?? '0x0/0x0'}`;
    case 'REJECT':
      return `reject-with ${first.values[0] ?? ''}`;
    case 'CT':
      return value('--zone') !== undefined && options.length === 1
        ? `CT zone ${value('--zone')}`
        : first.option === '--notrack'
          ? 'CT notrack'
          : undefined;
    default:
      return undefined;
  }
}

const logBits: Record<string, number> = {
  '--log-tcp-sequence': 1,
  '--log-tcp-options': 2,
  '--log-ip-options': 4,
  '--log-uid': 8,
  '--log-macdecode': 32,
};

function printLog(options: Match[], value: (name: string) => string | undefined): string {
  const flags = options.reduce((sum, { option }) => sum | (lookup(logBits, option) ?? 0), 0);
  const prefix = value('--log-prefix');
  return `LOG flags ${flags} level ${value('--log-level') ?? '4'}${prefix === undefined ? '' : ` prefix "${prefix}"`}`;
}

function printMark(target: string, { option, values }: Match, value: (name: string) => string | undefined): string {
  if (option !== '--set-xmark') {
    const [nf = '', ct = ''] = [value('--nfmask') ?? '', value('--ctmask') ?? ''];
    const verb = option.replace(/^--|-mark$/g, '');
    const apart = verb === 'save' ? ` nfmask ${nf} ctmask ~${ct}` : ` ctmask ${ct} nfmask ~${nf}`;
    const masks = nf === '0xffffffff' && ct === nf ? '' : nf === ct ? ` mask ${nf}` : apart;
    return `CONNMARK ${verb}${masks}`;
  }
  const [mark = '', mask = ''] = (values[0] ?? '').split('/');
  if (mask === '0xffffffff') return `${target} set ${mark}`;
  if (mark === '0x0') return `${target} and 0x${(~Number(mask) >>> 0).toString(16)}`;
  if (mark === mask) return `${target} or ${mark}`;
  if (mask === '0x0') return `${target} xor ${mark}`;
  return `${target} xset ${mark}/${mask}`;
}
