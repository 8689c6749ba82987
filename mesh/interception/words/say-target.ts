import * as l10n from '@vscode/l10n';
import { lookup } from '../lookup.ts';
import type { IptablesRule } from '../ruleset.ts';
import { sayNewMark } from './say-mark.ts';

type Value = (option: string) => string;

/** What a rule does with the packets it takes. */
export function sayTarget({ target, targetOptions, goto }: IptablesRule): string {
  if (target === undefined || target === '') return l10n.t('counted, then the next rule');
  const has = (option: string) => targetOptions.some((each) => each.option === option);
  const value: Value = (option) => targetOptions.find((each) => each.option === option)?.values.join(' ') ?? '';
  const known = lookup(targets, target)?.(value, has);
  if (known !== undefined) return known;
  const options = targetOptions.map(({ option, values }) => [option, ...values].join(' ').trim()).join(' ');
  if (options !== '') return l10n.t('handed to {0} ({1})', target, options);
  return goto
    ? l10n.t('go on in chain {0} and do not come back', target)
    : l10n.t('chain or target {0} decides', target);
}

function ports(value: Value): string {
  const given = value('--to-ports');
  return given === '' ? '' : l10n.t(', from port {0}', given);
}

const targets: Record<string, (value: Value, has: (option: string) => boolean) => string> = {
  ACCEPT: () => l10n.t('accepted, no further rule of this table is asked'),
  DROP: () => l10n.t('dropped, the sender hears nothing'),
  REJECT: (value) => l10n.t('refused, the sender is told so ({0})', value('--reject-with') || '?'),
  RETURN: () => l10n.t('no further rule of this chain is asked'),
  REDIRECT: (value) =>
    value('--to-ports') === ''
      ? l10n.t('taken to this machine or pod itself, to the same port')
      : l10n.t('taken to port {0} of this machine or pod', value('--to-ports')),
  DNAT: (value) => l10n.t('sent to {0} instead', value('--to-destination') || '?'),
  SNAT: (value) => l10n.t('sent with source {0}', value('--to-source') || '?'),
  MASQUERADE: (value) => `${l10n.t('sent with the address of the outgoing interface')}${ports(value)}`,
  NETMAP: (value) => l10n.t('sent to the same host of network {0}', value('--to') || '?'),
  TPROXY: (value) =>
    l10n.t(
      'handed to the local listener on port {0} with addresses unchanged, marked {1}',
      value('--on-port') || '?',
      value('--tproxy-mark').split('/')[0] || '0',
    ),
  MARK: (value) => sayNewMark(value('--set-xmark') || value('--set-mark'), false),
  CONNMARK: (value, has) => {
    if (has('--restore-mark')) return l10n.t('they get the mark of their connection');
    if (has('--save-mark')) return l10n.t('their mark is kept with the connection');
    return sayNewMark(value('--set-xmark') || value('--set-mark'), true);
  },
  CONNSECMARK: () => l10n.t('the security label is passed between packet and connection'),
  SECMARK: (value) => l10n.t('labelled {0} for security modules', value('--selctx') || '?'),
  CT: (value, has) => {
    if (has('--notrack')) return l10n.t('left out of connection tracking');
    if (value('--helper') !== '') return l10n.t('connection tracking uses helper {0} for them', value('--helper'));
    const zone = value('--zone') || value('--zone-orig') || value('--zone-reply');
    return zone === ''
      ? l10n.t('connection tracking is told how to treat them')
      : l10n.t('tracked in conntrack zone {0}, apart from other connections', zone);
  },
  NOTRACK: () => l10n.t('left out of connection tracking'),
  LOG: (value) =>
    value('--log-prefix') === ''
      ? l10n.t('logged, then the next rule')
      : l10n.t('logged with “{0}”, then the next rule', value('--log-prefix').trim()),
  NFLOG: (value) =>
    value('--nflog-prefix') === ''
      ? l10n.t('logged, then the next rule')
      : l10n.t('logged with “{0}”, then the next rule', value('--nflog-prefix').trim()),
  ULOG: () => l10n.t('logged, then the next rule'),
  AUDIT: () => l10n.t('logged, then the next rule'),
  TRACE: () => l10n.t('their way through all further rules is logged'),
  NFQUEUE: (value) => l10n.t('a program decides (queue {0})', value('--queue-num') || value('--queue-balance') || '0'),
  QUEUE: () => l10n.t('a program decides (queue {0})', '0'),
  TCPMSS: (value) =>
    value('--set-mss') === ''
      ? l10n.t('the segment size is cut to what fits on the way')
      : l10n.t('the segment size becomes {0}', value('--set-mss')),
  TCPOPTSTRIP: (value) => l10n.t('the TCP options {0} are taken off', value('--strip-options') || '?'),
  SET: (value, has) =>
    has('--del-set')
      ? l10n.t('the address is taken out of the set {0}', value('--del-set'))
      : l10n.t('the address is put into the set {0}', value('--add-set') || '?'),
  DSCP: (value) => l10n.t('they get the DSCP class {0}', value('--set-dscp') || value('--set-dscp-class') || '?'),
  TOS: (value) => l10n.t('they get the type of service {0}', value('--set-tos') || '?'),
  TTL: (value) => l10n.t('the remaining number of hops becomes {0}', hops(value, 'ttl')),
  HL: (value) => l10n.t('the remaining number of hops becomes {0}', hops(value, 'hl')),
  CLASSIFY: (value) => l10n.t('they go into the traffic class {0}', value('--set-class') || '?'),
  CHECKSUM: () => l10n.t('the checksum is filled in'),
  SYNPROXY: () => l10n.t('the kernel answers the handshake first, against floods'),
  TEE: (value) => l10n.t('a copy goes to {0}', value('--gateway') || '?'),
  ECN: () => l10n.t('congestion marks are taken off'),
};

function hops(value: Value, prefix: string): string {
  const changed = value(`--${prefix}-inc`) ? `+${value(`--${prefix}-inc`)}` : `-${value(`--${prefix}-dec`)}`;
  return value(`--${prefix}-set`) || changed;
}
