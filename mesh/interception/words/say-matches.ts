import * as l10n from '@vscode/l10n';
import { lookup } from '../lookup.ts';
import type { Match } from '../ruleset.ts';
import { sayMark } from './say-mark.ts';

/** The conditions of a rule in words, in its order: `the protocol is tcp, the destination port is not 15008`. */
export function sayMatches(matches: readonly Match[]): string[] {
  return matches.flatMap((match) => sayMatch(match, matches) ?? []);
}

function sayMatch(match: Match, all: readonly Match[]): string | undefined {
  const { module = '', option, values, negated } = match;
  const value = values.join(' ');
  if (whole.has(module))
    return all.find((each) => each.module === module) === match ? sayWhole(module, all) : undefined;
  if (unsaid.has(option)) return undefined;
  if (option === '') return sayModule(module, value, all);
  if (option === '--mark') {
    const subject = module === 'connmark' ? l10n.t('the mark of the connection') : l10n.t('the mark');
    return compare(subject, sayMark(value), negated);
  }
  const phrase = lookup(phrases, option)?.(values, negated);
  if (phrase !== undefined) return phrase;
  const subject = lookup(subjects, option)?.();
  if (subject !== undefined) return compare(subject, sayValue(option, value), negated);
  const written = [module, option, value].filter(Boolean).join(' ');
  return negated ? l10n.t('“{0}” does not hold', written) : l10n.t('“{0}” holds', written);
}

function compare(subject: string, value: string, negated: boolean): string {
  return negated ? l10n.t('{0} is not {1}', subject, value) : l10n.t('{0} is {1}', subject, value);
}

/** Comments are quoted apart; the others only say how another option of their module is meant. */
const unsaid = new Set([
  '--comment',
  ...['--mode', '--packet', '--algo', '--from', '--to', '--icase', '--name', '--rsource', '--rdest', '--mask'],
  ...['--hashlimit-mode', '--hashlimit-name', '--hashlimit-burst', '--hashlimit-htable-expire', '--hashlimit-srcmask'],
  ...['--connlimit-mask', '--connlimit-saddr', '--connlimit-daddr', '--connbytes-dir', '--connbytes-mode'],
  ...['--kerneltz', '--contiguous'],
  ...['--return-nomatch', '--limit-iface-in', '--limit-iface-out', '--strict'],
]);

const subjects: Record<string, () => string> = {
  '-p': () => l10n.t('the protocol'),
  '-s': () => l10n.t('the source'),
  '-d': () => l10n.t('the destination'),
  '-i': () => l10n.t('the incoming interface'),
  '-o': () => l10n.t('the outgoing interface'),
  '--dport': () => l10n.t('the destination port'),
  '--dports': () => l10n.t('the destination port'),
  '--sport': () => l10n.t('the source port'),
  '--sports': () => l10n.t('the source port'),
  '--ports': () => l10n.t('the source or destination port'),
  '--uid-owner': () => l10n.t('the user of the sending process'),
  '--gid-owner': () => l10n.t('the group of the sending process'),
  '--ctstate': () => l10n.t('the state of the connection'),
  '--state': () => l10n.t('the state of the connection'),
  '--ctstatus': () => l10n.t('the status of the connection'),
  '--ctproto': () => l10n.t('the protocol of the connection'),
  '--ctorigsrc': () => l10n.t('the original source of the connection'),
  '--ctorigdst': () => l10n.t('the original destination of the connection'),
  '--ctorigsrcport': () => l10n.t('the original source port of the connection'),
  '--ctorigdstport': () => l10n.t('the original destination port of the connection'),
  '--ctreplsrc': () => l10n.t('the source of the answers'),
  '--ctrepldst': () => l10n.t('the destination of the answers'),
  '--ctdir': () => l10n.t('the direction within the connection'),
  '--helper': () => l10n.t('the protocol helper of the connection'),
  '--src-type': () => l10n.t('the kind of source address'),
  '--dst-type': () => l10n.t('the kind of destination address'),
  '--src-range': () => l10n.t('the source'),
  '--dst-range': () => l10n.t('the destination'),
  '--mac-source': () => l10n.t('the MAC address of the sender'),
  '--icmp-type': () => l10n.t('the ICMP type'),
  '--icmpv6-type': () => l10n.t('the ICMP type'),
  '--physdev-in': () => l10n.t('the bridge port it came in by'),
  '--physdev-out': () => l10n.t('the bridge port it goes out by'),
  '--pkt-type': () => l10n.t('the kind of packet'),
  '--tos': () => l10n.t('the type of service'),
  '--dscp': () => l10n.t('the DSCP class'),
  '--dscp-class': () => l10n.t('the DSCP class'),
  '--ttl-eq': () => l10n.t('the remaining number of hops'),
  '--hl-eq': () => l10n.t('the remaining number of hops'),
  '--length': () => l10n.t('the length in bytes'),
  '--tcp-option': () => l10n.t('an option of its TCP header'),
  '--mss': () => l10n.t('the maximum segment size'),
  '--weekdays': () => l10n.t('the day of the week'),
  '--monthdays': () => l10n.t('the day of the month'),
  '--cgroup': () => l10n.t('the cgroup class of the sender'),
  '--path': () => l10n.t('the cgroup of the sender'),
  '--realm': () => l10n.t('the routing realm'),
  '--cpu': () => l10n.t('the processor'),
  '--devgroup': () => l10n.t('the device group'),
  '--src-group': () => l10n.t('the device group it came in by'),
  '--dst-group': () => l10n.t('the device group it goes out by'),
  '--espspi': () => l10n.t('the IPsec index'),
  '--ahspi': () => l10n.t('the IPsec index'),
  '--vaddr': () => l10n.t('the virtual address of IPVS'),
  '--vport': () => l10n.t('the virtual port of IPVS'),
};

const addressKinds: Record<string, () => string> = {
  LOCAL: () => l10n.t('an own address of this machine or pod (LOCAL)'),
  BROADCAST: () => l10n.t('a broadcast address'),
  MULTICAST: () => l10n.t('a multicast address'),
  UNICAST: () => l10n.t('an ordinary address (UNICAST)'),
};

function sayValue(option: string, value: string): string {
  if (option === '--src-type' || option === '--dst-type') return lookup(addressKinds, value)?.() ?? value;
  return value.replace(/,(?=\S)/g, ', ');
}

type Phrase = (values: string[], negated: boolean) => string;

/** Either sentence, by whether the match is negated. */
function either(yes: () => string, no: () => string): Phrase {
  return (_, negated) => (negated ? no() : yes());
}

const phrases: Record<string, Phrase> = {
  '-f': either(
    () => l10n.t('it is a second or later fragment'),
    () => l10n.t('it is no second or later fragment'),
  ),
  '--socket-exists': either(
    () => l10n.t('a process on this machine has sent it'),
    () => l10n.t('no process on this machine has sent it'),
  ),
  '--match-set': ([set = '', by = ''], negated) => {
    const where = by.split(',').map((each) => (each === 'src' ? l10n.t('source') : l10n.t('destination')));
    return negated
      ? l10n.t('the {0} is not in the set {1}', where.join(', '), set)
      : l10n.t('the {0} is in the set {1}', where.join(', '), set);
  },
  '--tcp-flags': ([mask = '', set = ''], negated) => {
    if (mask === 'FIN,SYN,RST,ACK' && set === 'SYN')
      return negated ? l10n.t('it does not open a TCP connection') : l10n.t('it opens a TCP connection');
    return negated
      ? l10n.t('of the TCP flags {0} not exactly {1} are set', mask, set)
      : l10n.t('of the TCP flags {0} exactly {1} are set', mask, set);
  },
  '--syn': either(
    () => l10n.t('it opens a TCP connection'),
    () => l10n.t('it does not open a TCP connection'),
  ),
  '--probability': ([share = ''], negated) => {
    const percent = (Number(share) * 100).toFixed(1).replace(/\.0$/, '');
    return negated
      ? l10n.t('chance does not choose it (it chooses {0} %)', percent)
      : l10n.t('chance chooses it ({0} % of them)', percent);
  },
  '--every': ([number = ''], negated) =>
    negated ? l10n.t('it is not the one in every {0}', number) : l10n.t('it is one in every {0}', number),
  '--limit': ([rate = '']) => l10n.t('no more than {0} came', rate),
  '--limit-burst': ([number = '']) => l10n.t('up to {0} at once', number),
  '--hashlimit-upto': ([rate = '']) => l10n.t('no more than {0} came from the same sender or receiver', rate),
  '--hashlimit-above': ([rate = '']) => l10n.t('more than {0} came from the same sender or receiver', rate),
  '--connlimit-above': ([number = ''], negated) =>
    negated
      ? l10n.t('the client has no more than {0} connections', number)
      : l10n.t('the client has more than {0} connections', number),
  '--connlimit-upto': ([number = '']) => l10n.t('the client has no more than {0} connections', number),
  '--connbytes': ([range = ''], negated) =>
    negated
      ? l10n.t('the connection has not carried {0}', range)
      : l10n.t('the connection has carried {0} (bytes or packets)', range),
  '--quota': ([bytes = '']) => l10n.t('the first {0} bytes are not used up', bytes),
  '--quota2': ([bytes = '']) => l10n.t('the first {0} bytes are not used up', bytes),
  '--timestart': ([time = '']) => l10n.t('it is later than {0}', time),
  '--timestop': ([time = '']) => l10n.t('it is earlier than {0}', time),
  '--datestart': ([time = '']) => l10n.t('it is later than {0}', time),
  '--datestop': ([time = '']) => l10n.t('it is earlier than {0}', time),
  '--string': ([text = ''], negated) =>
    negated ? l10n.t('it does not contain “{0}”', text) : l10n.t('it contains “{0}”', text),
  '--hex-string': ([text = ''], negated) =>
    negated ? l10n.t('it does not contain “{0}”', text) : l10n.t('it contains “{0}”', text),
  '--ttl-lt': ([hops = '']) => l10n.t('fewer than {0} hops remain', hops),
  '--ttl-gt': ([hops = '']) => l10n.t('more than {0} hops remain', hops),
  '--hl-lt': ([hops = '']) => l10n.t('fewer than {0} hops remain', hops),
  '--hl-gt': ([hops = '']) => l10n.t('more than {0} hops remain', hops),
  '--physdev-is-bridged': either(
    () => l10n.t('a bridge passes it on'),
    () => l10n.t('no bridge passes it on'),
  ),
  '--physdev-is-in': either(
    () => l10n.t('it came in by a bridge port'),
    () => l10n.t('it did not come in by a bridge port'),
  ),
  '--physdev-is-out': either(
    () => l10n.t('it goes out by a bridge port'),
    () => l10n.t('it does not go out by a bridge port'),
  ),
  '--set': either(
    () => l10n.t('its address is noted down'),
    () => l10n.t('its address could not be noted down'),
  ),
  '--rcheck': either(
    () => l10n.t('its address was noted down before'),
    () => l10n.t('its address was not noted down before'),
  ),
  '--update': either(
    () => l10n.t('its address was noted down before, and is noted anew'),
    () => l10n.t('its address was not noted down before'),
  ),
  '--remove': either(
    () => l10n.t('its address was noted down before, and is struck out'),
    () => l10n.t('its address was not noted down before'),
  ),
  '--seconds': ([seconds = '']) => l10n.t('that was within {0} seconds', seconds),
  '--hitcount': ([number = '']) => l10n.t('that was at least {0} times', number),
  '--bytecode': () => l10n.t('a BPF program takes it'),
  '--object-pinned': () => l10n.t('a BPF program takes it'),
  '--u32': ([test = '']) => l10n.t('its bytes meet {0}', test),
  '--ipvs': either(
    () => l10n.t('IPVS handles it'),
    () => l10n.t('IPVS does not handle it'),
  ),
  '--dir': ([direction = '']) =>
    direction === 'in' ? l10n.t('by how it was decrypted') : l10n.t('by how it will be encrypted'),
  '--pol': ([policy = '']) =>
    policy === 'ipsec' ? l10n.t('IPsec is used for it') : l10n.t('IPsec is not used for it'),
};

/** Modules that add nothing when they stand without options: `-p tcp -m tcp`. */
const silent = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmp6', 'icmpv6', 'comment', '']);

/** Modules that ask one question, whatever their options. */
const whole = new Set(['socket', 'rpfilter']);

function sayWhole(module: string, all: readonly Match[]): string {
  if (module === 'socket') return l10n.t('a process here has a socket for it');
  return all.some(({ option }) => option === '--invert')
    ? l10n.t('the way back to its source does not lead through the interface it came by')
    : l10n.t('the way back to its source leads through the interface it came by');
}

function sayModule(module: string, value: string, all: readonly Match[]): string | undefined {
  if (silent.has(module) && value === '') return undefined;
  switch (module) {
    case 'physdev':
    case 'set':
    case 'conntrack':
    case 'statistic':
    case 'limit':
    case 'recent':
    case 'time':
    case 'addrtype':
    case 'multiport':
    case 'owner':
    case 'mark':
    case 'connmark':
      // With options these are said by them; nft shows some of them without.
      return all.some((other) => other.module === module && other.option !== '')
        ? undefined
        : l10n.t('a condition of {0} holds that this format does not show', module);
  }
  return module === '' ? l10n.t('“{0}” holds', value) : l10n.t('“{0}” holds', `${module} ${value}`.trim());
}
