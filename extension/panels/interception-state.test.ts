import { describe, expect, it } from 'vitest';
import type { InspectPodResult, NodeHelperError } from '../../contract/node-helper.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { whyRefused } from '../node-helper/why-not.ts';
import { recordedRules } from '../../webviews/gallery/recorded-rules.ts';
import { describeClusterTrouble, failedState, loadingState, readyState, whyNotReadable } from './interception-state.ts';

const place = { namespace: 'shop', name: 'reviews-1', context: 'kind-mesh' };

const result: InspectPodResult = {
  pid: 4711,
  netns: 'net:[4026532281]',
  readings: [
    { family: '6', backend: 'nft', command: 'ip6tables-save -c', origin: 'host', text: recordedRules.redirect.v6 },
    { family: '4', backend: 'nft', command: 'iptables-save -c', origin: 'host', text: recordedRules.redirect.v4 },
  ],
  interfaces: [],
  listening: [
    { family: '4', protocol: 'tcp', address: '0.0.0.0', port: 15006 },
    { family: '6', protocol: 'tcp', address: '::', port: 15006 },
    { family: '4', protocol: 'tcp', address: '127.0.0.1', port: 15000 },
    { family: '4', protocol: 'udp', address: '127.0.0.1', port: 15053 },
  ],
  policyRules: [],
  routes: [],
  notes: ['conntrack could not be read'],
  tookMs: 41,
};

const reading = {
  result,
  helper: { version: '0.1.0', hash: '4be1' },
  node: 'n1',
  helperPod: 'helper-x',
  at: new Date(2026, 0, 2, 12, 3, 11),
};

describe('readyState', () => {
  const state = readyState(place, reading, '0.1.0');

  it('opens with the reading that holds rules', () => {
    expect(state.phase).toBe('ready');
    expect(state.readings.map(({ id, label }) => [id, label])).toEqual([
      ['4-nft', 'IPv4 · nft'],
      ['6-nft', 'IPv6 · nft'],
    ]);
  });

  it('keeps the tool’s text, and every rule of it once with its counters', () => {
    const [ipv4] = state.readings;
    expect(ipv4?.raw).toBe(recordedRules.redirect.v4);
    const rows = ipv4?.chains.flatMap(({ rules }) => rules) ?? [];
    const written = [...recordedRules.redirect.v4.matchAll(/^\[(\d+):(\d+)\] (-A .*)$/gm)].map(
      ([, packets, bytes, rule]) => ({
        packets: Number(packets),
        bytes: Number(bytes),
        rule,
      }),
    );
    expect(rows.map(({ packets, bytes, rule }) => ({ packets, bytes, rule }))).toEqual(
      expect.arrayContaining(written) as unknown,
    );
    expect(rows).toHaveLength(written.length);
    expect(rows.every(({ explanation, cause, known }) => known && explanation && cause)).toBe(true);
  });

  it('tells which chains lead to a chain', () => {
    const inbound = state.readings[0]?.chains.find(({ chain }) => chain === 'ISTIO_IN_REDIRECT');
    expect(inbound?.usedBy).toEqual(['ISTIO_INBOUND', 'ISTIO_OUTPUT']);
  });

  it('says where the rules come from, and each socket once', () => {
    expect(state.source).toContain('node n1 by helper-x');
    expect(state.source).toContain('the node’s iptables');
    expect(state.listening).toEqual(['15000/tcp loopback', '15006/tcp', '15053/udp loopback']);
    expect(state.notes).toEqual(['conntrack could not be read']);
    expect(state.summary).toMatch(/1500[16]/);
  });

  it('names a helper of another version', () => {
    const [note] = readyState(place, { ...reading, helper: { version: '0.0.9', hash: '' } }, '0.1.0').notes;
    expect(note).toContain('0.0.9');
    expect(note).toContain('Deploy Node Helper');
  });

  it('shows what is there of a text that was cut off, and that there was more', () => {
    const text = recordedRules.redirect.v4.slice(0, recordedRules.redirect.v4.lastIndexOf('-A '));
    const partial = readyState(
      place,
      { ...reading, result: { ...result, readings: [{ ...result.readings[1]!, text }] } },
      '0.1.0',
    );
    expect(partial.readings[0]?.chains.length).toBeGreaterThan(3);
    expect(partial.gaps).toEqual([
      { what: 'The end of IPv4 · nft', why: expect.stringContaining('cut off') as string },
    ]);
    expect(state.gaps).toBeUndefined();
  });

  it('shows a pod without rules, and a reading that is no rule set at all', () => {
    const empty = readyState(
      place,
      { ...reading, result: { ...result, readings: [{ ...result.readings[0]!, text: '' }] } },
      '0.1.0',
    );
    expect(empty.readings[0]).toMatchObject({ chains: [], raw: '', mode: 'none' });
    const broken = readyState(
      place,
      { ...reading, result: { ...result, readings: [{ ...result.readings[0]!, text: 'Segmentation fault' }] } },
      '0.1.0',
    );
    expect(broken.readings[0]?.raw).toBe('Segmentation fault');
    expect(broken.readings[0]?.warnings).not.toEqual([]);
  });
});

describe('loadingState', () => {
  it('keeps on screen what was read before, but not a failure', () => {
    const before = readyState(place, reading, '0.1.0');
    expect(loadingState(place, before)).toEqual({ ...before, phase: 'loading' });
    const failed = failedState(place, describeClusterTrouble(place, 'refused', 'start it'));
    expect(loadingState(place, failed)).toEqual({
      pod: place,
      phase: 'loading',
      readings: [],
      listening: [],
      notes: [],
    });
  });
});

describe('whyNotReadable', () => {
  const pod = (spec: Pod['spec'], status: Pod['status']): Pod => ({
    metadata: { namespace: 'shop', name: 'api-1' },
    spec,
    status,
  });

  it('leaves a running pod in peace, and one whose sandbox stands though it is pending', () => {
    expect(whyNotReadable(pod({ nodeName: 'n1' }, { phase: 'Running', podIP: '10.88.0.7' }))).toBeUndefined();
    const crashing = {
      phase: 'Pending',
      podIP: '10.88.0.8',
      initContainerStatuses: [{ name: 'istio-validation', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
    };
    expect(whyNotReadable(pod({ nodeName: 'n1' }, crashing))).toBeUndefined();
  });

  it('says that a pod on the host network would show the node’s rules', () => {
    const why = whyNotReadable(pod({ nodeName: 'n1', hostNetwork: true }, { phase: 'Running', podIP: '198.18.0.2' }));
    expect(why?.what).toContain('api-1');
    expect(why?.why).toContain('node n1');
    expect(why?.actions).toEqual([]);
  });

  it('says that a finished pod has no network namespace any more', () => {
    expect(whyNotReadable(pod({ nodeName: 'n1' }, { phase: 'Succeeded', podIP: '10.88.0.7' }))?.what).toContain(
      'has ended',
    );
    expect(whyNotReadable(pod({ nodeName: 'n1' }, { phase: 'Failed', reason: 'Evicted' }))?.why).toContain('Evicted');
  });

  it('says what a pod waits for that has none yet', () => {
    const creating = {
      phase: 'Pending',
      conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }],
      containerStatuses: [{ name: 'app', state: { waiting: { reason: 'ContainerCreating' } } }],
    };
    expect(whyNotReadable(pod({ nodeName: 'n1' }, creating))?.what).toContain('does not run yet');
    const event = {
      involvedObject: { kind: 'Pod', namespace: 'shop', name: 'api-1' },
      reason: 'FailedCreatePodSandBox',
      message:
        'failed to setup network for sandbox: incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0" "0.2.0"]',
    };
    expect(whyNotReadable(pod({ nodeName: 'n1' }, creating), [event])?.why).toContain('0.3.1');
    const homeless = {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }],
    };
    expect(whyNotReadable(pod({}, homeless))?.why).toContain('0/1 nodes are available');
  });
});

it.each<NodeHelperError['code']>([
  'bad-request',
  'unknown-verb',
  'protocol',
  'pod-not-found',
  'host-network',
  'no-iptables',
  'not-permitted',
  'sandboxed',
  'timeout',
  'internal',
])('says in words what the refusal “%s” means, and keeps the helper’s own', (code) => {
  const { what, why, next } = whyRefused(
    { code, message: 'Its message.', hint: 'Its hint.' },
    { metadata: { name: 'reviews-1' }, spec: { nodeName: 'n1' } },
  );
  expect(what).toContain('n1');
  expect(why).toBe('Its message. Its hint.');
  expect(next).not.toBe('');
});
