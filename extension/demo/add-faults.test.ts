import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeReading } from '../../contract/reading-view.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { tracePacket } from '../../mesh/interception/trace-packet.ts';
import type { ConfigMap, Pod } from '../../mesh/kubernetes.ts';
import { driftOf } from '../panels/drift-state.ts';
import { addFaults } from './add-faults.ts';
import { readRecording, type Recording } from './recording.ts';
import { SimulatedTraffic } from './simulated-traffic.ts';
import { recordingsDir } from './testing.ts';

let recording: Recording;

beforeAll(async () => {
  const directory = join(recordingsDir, 'broken');
  recording = await addFaults(await readRecording(directory), directory);
});

const podOf = (prefix: string) =>
  recording.objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith(prefix)) as Pod;
const rulesOf = (pod: Pod) => recording.rules.get(`shop_${pod.metadata!.name}`)!;
const driftIn = (pod: Pod) => {
  const configMaps = recording.objects.filter(({ kind }) => kind === 'ConfigMap') as ConfigMap[];
  const { v4 = '', v6 = '' } = rulesOf(pod);
  const readings = [v4, v6].map((text, at) => describeReading({ family: at === 0 ? '4' : '6', backend: 'nft', text }));
  return driftOf({ pod, configMaps, parseYaml: (text) => parse(text) as unknown }, readings);
};
const named = (kind: string, name: string) =>
  recording.objects.find((object) => object.kind === kind && object.metadata.name === name);

describe('the faults of the demo shop', () => {
  it('are in one pod’s rules alone, and told with their effect', () => {
    const pods = recording.objects.filter(
      ({ kind, metadata }) => kind === 'Pod' && recording.rules.has(`shop_${metadata.name}`),
    ) as Pod[];
    expect(pods.length).toBeGreaterThan(5);
    const drifted = pods.filter((pod) => driftIn(pod).comparisons.some(({ status }) => status !== 'same'));
    expect(drifted.map(({ metadata }) => metadata?.name)).toEqual(['reviews-6cb6f49678-j9m77']);
    const [comparison] = driftIn(drifted[0]!).comparisons;
    expect(comparison?.differences.map(({ kind, expected, actual }) => [kind, expected ?? actual])).toEqual(
      expect.arrayContaining([
        ['extra', '-A OUTPUT -p tcp -m tcp --dport 9080 -j ACCEPT'],
        ['missing', '-A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN'],
      ]),
    );
  });

  it('let a packet pass that a policy is about, and all that a user 1337 sends', () => {
    const dns = podOf('dns-');
    const inbound = { direction: 'in', protocol: 'tcp', dst: dns.status!.podIP!, dport: 9080 } as const;
    expect(tracePacket(parseRules(rulesOf(dns).v4!), inbound).verdict).toBe('PASS');
    expect(JSON.stringify(named('AuthorizationPolicy', 'dns'))).toContain('9080');
    const details = podOf('details-');
    const uid = details.spec?.containers?.find(({ name }) => name === 'app')?.securityContext?.runAsUser;
    expect(uid).toBe(1337);
    const sent = { direction: 'out', protocol: 'tcp', dst: '10.96.0.80', dport: 9080, uid: 1337 } as const;
    expect(tracePacket(parseRules(rulesOf(details).v4!), sent).verdict).toBe('PASS');
  });

  it('lie over what was recorded without losing the rest of it', () => {
    const service = named('Service', 'details') as unknown as { spec: { clusterIP: string; ports: object[] } };
    expect(service.spec).toMatchObject({ clusterIP: '10.96.120.188', ports: [{ name: 'web', port: 9080 }] });
    expect(podOf('details-').spec?.containers?.map(({ name }) => name)).toContain('app');
    expect(named('PeerAuthentication', 'ratings')?.spec).toMatchObject({ mtls: { mode: 'STRICT' } });
    expect(named('DestinationRule', 'ratings')?.spec).toMatchObject({ trafficPolicy: { tls: { mode: 'DISABLE' } } });
  });

  it('are in the default state alone', async () => {
    const directory = join(recordingsDir, 'with-cni');
    const other = await readRecording(directory);
    expect(await addFaults(other, directory)).toBe(other);
  });
});

describe('simulated traffic', () => {
  const count = (save: string) =>
    [...save.matchAll(/^\[(\d+):\d+\] -A/gm)].reduce((sum, [, packets]) => sum + Number(packets), 0);

  it('moves nothing at first, then more with every look, along the way that packets take', () => {
    const pod = podOf('reviews-');
    const saved = rulesOf(pod).v4!;
    const traffic = new SimulatedTraffic();
    const first = traffic.pass(pod, 1000);
    expect([first.isMoving, first.count(saved)]).toEqual([false, saved]);
    const second = traffic.pass(pod, 7000);
    expect(second.isMoving).toBe(true);
    const later = second.count(saved);
    expect(count(later)).toBeGreaterThan(count(saved));
    expect(later.replace(/\[\d+:\d+\]/g, '')).toBe(saved.replace(/\[\d+:\d+\]/g, ''));
    expect(count(traffic.pass(pod, 9000).count(saved))).toBeGreaterThan(count(later));
    // Nobody connects to HBONE in this shop.
    expect(later).toContain('[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN');
  });

  it('makes up nothing for the time in which nobody looked', () => {
    const pod = podOf('reviews-');
    const traffic = new SimulatedTraffic();
    traffic.pass(pod, 0);
    expect(traffic.pass(pod, 3_600_000).isMoving).toBe(false);
  });

  it('leaves a pod without rules without counters', () => {
    const traffic = new SimulatedTraffic();
    traffic.pass(podOf('legacy-'), 0);
    expect(traffic.pass(podOf('legacy-'), 5000).count('')).toBe('');
  });
});
