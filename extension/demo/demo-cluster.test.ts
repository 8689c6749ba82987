import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as k8s from '@kubernetes/client-node';
import { WebSocket } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import { startDemoCluster, type DemoCluster } from './demo-cluster.ts';
import { demoStates } from './demo-states.ts';
import { recordingsDir } from './testing.ts';

let cluster: DemoCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

describe('the demo cluster', () => {
  it.each(demoStates.map(({ id }) => id))('is reached in state %s with the kubeconfig that it gives', async (id) => {
    cluster = await startDemoCluster(id, recordingsDir);
    const kubeConfig = new k8s.KubeConfig();
    kubeConfig.loadFromString(JSON.stringify(cluster.kubeconfig));
    const { items } = await kubeConfig.makeApiClient(k8s.CoreV1Api).listNode();
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['n1']);
    expect(new URL(cluster.url).hostname).toBe('127.0.0.1');
    expect(cluster.problems).toEqual([]);
  });

  it('names the file when its recording is not there', async () => {
    await expect(startDemoCluster('broken', '/nowhere')).rejects.toThrow(join('/nowhere', 'broken', 'resources.json'));
  });

  it('keeps no process alive after it was closed', async () => {
    const program = `
      const { startDemoCluster } = await import(${JSON.stringify(join(import.meta.dirname, 'demo-cluster.ts'))});
      const cluster = await startDemoCluster('with-cni', ${JSON.stringify(recordingsDir)});
      const headers = { authorization: 'Bearer ' + cluster.token, 'content-type': 'application/apply-patch+yaml' };
      const watch = await fetch(cluster.url + '/api/v1/pods?watch=true&allowWatchBookmarks=true', { headers });
      watch.body.pipeTo(new WritableStream()).catch(() => undefined);
      await fetch(cluster.url + '/api/v1/namespaces/shop/pods/late?fieldManager=me', { method: 'PATCH', headers, body: JSON.stringify({
        apiVersion: 'v1', kind: 'Pod', metadata: { name: 'late' }, spec: { containers: [{ name: 'a', image: 'b' }] } }) });
      await cluster.close();
      console.log('closed');`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 15_000,
    });
    expect(stdout.trim()).toBe('closed');
  });
});

describe('its exec, byte by byte', () => {
  const path = '/api/v1/namespaces/default/pods/cli/exec?command=ls&container=c&stdout=true&stderr=true';

  async function talk(
    target: string,
    protocols: string[],
    token = cluster!.token,
  ): Promise<{ protocol: string; frames: Buffer[]; code: number }> {
    const socket = new WebSocket(cluster!.url.replace('http', 'ws') + target, protocols, {
      headers: { authorization: `Bearer ${token}` },
    });
    const frames: Buffer[] = [];
    let protocol = '';
    socket.on('open', () => (protocol = socket.protocol));
    socket.on('message', (data) => frames.push(data as Buffer));
    return await new Promise((resolve, reject) => {
      socket.on('unexpected-response', (_request, response) => {
        void response
          .toArray()
          .then((chunks) =>
            reject(new Error(`${response.statusCode} ${Buffer.concat(chunks as Buffer[]).toString()}`)),
          );
      });
      socket.on('error', reject);
      socket.on('close', (code) => resolve({ protocol, frames, code }));
    });
  }

  it.each([
    [['v5.channel.k8s.io', 'v4.channel.k8s.io'], 'v5.channel.k8s.io'],
    [['channel.k8s.io', 'v4.channel.k8s.io'], 'v4.channel.k8s.io'],
  ])('speaks, of %j, %s', async (offered, spoken) => {
    cluster = await startDemoCluster('broken', recordingsDir);
    const { protocol, frames, code } = await talk(path, offered);
    expect([protocol, code]).toEqual([spoken, 1000]);
    expect(frames.map((frame) => frame[0])).toEqual([1, 2, 3]);
    expect(frames[0]).toHaveLength(1);
    expect(JSON.parse(frames[2]!.subarray(1).toString())).toMatchObject({ reason: 'NonZeroExitCode' });
  });

  it.each([
    ['of a protocol that it does not speak', path, ['base64.channel.k8s.io'], undefined, /^400 .*BadRequest/],
    ['without the token', path, ['v5.channel.k8s.io'], 'wrong', /^401 .*Unauthorized/],
    [
      'to a pod without a node',
      path.replace('default/pods/cli', 'shop/pods/hostnet-657b8f678b-vgg7t').replace('container=c', 'container=app'),
      ['v5.channel.k8s.io'],
      undefined,
      /^400 .*does not have a host assigned/,
    ],
    [
      'to a container that waits',
      path.replace('default/pods/cli', 'shop/pods/batch-5fdc6666cd-6kbwm').replace('container=c', 'container=app'),
      ['v5.channel.k8s.io'],
      undefined,
      /^500 .*container not found/,
    ],
    ['to something that cannot be upgraded', '/api/v1/pods', ['v5.channel.k8s.io'], undefined, /^400 /],
  ])('refuses one %s', async (_what, target, protocols, token, answer) => {
    cluster = await startDemoCluster('broken', recordingsDir);
    await expect(talk(target, protocols, token)).rejects.toThrow(answer);
  });
});
