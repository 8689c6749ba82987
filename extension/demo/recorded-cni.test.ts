import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CniActionRequest } from '../../contract/cni-plugin.ts';
import { parseNodeHelperReply, type NodeHelperVerb } from '../../contract/node-helper.ts';
import { describeChain } from '../../mesh/cni/read-chain.ts';
import { agentCommand } from '../node-helper/manifest.ts';
import type { ApiObject } from './api-object.ts';
import { ApiResources } from './api-resources.ts';
import { ApiStore } from './api-store.ts';
import { findNetworkError } from './node-network.ts';
import { answerAsHelper } from './recorded-helper.ts';
import { readRecording } from './recording.ts';
import { eventually, recordingsDir, startTestServer } from './testing.ts';

function helperIn(mode: 'observe' | 'intercept'): ApiObject {
  const settings = { excludeNamespaces: ['kube-system', 'plain'], onMiss: 'repair', backend: 'auto' } as const;
  const command =
    mode === 'observe'
      ? ['node', 'node-helper.js', 'wait']
      : agentCommand({ ...settings, excludeNamespaces: [...settings.excludeNamespaces] });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'h', labels: { 'app.kubernetes.io/name': 'meshloom-node-helper' } },
    spec: { nodeName: 'n1', containers: [{ name: 'node-helper', command }] },
  };
}

async function node(name: string) {
  const recording = await readRecording(join(recordingsDir, name));
  const resources = new ApiResources();
  const store = new ApiStore(1, 10);
  recording.objects.forEach((object) => store.load(resources.learn(object), object));
  const ask = <Verb extends NodeHelperVerb>(
    verb: Verb,
    rest: object = {},
    mode: 'observe' | 'intercept' = 'intercept',
  ) => {
    const text = answerAsHelper(
      { store, resources },
      recording,
      helperIn(mode),
      JSON.stringify({ protocol: 1, verb, ...rest }),
    );
    const reply = parseNodeHelperReply(text, verb);
    if (!reply.ok) throw new Error(reply.error.message);
    return reply.result;
  };
  const cni = (request: CniActionRequest, mode?: 'observe' | 'intercept') => ask('cni', request, mode);
  const files = () => Object.fromEntries(recording.node.files.map((file) => [file.name, file.content]));
  return { recording, ask, cni, files };
}

describe('the node of a demo cluster', () => {
  it.each(['with-cni', 'before-cni', 'broken'])(
    'tells in the runtime’s words whether pods get a network: %s',
    async (name) => {
      const { recording } = await node(name);
      expect(findNetworkError(recording.node)).toBe(recording.node.podNetworkError);
    },
  );

  it('plans without changing, and is not written to in observe mode', async () => {
    const { cni, files } = await node('broken');
    const before = files();
    expect(cni({ action: 'plan', planFor: 'repair' }, 'observe')).toMatchObject({
      exit: 0,
      plannedFor: 'repair',
      plan: { action: 'restore', result: '00-galaxy.conf', removes: ['00-galaxy.conflist'] },
      before: { '00-galaxy.conflist': expect.stringContaining('0.3.1') as string },
    });
    expect(cni({ action: 'repair' }, 'observe')).toMatchObject({ exit: 2, plan: { problems: [{ code: 'EROFS' }] } });
    expect(files()).toEqual(before);
  });

  it('heals, takes the plugin, and gives back what stood there byte for byte', async () => {
    const { cni, ask, files, recording } = await node('broken');
    expect(cni({ action: 'repair' }).exit).toBe(0);
    expect(recording.node.podNetworkError).toBeUndefined();
    const healed = files();
    expect(Object.keys(healed)).toEqual(['00-galaxy.conf']);
    expect(cni({ action: 'install' }).exit).toBe(0);
    const { files: there, plugins } = ask('read-cni');
    expect(describeChain({ files: there, plugins }).plugins.map(({ type }) => type)).toEqual([
      'galaxy-sdn',
      'meshloom-cni',
    ]);
    expect(cni({ action: 'install' }).plan.action).toBe('none');
    expect(recording.node.podNetworkError).toBeUndefined();
    expect(cni({ action: 'uninstall' }).exit).toBe(0);
    expect(files()).toEqual(healed);
  });

  it('says what an agent would decide about each pod, and that none did', async () => {
    const { cni, ask } = await node('with-cni');
    expect(ask('read-agent', {}, 'observe')).toMatchObject({ running: false, records: [] });
    expect(ask('read-agent')).toMatchObject({ running: true, records: [], notes: [expect.stringContaining('not in')] });
    cni({ action: 'install' });
    const { records, notes, status } = ask('read-agent');
    expect(status?.settings.excludeNamespaces).toEqual(['kube-system', 'plain']);
    expect(notes.join()).toContain('did not start under');
    const outcome = (prefix: string) => records.find(({ name }) => name.startsWith(prefix))?.outcome;
    expect([outcome('reviews'), outcome('batch'), outcome('optin'), outcome('hostnet')]).toEqual([
      'programmed',
      'declined',
      'declined',
      undefined,
    ]);
  });
});

describe('the broken demo cluster', () => {
  it('starts and ends the pods that hung as soon as the chain is repaired', async () => {
    const recording = await readRecording(join(recordingsDir, 'broken'));
    const server = await startTestServer(recording);
    onTestFinished(() => server.close());
    const pods = async () => (await server.call('GET', '/api/v1/pods')).body.items as unknown as ApiObject[];
    const hanging = async () =>
      (await pods()).filter(
        ({ metadata, spec, status }) =>
          !spec?.hostNetwork && (metadata.deletionTimestamp || status?.phase === 'Pending'),
      ).length;
    expect(await hanging()).toBe(3);
    const store = new ApiStore(1, 10);
    answerAsHelper(
      { store, resources: new ApiResources() },
      recording,
      helperIn('intercept'),
      JSON.stringify({ protocol: 1, verb: 'cni', action: 'repair' }),
    );
    expect(await eventually(hanging, (count) => count === 0)).toBe(0);
  });
});
