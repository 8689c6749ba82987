/** What can go wrong on a node around our plugin, on a real one: its pods start all the same, and nothing is lost. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pluginEntry } from '../../contract/cni-plugin.ts';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { helperName, helperNamespace } from '../../extension/node-helper/manifest.ts';
import { injected } from './injected-pods.ts';
import {
  actOnCni,
  compareRules,
  deployInterception,
  outcomeOf,
  readAgent,
  readChain,
  readLaunchers,
} from './interception.ts';
import { IstioInstaller } from './istio-installer.ts';
import { listNames, readDirectory } from './node-directory.ts';
import type { NodeSpace } from './node-space.ts';
import { TestPods } from './pods.ts';
import {
  cniConfigPath,
  cniDirectory,
  cniPrograms,
  startCluster,
  whyNoCluster,
  type TestCluster,
} from './start-cluster.ts';
import { connect, eventually, readHelperProgram, say, type ConnectedCluster } from './support.ts';

const missing =
  (await whyNoCluster()) ??
  (process.env.MESHLOOM_TEST_KUBECONFIG ? 'an existing cluster’s node is not to be harmed' : undefined);
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

describe.skipIf(missing)('our CNI plugin on a node in trouble', { timeout: 240_000 }, () => {
  let running: TestCluster | undefined;
  let space: NodeSpace;
  let cluster: ConnectedCluster;
  let pods: TestPods;
  let program: Uint8Array;
  let before: string[];

  beforeAll(async () => {
    program = await readHelperProgram();
    running = await startCluster(say);
    space = running.space!;
    cluster = await connect(running.kubeconfig);
    pods = new TestPods(cluster, 'shop');
    await pods.open();
    before = await readDirectory(space, cniDirectory);
    await deployInterception(cluster, program);
  }, 15 * 60_000);

  afterAll(async () => {
    cluster?.dispose();
    await running?.dispose();
  }, 60_000);

  const shell = (script: string, ...args: string[]) => space.run(['sh', '-c', script, ...args]);
  const installed = async () => (await readChain(cluster)).plugins.map(({ type }) => type);

  /** A pod starts and ends: the node's network works. */
  const tryPod = async (name: string) => {
    await pods.run(name, injected());
    await pods.end(name);
  };

  test('two installers of ours at once do it once', async () => {
    const both = await Promise.all([1, 2].map(() => actOnCni(cluster, { action: 'install' })));
    expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(both.map(({ plan }) => plan.action).toSorted()).toEqual(['insert', 'none']);
    expect(await installed()).toEqual(['bridge', 'portmap', 'meshloom-cni']);
    await tryPod('after-two');
    const gone = await Promise.all([1, 2].map(() => actOnCni(cluster, { action: 'uninstall' })));
    expect(gone.map(({ exit }) => exit)).toEqual([0, 0]);
    expect(await readDirectory(space, cniDirectory)).toEqual(before);
  });

  test('another installer that writes the same file meanwhile loses nothing, nor do we', async () => {
    const istio = new IstioInstaller(space, cniDirectory, cniPrograms);
    const unreadable: string[] = [];
    let stop = false;
    const insert = async () => {
      while (!stop) await istio.install();
    };
    const watch = async () => {
      while (!stop) {
        const text = await space.run(['cat', cniConfigPath]);
        try {
          JSON.parse(text);
        } catch {
          unreadable.push(text);
        }
      }
    };
    const fight = Promise.all([insert(), watch()]);
    const exits: number[] = [];
    for (const action of ['install', 'uninstall', 'install'] as const)
      exits.push((await actOnCni(cluster, { action })).exit);
    stop = true;
    await fight;
    expect(unreadable).toEqual([]);
    // Where the other is too quick it is refused, and nothing is changed; once that rests it works.
    expect(exits.every((exit) => exit === 0 || exit === 2)).toBe(true);
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0 });
    expect((await installed()).toSorted()).toEqual(['bridge', 'istio-cni', 'meshloom-cni', 'portmap']);
    await tryPod('after-the-fight');
    expect(await actOnCni(cluster, { action: 'uninstall' })).toMatchObject({ exit: 0 });
    expect(await installed()).toEqual(['bridge', 'portmap', 'istio-cni']);
    await istio.uninstall();
  });

  test('an agent that hangs holds a pod up for some seconds at most, and makes it good later', async () => {
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0 });
    const { status } = await readAgent(cluster);
    const pid = (await space.run(['pgrep', '-f', 'node-helper.js agent'])).trim();
    expect(status?.settings.onMiss).toBe('repair');
    await space.run(['kill', '-STOP', pid]);
    const started = performance.now();
    const pod = await pods.run('hung', injected()).finally(() => space.run(['kill', '-CONT', pid]));
    say(`with an agent that hangs a pod is ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    await outcomeOf(cluster, pod, 'repaired');
    expect((await compareRules(cluster, pod)).map(({ status }) => status)).toEqual(['same', 'same']);
    await pods.end('hung');
    await tryPod('awake');
  });

  test('a program that is gone after a botched update is named and healed', async () => {
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0 });
    await space.run(['rm', `${cniPrograms}/meshloom-cni`]);
    const { problems } = await readChain(cluster);
    expect(problems.filter(({ plugin }) => plugin === 'meshloom-cni').map(({ severity }) => severity)).toContain(
      'error',
    );
    await pods.create('stuck', injected());
    expect((await pods.event('stuck', 'FailedCreatePodSandBox')).message).toContain('meshloom-cni');
    const healed = await actOnCni(cluster, { action: 'repair' });
    expect(healed).toMatchObject({ exit: 0 });
    expect((await readChain(cluster)).problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    await pods.ready('stuck');
    await pods.end('stuck');
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0 });
    await tryPod('healed');
  });

  test('after a reboot pods start before the agent is there, and have their rules once it is', async () => {
    expect(await actOnCni(cluster, { action: 'install' })).toMatchObject({ exit: 0 });
    const pod = await pods.run('survivor', injected());
    await outcomeOf(cluster, pod, 'programmed');
    await cluster.delete(resourceTypes.daemonSets, helperName, { namespace: helperNamespace });
    await eventually('the end of the helper', async () =>
      (await cluster.list(resourceTypes.pods, { namespace: helperNamespace })).items.length === 0 ? true : undefined,
    );
    await space.stop('kubelet');
    await space.stop('containerd');
    // Nothing that ran, and nothing of /run, outlives a reboot.
    for (const name of ['containerd-shim', 'pause'])
      await shell('for pid in $(pgrep -x "$0"); do kill -9 "$pid" || :; done', name);
    await shell("tac /proc/self/mounts | cut -d' ' -f2 | grep '^/run/' | xargs -r -n1 umount -l; rm -rf /run/*");
    running!.startAgain!('containerd');
    running!.startAgain!('kubelet');
    const runningAgain = async () => {
      const found = await pods.find('survivor');
      const [app] = found?.status?.containerStatuses ?? [];
      return app?.ready && (app.restartCount ?? 0) > 0 ? found : undefined;
    };
    const again = await eventually('the pod running again', runningAgain, 150_000).catch(async (error: unknown) => {
      const [pod, events] = [await pods.find('survivor'), await pods.events()];
      say(JSON.stringify([pod?.status, events.map(({ reason, message }) => `${reason}: ${message}`)]));
      throw error;
    });
    expect(again.metadata!.uid).toBe(pod.metadata!.uid);
    expect((await listNames(space, '/run/meshloom/missed')).length).toBeGreaterThan(0);
    await deployInterception(cluster, program);
    await outcomeOf(cluster, again, 'repaired');
    expect((await compareRules(cluster, again)).map(({ status }) => status)).toEqual(['same', 'same']);
    await pods.end('survivor');
  });

  test('a full disk, a read-only one and missing permission are refused by name, and change nothing', async () => {
    expect(await actOnCni(cluster, { action: 'uninstall' })).toMatchObject({ exit: 0 });
    const now = await readDirectory(space, cniDirectory);
    const files = { helper: Buffer.from(program), ours: readLaunchers()[process.arch as 'x64' | 'arm64']! };
    const [helper, ours] = ['/run/node-helper.cjs', '/run/meshloom-cni'];
    writeFileSync(space.path('helper'), files.helper);
    writeFileSync(space.path('ours'), files.ours);
    // Where nobody may read them, too.
    await space.run(['install', '-m', '755', space.path('helper'), helper]);
    await space.run(['install', '-m', '755', space.path('ours'), ours]);
    const install = async (...prefix: string[]) => {
      const call = [
        process.execPath,
        helper,
        'cni',
        'install',
        '--format',
        'json',
        '--plugin-conf',
        '-',
        '--plugin-bin',
      ];
      const script = '"$@"; echo " $?"';
      const input = JSON.stringify(pluginEntry);
      const out = await space.run(['sh', '-c', script, 'sh', ...prefix, ...call, ours], { input });
      const { action, problems } = JSON.parse(out.slice(0, out.lastIndexOf('}') + 1)) as {
        action: string;
        problems: { code: string; message: string }[];
      };
      return { exit: Number(out.trim().split(' ').at(-1)), action, codes: problems.map(({ code }) => code) };
    };
    await shell(
      `cp -a ${cniDirectory} /run/net.d && mount -t tmpfs -o size=16k tmpfs ${cniDirectory} && cp -a /run/net.d/. ${cniDirectory}/`,
    );
    try {
      await space.stop('containerd');
      running!.startAgain!('containerd');
      await shell(`cat /dev/zero > ${cniDirectory}/.filler 2>/dev/null || :`);
      expect(await install()).toMatchObject({ exit: 2, action: 'refuse', codes: ['ENOSPC'] });
      await tryPod('on-a-full-disk');
      await shell(`rm ${cniDirectory}/.filler; mount -o remount,ro ${cniDirectory}`);
      expect(await install()).toMatchObject({ exit: 2, action: 'refuse', codes: ['EROFS'] });
      await tryPod('on-a-read-only-disk');
      await shell(`mount -o remount,rw ${cniDirectory}`);
      const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      expect(await install(...asNobody)).toMatchObject({ exit: 2, action: 'refuse' });
      await tryPod('without-permission');
      expect((await readDirectory(space, cniDirectory)).filter((line) => !line.includes('.filler'))).toEqual(now);
      expect(await listNames(space, cniPrograms)).not.toContain('meshloom-cni');
    } finally {
      await shell(`umount -l ${cniDirectory}`);
    }
  });
});
