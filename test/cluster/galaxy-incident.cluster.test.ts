/**
 * The incident: a node whose only plugin speaks CNI 0.1.0 and 0.2.0, and an installer that turns its configuration into a
 * list of version 0.3.1. From then on no pod starts on the node, and none ends. Seen before it happens, and healed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCni } from '../../extension/node-helper/client.ts';
import { deployNodeHelper } from '../../extension/node-helper/deploy.ts';
import { helperManifest } from '../../extension/node-helper/manifest.ts';
import { type CniChain, describeChain } from '../../mesh/cni/read-chain.ts';
import { injected } from './injected-pods.ts';
import { actOnCni, compareRules, deployInterception, outcomeOf } from './interception.ts';
import { listNames, readDirectory } from './node-directory.ts';
import { IstioInstaller, programText } from './istio-installer.ts';
import { nodeImage } from './images.ts';
import { nodeName } from './node-files.ts';
import type { NodeSpace } from './node-space.ts';
import { TestPods } from './pods.ts';
import { cniDirectory, cniPrograms, startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';
import { connect, readHelperProgram, say, type ConnectedCluster } from './support.ts';

const missing =
  (await whyNoCluster()) ??
  (process.env.MESHLOOM_TEST_KUBECONFIG ? 'an existing cluster’s node is not to be broken' : undefined);
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

/** As the node of the incident had it. */
const galaxyConf = '{"name":"galaxy","type":"galaxy-sdn","capabilities":{"portMappings":true}}\n';

describe.skipIf(missing)('a node with a plugin of Galaxy’s age', { timeout: 120_000 }, () => {
  let running: TestCluster | undefined;
  let space: NodeSpace;
  let cluster: ConnectedCluster;
  let pods: TestPods;
  let istio: IstioInstaller;
  let program: Uint8Array;

  beforeAll(async () => {
    program = await readHelperProgram();
    running = await startCluster(say, {
      file: () => ['00-galaxy.conf', galaxyConf],
      programs: () => ({ 'galaxy-sdn': programText('galaxy-sdn') }),
    });
    space = running.space!;
    cluster = await connect(running.kubeconfig);
    istio = new IstioInstaller(space, cniDirectory, cniPrograms);
    pods = new TestPods(cluster, 'shop');
    await pods.open();
    await deployNodeHelper(cluster, helperManifest({ image: nodeImage, version: '0.1.0', program }));
  }, 15 * 60_000);

  afterAll(async () => {
    cluster?.dispose();
    await running?.dispose();
  }, 60_000);

  /** What the tree shows. */
  async function chain(): Promise<CniChain> {
    const { reply } = await readCni(cluster, nodeName);
    if (!reply.ok) throw new Error(reply.error.message);
    return describeChain(reply.result);
  }

  const errors = ({ problems }: CniChain) =>
    problems.flatMap(({ severity, code, plugin }) => (severity === 'error' ? [[code, plugin]] : []));

  /** On the node itself, as `meshloom cni …` does it there. */
  const repair = async () => {
    const helper = space.write('node-helper.cjs', Buffer.from(program).toString());
    const out = await space.run([process.execPath, helper, 'cni', 'repair', '--format', 'json']);
    return JSON.parse(out) as { action: string; result: string; cniVersion: string };
  };

  test('runs its pods, and nothing is wrong with its chain', async () => {
    await pods.run('before');
    const { effective, plugins, problems } = await chain();
    expect(effective?.name).toBe('00-galaxy.conf');
    expect(plugins.map(({ type, supportedVersions }) => [type, supportedVersions])).toEqual([
      ['galaxy-sdn', ['0.1.0', '0.2.0']],
    ]);
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    await pods.run('hangs-at-end');
  });

  test('is seen to break before any pod hangs, then pods hang at their start and at their end', async () => {
    await istio.install();
    const seen = await chain();
    expect(seen).toMatchObject({ effective: { name: '00-galaxy.conflist' }, cniVersion: '0.3.1' });
    expect(errors(seen)).toContainEqual(['ML2001', 'galaxy-sdn']);
    expect((await pods.list()).every(({ status }) => status?.phase === 'Running')).toBe(true);

    await pods.create('hangs-at-start');
    await pods.delete('hangs-at-end');
    const said = 'incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0" "0.2.0"]';
    expect((await pods.event('hangs-at-start', 'FailedCreatePodSandBox')).message).toContain(said);
    const { message } = await pods.event('hangs-at-end', 'FailedKillPod');
    expect(message?.replaceAll('\\', '')).toContain(said);
  });

  test('stays broken when the installer is taken away', async () => {
    await istio.uninstall();
    const left = await chain();
    expect(left.plugins.map(({ type }) => type)).toEqual(['galaxy-sdn']);
    expect(errors(left)).toContainEqual(['ML2001', 'galaxy-sdn']);
    expect((await pods.find('hangs-at-start'))?.status?.phase).toBe('Pending');
    expect(await pods.find('hangs-at-end')).toBeDefined();
  });

  test('is healed by a repair, and the pods that hung go on by themselves', async () => {
    const started = performance.now();
    expect(await repair()).toMatchObject({ action: 'restore', result: '00-galaxy.conf' });
    const repaired = performance.now();
    expect(errors(await chain())).toEqual([]);
    await pods.ready('hangs-at-start');
    const startsAgain = performance.now();
    await pods.gone('hangs-at-end');
    const ends = performance.now();
    const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(1)} s`;
    say(
      `repair took ${seconds(started, repaired)}; the pod that hung at its start is ready after ${seconds(repaired, startsAgain)}, the one that hung at its end gone after ${seconds(repaired, ends)}`,
    );
    expect(await listNames(space, cniDirectory)).toEqual(['00-galaxy.conf']);
  });

  test('keeps Istio’s plugin where that is there, in a list of a version that both speak', async () => {
    await istio.install();
    expect(await repair()).toMatchObject({ result: '00-galaxy.conflist', cniVersion: '0.2.0' });
    const { plugins, ...healed } = await chain();
    expect(plugins.map(({ type }) => type)).toEqual(['galaxy-sdn', 'istio-cni']);
    expect(errors({ plugins, ...healed })).toEqual([]);
    await pods.run('with-both');
    await pods.end('with-both');
  });

  test('takes our own plugin in a list of its old version, and is afterwards what it was to the byte', async () => {
    await space.run(['sh', '-c', `rm -f ${cniDirectory}/*; rm -f ${cniPrograms}/istio-cni`]);
    await space.run(['sh', '-c', `cat > ${cniDirectory}/00-galaxy.conf`], { input: galaxyConf });
    await space.run(['sh', '-c', `cd ${cniDirectory} && chmod 640 00-galaxy.conf && chown 1000:1001 00-galaxy.conf`]);
    const before = [await readDirectory(space, cniDirectory), await readDirectory(space, cniPrograms)];
    await deployInterception(cluster, program);
    const { exit, plan } = await actOnCni(cluster, { action: 'install' });
    expect({ exit, ...plan }).toMatchObject({
      ...{ exit: 0, action: 'convert', result: '00-galaxy.conflist', cniVersion: '0.2.0' },
    });
    const { plugins, name, ...now } = await chain();
    expect([name, plugins.map(({ type }) => type)]).toEqual(['galaxy', ['galaxy-sdn', 'meshloom-cni']]);
    expect(errors({ plugins, ...now })).toEqual([]);
    const pod = await pods.run('chained', injected());
    await outcomeOf(cluster, pod, 'programmed');
    expect((await compareRules(cluster, pod)).map(({ status }) => status)).toEqual(['same', 'same']);
    await pods.end('chained');
    expect(await actOnCni(cluster, { action: 'uninstall' })).toMatchObject({ exit: 0 });
    expect([await readDirectory(space, cniDirectory), await readDirectory(space, cniPrograms)]).toEqual(before);
    await pods.run('afterwards');
    await pods.end('afterwards', 'before', 'hangs-at-start');
  });
});
