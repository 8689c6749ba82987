import { option, orderStates, setXmark } from './normalize-options.ts';
import type { ModuleMatch } from './rule-line.ts';
import type { Match } from './ruleset.ts';
import { lookup } from './lookup.ts';

/** What stands behind the addresses in a row of `iptables -L`. */
export interface ListExtras {
  modules: ModuleMatch[];
  goto: boolean;
  targetOptions: Match[];
  /** When the options show that the target has another name than the row says. */
  target?: string;
  /** What was not understood; it is also in `modules`, as written. */
  unread: string;
}

interface Reader {
  pattern: RegExp;
  read: (groups: string[], row: RowFacts) => Found | undefined;
}

interface RowFacts {
  protocol: string;
  target: string | undefined;
  family: '4' | '6';
}

type Found = { module: string; options: Match[] } | { targetOptions: Match[]; target?: string };

/**
 * Reads the words that each match and target prints for people back into options. The words of a target come last;
 * what no reader knows goes, as it was written, to the place in the rule where it stood.
 */
export function readExtras(
  written: string,
  target: string | undefined,
  protocol: string | undefined,
  family: '4' | '6',
): ListExtras {
  const result: ListExtras = { modules: [], goto: false, targetOptions: [], unread: '' };
  const row: RowFacts = { protocol: protocol ?? '', target, family };
  let rest = written;
  if (rest.startsWith('[goto]')) {
    result.goto = true;
    rest = rest.slice('[goto]'.length).trimStart();
  }
  while (rest !== '') {
    const step = readOne(rest, row);
    if (!step) {
      const word = /^\S+/.exec(rest)?.[0] ?? rest;
      addUnread(result, word);
      rest = rest.slice(word.length).trimStart();
      continue;
    }
    rest = rest.slice(step.length).trimStart();
    if ('module' in step.found) addModule(result.modules, step.found);
    else {
      result.targetOptions.push(...step.found.targetOptions);
      if (step.found.target !== undefined) result.target = step.found.target;
    }
  }
  return result;
}

function readOne(text: string, row: RowFacts): { found: Found; length: number } | undefined {
  for (const { pattern, read } of readers) {
    const match = pattern.exec(text);
    const found =
      match &&
      read(
        [...match].map((group) => group ?? ''),
        row,
      );
    if (match && found) return { found, length: match[0].length };
  }
  return undefined;
}

/** Options that follow each other and belong to one module share its `-m`, unless one would come twice. */
function addModule(modules: ModuleMatch[], { module, options }: { module: string; options: Match[] }): void {
  const last = modules.at(-1);
  const shared =
    last?.module === module &&
    options.length > 0 &&
    options.every(({ option: name }) => last.options.every((other) => other.option !== name));
  if (shared && last) last.options.push(...options);
  else modules.push({ module, options: [...options] });
}

function addUnread(result: ListExtras, word: string): void {
  result.unread = result.unread === '' ? word : `${result.unread} ${word}`;
  const last = result.modules.at(-1);
  if (last?.module === '') last.options[0]?.values.push(word);
  else result.modules.push({ module: '', options: [option('', word)] });
}

function negatable(name: string, written: string, ...more: string[]): Match {
  const negated = written.startsWith('!');
  return { option: name, values: [negated ? written.slice(1).trimStart() : written, ...more], negated };
}

const onlyFor =
  (targets: string, read: (groups: string[], row: RowFacts) => Match[] | undefined): Reader['read'] =>
  (groups, row) => {
    const targetOptions =
      row.target !== undefined && targets.split(' ').includes(row.target) ? read(groups, row) : undefined;
    return targetOptions && { targetOptions };
  };

const portModule = String.raw`(tcp|udp|udplite|sctp|dccp)`;

/** One line for each thing that iptables 1.4 – 1.8 prints. `pattern` is tried at the start of what is left. */
const readers: Reader[] = [
  // Matches.
  {
    pattern: /^\/\* (.*?) \*\/(?=\s|$)/,
    read: ([, text = '']) => ({ module: 'comment', options: [option('--comment', text)] }),
  },
  {
    pattern: new RegExp(`^${portModule}(?=( (spts?|dpts?):| flags:| option=|$| ))`),
    read: ([, module = '']) => ({ module, options: [] }),
  },
  {
    pattern: /^(spt|dpt)s?:(!?[\w-]+(?::[\w-]+)?)(?=\s|$)/,
    read: ([, side = '', ports = ''], { protocol }) => ({
      module: protocol,
      options: [
        negatable(
          side === 'dpt' ? '--dport' : '--sport',
          ports.replace(/[a-z][\w-]*/g, (name) => lookup(serviceNames, name) ?? name),
        ),
      ],
    }),
  },
  {
    pattern: /^flags:(!?)0x([0-9A-Fa-f]{2})\/0x([0-9A-Fa-f]{2})/,
    read: ([, not, mask = '', set = '']) => ({
      module: 'tcp',
      options: [{ option: '--tcp-flags', values: [tcpFlags(mask), tcpFlags(set)], negated: not === '!' }],
    }),
  },
  {
    pattern: /^option=(!?\d+)/,
    read: ([, number = '']) => ({ module: 'tcp', options: [negatable('--tcp-option', number)] }),
  },
  {
    pattern: /^multiport (sports|dports|ports)\s+(!?[\d,:]+)/,
    read: ([, side = '', ports = '']) => ({ module: 'multiport', options: [negatable(`--${side}`, ports)] }),
  },
  {
    pattern: /^(! )?owner (UID|GID) match (\S+)/,
    read: ([, not, kind = '', id = '']) => ({
      module: 'owner',
      options: [{ option: `--${kind.toLowerCase()}-owner`, values: [id], negated: not === '! ' }],
    }),
  },
  {
    pattern: /^(! )?owner socket exists/,
    read: ([, not]) => ({
      module: 'owner',
      options: [{ option: '--socket-exists', values: [], negated: not === '! ' }],
    }),
  },
  { pattern: /^incl\. suppl\. groups/, read: () => ({ module: 'owner', options: [option('--suppl-groups')] }) },
  {
    pattern: /^(mark|connmark) match\s+(! )?(0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)/i,
    read: ([, module = '', not, mark = '']) => ({
      module,
      options: [{ option: '--mark', values: [mark], negated: not === '! ' }],
    }),
  },
  {
    pattern: /^(MARK|CONNMARK) match (!?)(0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)/,
    read: ([, module = '', not, mark = '']) => ({
      module: module.toLowerCase(),
      options: [{ option: '--mark', values: [mark], negated: not === '!' }],
    }),
  },
  {
    pattern: /^(! )?(ctstate|state) ([A-Z,]+)/,
    read: ([, not, name = '', states = '']) => ({
      module: name === 'state' ? 'state' : 'conntrack',
      options: [{ option: `--${name}`, values: [orderStates(states)], negated: not === '! ' }],
    }),
  },
  {
    pattern:
      /^(! )?(ctproto|ctorigsrc|ctorigdst|ctreplsrc|ctrepldst|ctorigsrcport|ctorigdstport|ctreplsrcport|ctrepldstport|ctstatus|ctexpire|ctdir) (\S+)/,
    read: ([, not, name = '', value = '']) => ({
      module: 'conntrack',
      options: [{ option: `--${name}`, values: [value], negated: not === '! ' }],
    }),
  },
  {
    pattern:
      /^ADDRTYPE match\s+((?:(?:src|dst)-type !?[A-Z,]+|limit-(?:in|out))(?:\s+(?:(?:src|dst)-type !?[A-Z,]+|limit-(?:in|out)))*)/,
    read: ([, what = '']) => ({ module: 'addrtype', options: addressTypes(what) }),
  },
  {
    pattern: /^statistic mode (\w+) (!\s*)?probability ([\d.]+)/,
    read: ([, mode = '', not, chance = '']) => ({
      module: 'statistic',
      options: [option('--mode', mode), { option: '--probability', values: [chance], negated: not !== '' }],
    }),
  },
  {
    pattern: /^statistic mode nth (!\s*)?every (\d+)(?: packet (\d+))?/,
    read: ([, not, every = '', packet]) => ({
      module: 'statistic',
      options: [
        option('--mode', 'nth'),
        { option: '--every', values: [every], negated: not !== '' },
        option('--packet', packet || '0'),
      ],
    }),
  },
  {
    pattern: /^(! )?match-set (\S+) (\S+)/,
    read: ([, not, name = '', sides = '']) => ({
      module: 'set',
      options: [{ option: '--match-set', values: [name, sides], negated: not === '! ' }],
    }),
  },
  {
    pattern: /^socket((?: --[\w-]+)*)/,
    read: ([, flags = '']) => ({
      module: 'socket',
      options:
        flags.trim() === ''
          ? []
          : flags
              .trim()
              .split(' ')
              .map((flag) => option(flag)),
    }),
  },
  {
    pattern: /^(ipv6-icmp|icmp)type (!?\d+)(?: code (\d+))?/,
    read: ([, kind, type = '', code]) => icmpType(kind === 'ipv6-icmp', type, code),
  },
  {
    pattern: /^(ipv6-)?icmp( !)?type (\d+)(?: code (\d+))?/,
    read: ([, six, not, type = '', code]) => icmpType(six !== '', not === '' ? type : `!${type}`, code),
  },
  {
    pattern: /^limit: (up to|above|avg) (\S+) burst (\d+)/,
    read: ([, , rate = '', burst]) => ({
      module: 'limit',
      options: [option('--limit', rate), ...(burst === '5' ? [] : [option('--limit-burst', burst ?? '5')])],
    }),
  },
  {
    pattern: /^PHYSDEV match((?: !? ?--physdev-\S+(?: [^-!]\S*)?)+)/,
    read: ([, what = '']) => ({ module: 'physdev', options: dashed(what) }),
  },
  {
    pattern: /^(! )?(source|destination) IP range (! )?(\S+)/,
    read: ([, before, side, not, range = '']) => ({
      module: 'iprange',
      options: [
        {
          option: side === 'source' ? '--src-range' : '--dst-range',
          values: [range],
          negated: before !== '' || not !== '',
        },
      ],
    }),
  },
  {
    pattern: /^length (!?)(\d+(?::\d+)?)/,
    read: ([, not, length = '']) => ({
      module: 'length',
      options: [{ option: '--length', values: [length], negated: not === '!' }],
    }),
  },
  {
    pattern: /^TTL match TTL (==|!=|<|>) (\d+)/,
    read: ([, how = '', ttl = '']) => ({
      module: 'ttl',
      options: [
        {
          option: how === '<' ? '--ttl-lt' : how === '>' ? '--ttl-gt' : '--ttl-eq',
          values: [ttl],
          negated: how === '!=',
        },
      ],
    }),
  },
  {
    pattern: /^MAC (!\s*)?([0-9a-fA-F:]{17})/,
    read: ([, not, mac = '']) => ({
      module: 'mac',
      options: [{ option: '--mac-source', values: [mac.toLowerCase()], negated: not !== '' }],
    }),
  },
  {
    pattern: /^PKTTYPE (!?)= (\w+)/,
    read: ([, not, type = '']) => ({
      module: 'pkttype',
      options: [{ option: '--pkt-type', values: [type], negated: not === '!' }],
    }),
  },
  {
    pattern: /^cgroup (!\s*)?(\d+)/,
    read: ([, not, id = '']) => ({
      module: 'cgroup',
      options: [{ option: '--cgroup', values: [id], negated: not !== '' }],
    }),
  },
  {
    pattern: /^tos match\s*(!?)(0x[0-9a-f]+\/0x[0-9a-f]+)/,
    read: ([, not, tos = '']) => ({
      module: 'tos',
      options: [{ option: '--tos', values: [tos], negated: not === '!' }],
    }),
  },
  {
    pattern:
      /^recent: (SET|UPDATE|CHECK|REMOVE)((?: (?:seconds: \d+|hit_count: \d+|reap|TTL-Match))*) name: (\S+) side: (source|dest)(?: mask: (\S+))?/,
    read: (groups) => ({ module: 'recent', options: recent(groups) }),
  },
  {
    pattern: /^(! )?nfacct-name\s+(\S+)/,
    read: ([, , name = '']) => ({ module: 'nfacct', options: [option('--nfacct-name', name)] }),
  },
  // Targets: only in rows that name them, since some print a bare word such as `random`.
  {
    pattern: /^redir ports (\d+(?:-\d+)?)/,
    read: onlyFor('REDIRECT', ([, ports = '']) => [option('--to-ports', ports)]),
  },
  {
    pattern: /^masq ports: (\d+(?:-\d+)?)/,
    read: onlyFor('MASQUERADE', ([, ports = '']) => [option('--to-ports', ports)]),
  },
  {
    pattern: /^to:(\S+)/,
    read: onlyFor('SNAT DNAT', ([, to = ''], { target }) => [
      option(target === 'SNAT' ? '--to-source' : '--to-destination', to),
    ]),
  },
  { pattern: /^to:(\S+)/, read: onlyFor('NETMAP', ([, to = '']) => [option('--to', to)]) },
  {
    pattern: /^(random-fully|random|persistent)(?=\s|$)/,
    read: onlyFor('REDIRECT MASQUERADE SNAT DNAT', ([, flag = '']) => [option(`--${flag}`)]),
  },
  {
    pattern: /^TPROXY redirect (\S+):(\d+) mark (0x[0-9a-f]+\/0x[0-9a-f]+)/,
    read: onlyFor('TPROXY', ([, ip = '', port = '', mark = '']) => [
      option('--on-port', port),
      option('--on-ip', ip),
      option('--tproxy-mark', mark),
    ]),
  },
  {
    pattern: /^(?:MARK|CONNMARK) (set|xset|and|or|xor) (0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)/,
    read: onlyFor('MARK CONNMARK', ([, verb = '', value = '']) => [
      option('--set-xmark', setXmark(verb, value) ?? value),
    ]),
  },
  {
    pattern:
      /^CONNMARK (save|restore)(?: nfmask (0x[0-9a-f]+) ctmask ~?(0x[0-9a-f]+)| ctmask (0x[0-9a-f]+) nfmask ~?(0x[0-9a-f]+)| mask (0x[0-9a-f]+))?/,
    read: onlyFor('CONNMARK', ([, verb = '', nf, ct, ct2, nf2, both]) => [
      option(`--${verb}-mark`),
      option('--nfmask', nf || nf2 || both || '0xffffffff'),
      option('--ctmask', ct || ct2 || both || '0xffffffff'),
    ]),
  },
  {
    pattern: /^NOTRACK$/,
    read: (_, { target }) => (target === 'CT' ? { targetOptions: [], target: 'NOTRACK' } : undefined),
  },
  { pattern: /^CT notrack/, read: onlyFor('CT', () => [option('--notrack')]) },
  {
    pattern: /^(?:CT )?(zone|zone-orig|zone-reply|helper|ctevents|expevents|timeout|policy) (\S+)/,
    read: onlyFor('CT', ([, name = '', value = '']) => [option(`--${name}`, value)]),
  },
  { pattern: /^reject-with (\S+)/, read: onlyFor('REJECT', ([, kind = '']) => [option('--reject-with', kind)]) },
  {
    pattern: /^LOG flags (\d+) level (\d+)(?: prefix "(.*?)")?/,
    read: onlyFor('LOG', ([, flags = '', level = '', prefix = '']) => [
      ...(prefix === '' ? [] : [option('--log-prefix', prefix)]),
      ...(level === '4' ? [] : [option('--log-level', level)]),
      ...logFlags(Number(flags)),
    ]),
  },
  {
    pattern: /^nflog-prefix "?(.*?)"?(?= nflog-|$)/,
    read: onlyFor('NFLOG', ([, prefix = '']) => [option('--nflog-prefix', prefix)]),
  },
  {
    pattern: /^(nflog-(?:group|range|size|threshold)) (\d+)/,
    read: onlyFor('NFLOG', ([, name = '', value = '']) => [option(`--${name}`, value)]),
  },
  { pattern: /^TCPMSS clamp to PMTU/, read: onlyFor('TCPMSS', () => [option('--clamp-mss-to-pmtu')]) },
  { pattern: /^TCPMSS set (\d+)/, read: onlyFor('TCPMSS', ([, size = '']) => [option('--set-mss', size)]) },
  { pattern: /^DSCP set (0x[0-9a-f]+)/, read: onlyFor('DSCP', ([, value = '']) => [option('--set-dscp', value)]) },
  {
    pattern: /^TOS set (0x[0-9a-f]+\/0x[0-9a-f]+)/,
    read: onlyFor('TOS', ([, value = '']) => [option('--set-tos', value)]),
  },
  { pattern: /^TTL set to (\d+)/, read: onlyFor('TTL', ([, value = '']) => [option('--ttl-set', value)]) },
];

/** Listings without `-n` name the ports of /etc/services; these are the ones that meshes meet. */
const serviceNames: Record<string, string> = {
  ssh: '22',
  domain: '53',
  http: '80',
  https: '443',
  ldap: '389',
  mysql: '3306',
  postgresql: '5432',
  redis: '6379',
  'http-alt': '8080',
};

const flagNames: [number, string][] = [
  [0x01, 'FIN'],
  [0x02, 'SYN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
  [0x10, 'ACK'],
  [0x20, 'URG'],
];

/** `17` (hexadecimal) → `FIN,SYN,RST,ACK`. */
function tcpFlags(written: string): string {
  const bits = parseInt(written, 16);
  const names = flagNames.filter(([bit]) => bits & bit).map(([, name]) => name);
  return names.length ? names.join(',') : 'NONE';
}

function addressTypes(written: string): Match[] {
  return [...written.matchAll(/(src|dst)-type (!?)([A-Z,]+)|limit-(in|out)/g)].map(([, side, not, types, limit]) =>
    limit
      ? option(`--limit-iface-${limit}`)
      : { option: `--${side ?? ''}-type`, values: [types ?? ''], negated: not === '!' },
  );
}

function icmpType(six: boolean, written: string, code: string | undefined): Found {
  const match = negatable(six ? '--icmpv6-type' : '--icmp-type', written);
  if (code) match.values = [`${match.values[0] ?? ''}/${code}`];
  return { module: six ? 'icmp6' : 'icmp', options: [match] };
}

/** ` --physdev-in eth0 ! --physdev-is-bridged` */
function dashed(written: string): Match[] {
  return [...written.matchAll(/(! ?)?(--[\w-]+)(?: ([^-!\s]\S*))?/g)].map(([, not, name = '', value]) => ({
    option: name,
    values: value === undefined ? [] : [value],
    negated: not !== undefined,
  }));
}

const recentVerbs: Record<string, string> = { SET: '--set', UPDATE: '--update', CHECK: '--rcheck', REMOVE: '--remove' };

function recent([, verb = '', how = '', name = '', side, mask]: string[]): Match[] {
  const seconds = /seconds: (\d+)/.exec(how)?.[1];
  const hits = /hit_count: (\d+)/.exec(how)?.[1];
  return [
    option(lookup(recentVerbs, verb) ?? '--rcheck'),
    ...(seconds === undefined ? [] : [option('--seconds', seconds)]),
    ...(how.includes('reap') ? [option('--reap')] : []),
    ...(hits === undefined ? [] : [option('--hitcount', hits)]),
    ...(how.includes('TTL-Match') ? [option('--rttl')] : []),
    option('--name', name),
    ...(mask ? [option('--mask', mask)] : []),
    option(side === 'source' ? '--rsource' : '--rdest'),
  ];
}

const logFlagNames: [number, string][] = [
  [1, '--log-tcp-sequence'],
  [2, '--log-tcp-options'],
  [4, '--log-ip-options'],
  [8, '--log-uid'],
  [32, '--log-macdecode'],
];

function logFlags(flags: number): Match[] {
  return logFlagNames.filter(([bit]) => flags & bit).map(([, name]) => option(name));
}
