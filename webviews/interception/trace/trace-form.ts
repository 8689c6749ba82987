import * as l10n from '@vscode/l10n';
import { familyOfAddress } from '../../../mesh/interception/trace/addresses.ts';
import type { ConnectionState, Packet } from '../../../mesh/interception/trace-packet.ts';

/** The form as it stands on screen: what a person has typed, sensible or not. */
export interface TraceForm {
  direction: Packet['direction'];
  protocol: Packet['protocol'];
  src: string;
  sport: string;
  dst: string;
  dport: string;
  uid: string;
  gid: string;
  iface: string;
  mark: string;
  ctstate: ConnectionState;
  /** Addresses of the pod itself, apart by commas. */
  localIps: string;
}

export type TraceField = keyof TraceForm;

export const emptyTraceForm: TraceForm = {
  direction: 'out',
  protocol: 'tcp',
  src: '',
  sport: '',
  dst: '',
  dport: '',
  uid: '',
  gid: '',
  iface: '',
  mark: '',
  ctstate: 'NEW',
  localIps: '',
};

export type ReadForm =
  { packet: Packet; problems?: undefined } | { packet?: undefined; problems: Partial<Record<TraceField, string>> };

/** The packet that the form asks about, or what is wrong with which of its fields. */
export function readTraceForm(form: TraceForm): ReadForm {
  const problems: Partial<Record<TraceField, string>> = {};
  const out = form.direction === 'out';
  const address = (field: 'src' | 'dst') => {
    const text = form[field].trim();
    if (text !== '' && familyOfAddress(text) === undefined) problems[field] = l10n.t('Not an IP address.');
    return text === '' ? undefined : text;
  };
  const number = (field: TraceField, most: number) => {
    const text = form[field].trim();
    if (text === '') return undefined;
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
    if (!(value <= most)) problems[field] = l10n.t('Not a number from 0 to {0}.', most);
    return value;
  };
  const src = address('src');
  const dst = address('dst');
  if (dst === undefined) problems.dst = l10n.t('Needed: where the packet goes.');
  const dport = number('dport', 65535);
  if (dport === undefined) problems.dport = l10n.t('Needed.');
  const sport = number('sport', 65535);
  const mark = number('mark', 0xffffffff);
  const uid = out ? number('uid', 0xfffffffe) : undefined;
  const gid = out ? number('gid', 0xfffffffe) : undefined;
  const localIps = form.localIps.split(/[\s,]+/).filter(Boolean);
  if (localIps.some((each) => familyOfAddress(each) === undefined)) problems.localIps = l10n.t('Not an IP address.');
  const iface = form.iface.trim();
  if (src && dst && familyOfAddress(src) !== familyOfAddress(dst))
    problems.src ??= l10n.t('Source and destination are of different IP versions.');
  if (Object.keys(problems).length > 0 || dst === undefined || dport === undefined) return { problems };
  return {
    packet: {
      direction: form.direction,
      protocol: form.protocol,
      dst,
      dport,
      ctstate: form.ctstate,
      ...(src !== undefined && { src }),
      ...(sport !== undefined && { sport }),
      ...(mark !== undefined && { mark }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
      ...(iface !== '' && { iface }),
      ...(localIps.length > 0 && { localIps }),
    },
  };
}

/** Reads what was kept; undefined when nothing was. */
export function parseTraceForm(kept: unknown): TraceForm | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const found = kept as Record<string, unknown>;
  const text = (field: TraceField) => (typeof found[field] === 'string' ? found[field] : '');
  return {
    direction: found.direction === 'in' ? 'in' : 'out',
    protocol: found.protocol === 'udp' ? 'udp' : 'tcp',
    ctstate: found.ctstate === 'INVALID' || found.ctstate === 'ESTABLISHED' ? found.ctstate : 'NEW',
    src: text('src'),
    sport: text('sport'),
    dst: text('dst'),
    dport: text('dport'),
    uid: text('uid'),
    gid: text('gid'),
    iface: text('iface'),
    mark: text('mark'),
    localIps: text('localIps'),
  };
}
