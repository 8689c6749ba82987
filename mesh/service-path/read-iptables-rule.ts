import { parseRange } from '../interception/address-range.ts';
import type { IptablesRule, Match } from '../interception/ruleset.ts';
import type { Action, Condition, KubeRule } from './kube-rules.ts';
import { readNftParts } from './read-nft-rule.ts';

/** A rule of iptables, or one of nftables in iptables' words, as conditions and actions. */
export function readIptablesRule(rule: IptablesRule): KubeRule {
  const { table, chain, text, counters, matches } = rule;
  const conditions: Condition[] = [];
  const actions: Action[] = [];
  const recent = readRecent(matches);
  for (const match of matches) {
    if (match.module === 'recent') continue;
    const read = readMatch(match);
    conditions.push(...read.conditions);
    actions.push(...read.actions);
  }
  if (recent) (recent.kind === 'remember' ? actions : conditions).push(recent as never);
  const action = readTarget(rule);
  if (action) actions.push(action);
  const comment = matches.find(({ option }) => option === '--comment')?.values[0];
  return {
    table,
    chain,
    text,
    conditions,
    actions,
    ...(counters && { counters }),
    ...(comment !== undefined && { comment }),
  };
}

interface Parts {
  conditions: Condition[];
  actions: Action[];
}

function readMatch(match: Match): Parts {
  const { module, option, values, negated } = match;
  // What the translation of an nft rule could not say in options stands in the words of nft.
  if (option === '' && (module ?? '') === '' && values.length > 0) return readNftParts(values.join(' '));
  const condition = readCondition(match);
  if (condition) return { conditions: [condition], actions: [] };
  if (isSilent(match)) return { conditions: [], actions: [] };
  const text = [negated ? '!' : '', module ? `-m ${module}` : '', option, ...values].filter(Boolean).join(' ');
  return { conditions: [{ kind: 'unknown', text, negated: false }], actions: [] };
}

const silentModules = new Set(['tcp', 'udp', 'sctp', 'comment', 'nfacct', 'dccp', 'udplite']);
const silentOptions = new Set(['--comment', '--nfacct-name', '--mode', '--packet']);

function isSilent({ module = '', option }: Match): boolean {
  return silentOptions.has(option) || (option === '' && silentModules.has(module));
}

function readCondition({ module, option, values, negated }: Match): Condition | undefined {
  const [value = ''] = values;
  switch (option) {
    case '-p':
      return { kind: 'protocol', names: value.split(','), negated };
    case '-s':
    case '-d': {
      const ranges = value.split(',').map(parseRange);
      if (ranges.some((range) => !range)) return undefined;
      return {
        kind: option === '-s' ? 'source' : 'destination',
        ranges: ranges.filter((range) => range !== undefined),
        negated,
      };
    }
    case '-i':
      return { kind: 'interface', name: value, negated };
    case '--dport':
    case '--dports':
      return {
        kind: 'port',
        ports: value.split(',').map((each) => readPorts(each)),
        negated,
      };
    case '--dst-type':
    case '--src-type':
      return value === 'LOCAL'
        ? { kind: option === '--dst-type' ? 'destination-local' : 'source-local', negated }
        : undefined;
    case '--ctstate':
    case '--state':
      return { kind: 'state', states: value.split(','), negated };
    case '--mark': {
      if (module !== 'mark') return undefined;
      const [number = '0', mask = '0xffffffff'] = value.split('/');
      return { kind: 'mark', value: Number(number), mask: Number(mask), negated };
    }
    case '--probability':
      return { kind: 'chance', probability: Number(value), negated };
    case '--every':
      return { kind: 'chance', probability: 1 / Number(value), negated };
    default:
      return undefined;
  }
}

function readPorts(written: string): [number, number] {
  const [first = '', last = first] = written.split(/[:-]/);
  return [Number(first), Number(last)];
}

/** `-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-X` asks, `-m recent --set --name KUBE-SEP-X` writes. */
function readRecent(matches: Match[]): Extract<Condition, { kind: 'affinity' }> | Action | undefined {
  const own = matches.filter(({ module }) => module === 'recent');
  const find = (name: string) => own.find(({ option }) => option === name);
  const list = find('--name')?.values[0];
  if (list === undefined) return undefined;
  if (find('--set')) return { kind: 'remember', list };
  const check = find('--rcheck') ?? find('--update');
  if (!check) return undefined;
  const seconds = find('--seconds')?.values[0];
  return { kind: 'affinity', list, negated: check.negated, ...(seconds !== undefined && { seconds: Number(seconds) }) };
}

function readTarget({ target, targetOptions, goto }: IptablesRule): Action | undefined {
  const value = (option: string) => targetOptions.find((each) => each.option === option)?.values[0];
  switch (target) {
    case undefined:
    case '':
      return undefined;
    case 'ACCEPT':
    case 'DROP':
    case 'REJECT':
    case 'RETURN':
      return { kind: target.toLowerCase() as 'accept' };
    case 'MASQUERADE':
      return { kind: 'masquerade' };
    case 'DNAT':
      return readDnat(value('--to-destination') ?? '');
    case 'MARK':
      return readMark(value('--set-xmark') ?? value('--set-mark'), value('--or-mark'));
    case 'LOG':
    case 'NFLOG':
    case 'CONNMARK':
    case 'CT':
    case 'TRACE':
    case 'NOTRACK':
      return undefined;
    default:
      return { kind: goto ? 'goto' : 'jump', chain: target };
  }
}

/** `10.88.0.2:8080`, `[fd00::2]:8080` */
export function readDnat(destination: string): Action {
  const [, address = '', port = '0'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(destination) ?? [];
  return { kind: 'dnat', address, port: Number(port) };
}

/** `--set-xmark V/M`: the bits of M are cleared, then V is xored in. */
function readMark(xmark: string | undefined, or: string | undefined): Action | undefined {
  if (or !== undefined) return { kind: 'mark', set: Number(or), clear: 0 };
  if (xmark === undefined) return undefined;
  const [value = '0', mask = '0xffffffff'] = xmark.split('/');
  return { kind: 'mark', set: Number(value), clear: Number(mask) };
}
