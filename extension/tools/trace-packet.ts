import * as l10n from '@vscode/l10n';
import { isIP } from 'node:net';
import type { ReadingView } from '../../contract/interception-view.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { tracePacket as trace, type Packet, type Trace } from '../../mesh/interception/trace-packet.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { toolNames } from '../ids.ts';
import { confirmReading, originOf, readPodTarget, readRulesOf, type PodTarget } from './pod-target.ts';
import { InputReader } from './read-input.ts';
import { fit, ToolFailure, ToolInputError, type Tool } from './tool.ts';

/** Either a pod whose rules are read, or a text with rules; and one packet. */
export type TracePacketInput = { packet: Packet } & ({ target: PodTarget } | { rules: string });

/** Follows one packet through a pod's rules, or through rules that are given as text, as the kernel would. */
export const tracePacket: Tool<TracePacketInput> = {
  name: toolNames.tracePacket,
  read(input) {
    const reader = new InputReader(input);
    const rules = reader.optionalText('rules');
    const source = rules === undefined ? { target: readPodTarget(reader) } : { rules };
    if (rules !== undefined && (reader.optionalText('namespace') ?? reader.optionalText('pod')) !== undefined)
      throw new ToolInputError('Give either "rules" or "namespace" and "pod", not both.');
    const packet = readPacket(reader);
    reader.end();
    return { ...source, packet };
  },
  progress: (input) =>
    'target' in input
      ? l10n.t('Following a packet through the rules of {0}', input.target.pod)
      : l10n.t('Following a packet through the given rules'),
  confirm: (input, services) => ('target' in input ? confirmReading(input.target, services) : undefined),
  async run(input, services, { signal, limit }) {
    if ('rules' in input) return answer(trace(parseRules(input.rules), input.packet), {}, limit);
    const rules = await readRulesOf(input.target, services, signal);
    const packet = withAddresses(input.packet, rules.pod);
    const reading = chooseReading(rules.state.readings, packet);
    if (!reading) throw new ToolFailure(`No rules of the family of ${packet.dst} were read in ${input.target.pod}.`);
    const more = { pod: rules.place, ...originOf(rules), reading: reading.id };
    return answer(trace(parseRules(reading.raw), packet), more, limit);
  },
};

const port = 0xffff;
const id = 0xffffffff;

function readPacket(reader: InputReader): Packet {
  const direction = reader.oneOf('direction', ['out', 'in'] as const);
  const dst = reader.address('dst');
  const dport = reader.number('dport', port);
  if (direction === undefined || dst === undefined || dport === undefined)
    throw new ToolInputError('A packet needs "direction", "dst" and "dport".');
  const src = reader.address('src');
  if (src !== undefined && isIP(src) !== isIP(dst))
    throw new ToolInputError(`"src" ${src} and "dst" ${dst} are of different families.`);
  const sport = reader.number('sport', port);
  const uid = reader.number('uid', id);
  const gid = reader.number('gid', id);
  if (direction === 'in' && (uid ?? gid) !== undefined)
    throw new ToolInputError('A packet that arrives has no owner: "uid" and "gid" go with direction "out" only.');
  const mark = reader.number('mark', id);
  const iface = reader.optionalText('iface');
  return {
    direction,
    protocol: reader.oneOf('proto', ['tcp', 'udp'] as const) ?? 'tcp',
    dst,
    dport,
    ctstate: reader.oneOf('ctstate', ['NEW', 'INVALID', 'ESTABLISHED'] as const) ?? 'NEW',
    ...(src !== undefined && { src }),
    ...(sport !== undefined && { sport }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mark !== undefined && { mark }),
    ...(iface !== undefined && { iface }),
  };
}

/** The pod's own addresses: what it sends to them stays within. */
function withAddresses(packet: Packet, pod: Pod | undefined): Packet {
  const { podIP, podIPs = [] } = pod?.status ?? {};
  const own = [...new Set([podIP, ...podIPs.map(({ ip }) => ip)])].filter((ip) => ip !== undefined);
  return own.length > 0 && (packet.direction === 'out' || own.includes(packet.dst))
    ? { ...packet, localIps: own }
    : packet;
}

/** Of the packet's family the first that takes traffic to a proxy; else the first. */
function chooseReading(readings: readonly ReadingView[], { dst }: Packet): ReadingView | undefined {
  const family = isIP(dst) === 6 ? '6' : '4';
  const ofFamily = readings.filter((reading) => reading.id.startsWith(family));
  return ofFamily.find(({ mode }) => mode !== 'none' && mode !== 'unknown') ?? ofFamily[0];
}

/** The shape of `meshloom iptables trace --format json`, which only grows. */
function answer(
  { verdict, port: to, path, says }: Trace,
  more: object,
  limit: number,
): { says: string; json: unknown } {
  const { json } = fit(path, limit, (kept) => ({
    verdict,
    ...(to !== undefined && { port: to }),
    path: kept.map(({ table, text }) => ({ table, rule: text })),
    says,
    ...(kept.length < path.length && { truncated: { shown: kept.length, of: path.length } }),
    ...more,
  }));
  return { says: `${verdict}${to === undefined ? '' : ` ${to}`}. ${says}`, json };
}
