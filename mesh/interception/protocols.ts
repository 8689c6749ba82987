import { lookup } from './lookup.ts';

const protocolNames: Record<string, string> = {
  '1': 'icmp',
  '2': 'igmp',
  '4': 'ipencap',
  '6': 'tcp',
  '17': 'udp',
  '33': 'dccp',
  '41': 'ipv6',
  '47': 'gre',
  '50': 'esp',
  '51': 'ah',
  '58': 'ipv6-icmp',
  '89': 'ospf',
  '103': 'pim',
  '112': 'vrrp',
  '132': 'sctp',
  '135': 'mh',
  '136': 'udplite',
};

const aliases: Record<string, string> = { icmpv6: 'ipv6-icmp', icmp6: 'ipv6-icmp', 'ipv6-mh': 'mh' };

/** The number of a protocol, as `iptables -L -n` shows it since 1.8.9; of one without a name, what was written. */
export function protocolNumber(name: string): string {
  return Object.entries(protocolNames).find(([, known]) => known === name)?.[0] ?? name;
}

/**
 * The name that `iptables-save` prints for a protocol: since 1.8.9 `iptables -L -n` shows `6`, before it `tcp`, while
 * `-S` and save say `tcp` in all versions. `0` and `all` mean every protocol: undefined.
 */
export function protocolName(written: string): string | undefined {
  const name = written.toLowerCase();
  if (name === '0' || name === 'all') return undefined;
  return lookup(protocolNames, name) ?? lookup(aliases, name) ?? name;
}
