import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseNodeHelperReply, type NodeHelperVerb, type PodTarget } from '../../contract/node-helper.ts';
import type { ApiObject } from './api-object.ts';
import { ApiResources } from './api-resources.ts';
import { ApiStore } from './api-store.ts';
import type { ApiState } from './api-writes.ts';
import { answerAsHelper, helperIdentity, isHelperCall } from './recorded-helper.ts';
import { readRecording, type Recording } from './recording.ts';
import { recordingsDir } from './testing.ts';

const helper = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'h',
    labels: {
      'app.kubernetes.io/name': 'meshloom-node-helper',
      'app.kubernetes.io/managed-by': 'meshloom',
      'app.kubernetes.io/version': '0.2.0',
    },
  },
  spec: { nodeName: 'n1', volumes: [{ configMap: { name: 'meshloom-node-helper-0a1b2c3d4e5f' } }] },
} satisfies ApiObject;

let recording: Recording;
let state: ApiState;

function load(from: Recording): ApiState {
  const resources = new ApiResources();
  const store = new ApiStore(1, 10);
  from.objects.forEach((object) => store.load(resources.learn(object), object));
  return { resources, store };
}

function ask<Verb extends NodeHelperVerb>(verb: Verb, rest: object = {}, from: ApiObject = helper) {
  return parseNodeHelperReply(
    answerAsHelper(state, recording, from, JSON.stringify({ protocol: 1, verb, ...rest })),
    verb,
  );
}

function inspect(namespace: string, prefix: string, from?: ApiObject) {
  const pod = recording.objects.find(
    ({ kind, metadata }) => kind === 'Pod' && metadata.namespace === namespace && metadata.name.startsWith(prefix),
  )!;
  const target: PodTarget = { uid: pod.metadata.uid!, namespace, name: pod.metadata.name, ips: [] };
  return ask('inspect-pod', { pod: target }, from);
}

describe('the helper of a recorded cluster', () => {
  beforeAll(async () => {
    recording = await readRecording(join(recordingsDir, 'broken'));
    state = load(recording);
  });

  it('is what was deployed', () => {
    expect(ask('hello').helper).toEqual({ version: '0.2.0', hash: '0a1b2c3d4e5f' });
    expect(
      helperIdentity({
        ...helper,
        spec: { containers: [{ name: 'a', env: [{ name: 'MESHLOOM_VERSION', value: '0.3.0+dev' }] }] },
      }),
    ).toEqual({ version: '0.3.0+dev', hash: '?' });
  });

  it('is recognised by its labels and its program', () => {
    const command = ['node', '/run/meshloom/node-helper.js', 'inspect'];
    expect(isHelperCall(helper, command)).toBe(true);
    expect(isHelperCall(helper, ['sh'])).toBe(false);
    expect(isHelperCall({ ...helper, metadata: { name: 'h' } }, command)).toBe(false);
  });

  it('reads the CNI directory and what the plugins of its files speak', () => {
    expect(ask('read-cni')).toMatchObject({
      ok: true,
      result: {
        confDir: '/etc/cni/net.d',
        files: [{ name: '00-galaxy.conflist', content: expect.stringContaining('"cniVersion": "0.3.1"') as string }],
        plugins: [{ type: 'galaxy-sdn', path: '/opt/cni/bin/galaxy-sdn', supportedVersions: ['0.1.0', '0.2.0'] }],
      },
    });
    expect(ask('read-cni', { confDir: '/elsewhere' })).toMatchObject({
      result: { files: [], notes: [expect.stringContaining('/elsewhere')] },
    });
  });

  it('names a plugin whose program is missing', async () => {
    const whole = recording;
    recording = { ...whole, node: { ...whole.node, plugins: [] } };
    expect(ask('read-cni')).toMatchObject({
      result: { plugins: [{ type: 'galaxy-sdn', error: expect.stringContaining('/opt/cni/bin') as string }] },
    });
    recording = whole;
  });

  it('gives the recorded rules of a pod in the mesh, with the command that printed them', () => {
    expect(inspect('locked', 'api-')).toMatchObject({
      ok: true,
      result: {
        readings: [
          {
            family: '4',
            backend: 'nft',
            command: 'iptables-nft-save -c',
            origin: 'host',
            text: expect.stringContaining('ISTIO_REDIRECT') as string,
          },
          { family: '6', command: 'ip6tables-nft-save -c' },
        ],
        interfaces: [{ name: 'eth0', addresses: [expect.stringMatching(/^10\.88\.0\./)] }],
      },
    });
  });

  it('finds no rules in a pod outside the mesh: that is an answer, not a failure', () => {
    expect(inspect('default', 'cli')).toMatchObject({ ok: true, result: { readings: [{ text: '' }, { text: '' }] } });
  });

  it.each([
    ['shop', 'hostnet-66', 'host-network', 'host’s network'],
    ['shop', 'hostnet-657', 'pod-not-found', 'not been given a node'],
    ['shop', 'batch-5fdc', 'pod-not-found', 'Pending'],
    ['istio-system', 'istio-cni-node', 'pod-not-found', 'none of its containers runs'],
  ])('says of %s/%s why it cannot: %s', (namespace, prefix, code, hint) => {
    const reply = inspect(namespace, prefix);
    expect(reply).toMatchObject({ ok: false, error: { code } });
    expect(JSON.stringify(reply)).toContain(hint);
  });

  it('looks at the pods of its own node only', () => {
    const elsewhere = { ...helper, spec: { nodeName: 'n2' } };
    expect(inspect('locked', 'api-', elsewhere)).toMatchObject({
      ok: false,
      error: { code: 'pod-not-found', hint: expect.stringContaining('n1') as string },
    });
    expect(ask('read-cni', {}, elsewhere)).toMatchObject({
      ok: true,
      result: { files: [], notes: [expect.stringContaining('n2')] },
    });
  });

  it.each([
    ['no JSON', 'nonsense', 'bad-request'],
    ['nothing', '', 'bad-request'],
    ['another protocol', '{"protocol":7,"verb":"hello"}', 'protocol'],
    ['an unknown verb', '{"protocol":1,"verb":"dance"}', 'unknown-verb'],
    ['a pod that nobody knows', '{"protocol":1,"verb":"inspect-pod","pod":{"uid":"x"}}', 'pod-not-found'],
  ])('answers %s with an error', (_what, text, code) => {
    expect(JSON.parse(answerAsHelper(state, recording, helper, text))).toMatchObject({
      protocol: 1,
      ok: false,
      error: { code },
    });
  });

  it('says when the recording holds no rules of a pod that has a proxy', () => {
    const whole = recording;
    recording = { ...whole, rules: new Map() };
    expect(inspect('locked', 'api-')).toMatchObject({
      ok: true,
      result: { readings: [], notes: [expect.stringContaining('holds no rules of this pod'), expect.anything()] },
    });
    recording = whole;
  });
});
