/**
 * Traffic that nobody sends: the counters of recorded rules move, so that watching them shows something. Each packet is
 * followed through the rules as the kernel would, and counted where it passes.
 */
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { tracePacket, type Packet } from '../../mesh/interception/trace-packet.ts';
import type { Pod } from '../../mesh/kubernetes.ts';

/** What happens every so many seconds. */
interface Flow {
  every: number;
  packet: Packet;
}

/** Packets by table and rule, of each flow. */
type Hits = { every: number; rules: Map<string, number> }[];

interface Watched {
  askedAt: number;
  seconds: number;
  hits: Map<string, Hits>;
}

/** Longer than this nobody has watched: what went by meanwhile is not made up. */
const longestGapMs = 5 * 60_000;
/** A SYN without payload. */
const bytesPerPacket = 60;

export class SimulatedTraffic {
  readonly #watched = new Map<string, Watched>();

  /**
   * To be called once each time a pod's rules are read. The first time nothing has moved.
   * @returns what to make of each of its texts.
   */
  pass(pod: Pod, now: number): { isMoving: boolean; count: (save: string) => string } {
    const key = pod.metadata?.uid ?? '';
    const known = this.#watched.get(key) ?? { askedAt: now, seconds: 0, hits: new Map<string, Hits>() };
    const gap = now - known.askedAt;
    if (gap > 0 && gap <= longestGapMs) known.seconds += Math.max(1, Math.round(gap / 1000));
    known.askedAt = now;
    this.#watched.set(key, known);
    const { seconds, hits } = known;
    return {
      isMoving: seconds > 0,
      count: (save) => {
        if (seconds === 0) return save;
        const ofText = hits.get(save) ?? hitsOf(save, pod);
        hits.set(save, ofText);
        return addCounters(save, ofText, seconds);
      },
    };
  }
}

/** What a pod of a shop does all day, for the family of its rules. */
function flowsOf({ status, spec }: Pod): Flow[] {
  const own = status?.podIP ?? '10.0.0.2';
  const app = spec?.containers?.find(({ name }) => name !== 'istio-proxy');
  const port = app?.ports?.[0]?.containerPort ?? 9080;
  const uid = app?.securityContext?.runAsUser ?? 1000;
  const localIps = [own];
  return [
    { every: 1, packet: { direction: 'in', protocol: 'tcp', dst: own, dport: port, localIps } },
    { every: 2, packet: { direction: 'out', protocol: 'tcp', dst: '10.96.0.80', dport: 9080, uid, localIps } },
    { every: 2, packet: { direction: 'out', protocol: 'udp', dst: '10.96.0.10', dport: 53, uid, localIps } },
    {
      every: 3,
      packet: { direction: 'out', protocol: 'tcp', dst: '10.244.0.9', dport: 9080, uid: 1337, gid: 1337, localIps },
    },
    { every: 5, packet: { direction: 'in', protocol: 'tcp', dst: own, dport: 15021, localIps } },
  ];
}

function hitsOf(save: string, pod: Pod): Hits {
  const ruleset = parseRules(save);
  if (ruleset.chains.every(({ rules }) => rules.length === 0)) return [];
  return flowsOf(pod).map(({ every, packet }) => {
    const rules = new Map<string, number>();
    for (const { table, text } of tracePacket(ruleset, packet).path) {
      const key = `${table} ${text}`;
      rules.set(key, (rules.get(key) ?? 0) + 1);
    }
    return { every, rules };
  });
}

function addCounters(save: string, hits: Hits, seconds: number): string {
  let table = '';
  return save
    .split('\n')
    .map((line) => {
      table = /^\*(\w+)/.exec(line)?.[1] ?? table;
      const [, packets, bytes, rule = ''] = /^\[(\d+):(\d+)\] (-A .*)$/.exec(line) ?? [];
      if (packets === undefined) return line;
      const times = ({ every, rules }: Hits[number]) =>
        Math.floor(seconds / every) * (rules.get(`${table} ${rule}`) ?? 0);
      const more = hits.reduce((sum, flow) => sum + times(flow), 0);
      return `[${Number(packets) + more}:${Number(bytes) + more * bytesPerPacket}] ${rule}`;
    })
    .join('\n');
}
