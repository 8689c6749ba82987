/**
 * The node helper on a real Kubernetes: put there by the extension's own code, asked through a real `pods/exec`, taken
 * away again. What it says about a pod must be what the node's own programs say.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../../extension/cluster/cluster.ts';
import { findKubeconfigFiles, readKubeconfig, resolveContext } from '../../extension/cluster/kubeconfig.ts';
import { hello, inspectPod, readCni } from '../../extension/node-helper/client.ts';
import {
  deployNodeHelper,
  isHelperDeployed,
  removeNodeHelper,
  type Progress,
} from '../../extension/node-helper/deploy.ts';
import { hashOfProgram, helperManifest, helperNamespace } from '../../extension/node-helper/manifest.ts';
import type { NodeHelperReply, NodeHelperVerb, ResultOf } from '../../contract/node-helper.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { nodeImage } from './images.ts';
import { containerdSocket } from './node-files.ts';
import type { NodeSpace } from './node-space.ts';
import { cniConfigPath, startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';

const missing = await whyNoCluster();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const root = join(import.meta.dirname, '../..');
const rules = readFileSync(join(root, 'mesh/interception/fixtures/with-cni_shop_productpage.v4.save'), 'utf8');
const say = (line: string) => console.log(`test/cluster: ${line}`);
const namespace = `meshloom-test-${process.pid}`;

type OwnCluster = Cluster & { dispose(): void };
let running: TestCluster | undefined;
let cluster: OwnCluster;
let program: Uint8Array;

/** The built program; built here where dist/ has none or an older one. */
async function readProgram(): Promise<Uint8Array> {
  const built = join(root, 'dist/node-helper.js');
  const sources = ['node-helper', 'contract', 'mesh/cni'].flatMap((room) =>
    readdirSync(join(root, room)).map((file) => statSync(join(root, room, file)).mtimeMs),
  );
  const isFresh = (statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) > Math.max(...sources);
  if (isFresh) return readFileSync(built);
  const work = mkdtempSync(join(tmpdir(), 'meshloom-node-helper-'));
  try {
    const onNode = { platform: 'node', format: 'cjs', target: 'node20' } as const;
    const outfile = join(work, 'node-helper.js');
    await build({
      entryPoints: [join(root, 'node-helper/main.ts')],
      outfile,
      bundle: true,
      minify: true,
      mainFields: ['module', 'main'],
      ...onNode,
    });
    return readFileSync(outfile);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** As the extension does it: the kubeconfig read, its current context resolved. */
async function connect(kubeconfig: string): Promise<OwnCluster> {
  const config = await readKubeconfig(findKubeconfigFiles(kubeconfig));
  const resolved = resolveContext(config, config.currentContext ?? '');
  const context = { id: 'kubeconfig:test', name: resolved.context.name, kind: 'kubeconfig' as const };
  return createClientNodeCluster({ context, cluster: resolved.cluster, ...(resolved.user && { user: resolved.user }) });
}

const manifest = (bytes = program) => helperManifest({ image: nodeImage, version: '0.1.0+test', program: bytes });

/** Everything of the kinds in which something could be left behind, as `Kind namespace/name`. */
async function listEverything(): Promise<string[]> {
  const namespaced = (apiVersion: string, kind: string, plural: string) => ({
    apiVersion,
    kind,
    plural,
    namespaced: true,
  });
  const clusterWide = (apiVersion: string, kind: string, plural: string) => ({
    ...namespaced(apiVersion, kind, plural),
    namespaced: false,
  });
  const types: ResourceType[] = [
    ...Object.values(resourceTypes).filter((type) => type !== resourceTypes.events),
    namespaced('v1', 'Secret', 'secrets'),
    namespaced('apps/v1', 'ControllerRevision', 'controllerrevisions'),
    namespaced('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
    namespaced('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
    clusterWide('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles'),
    clusterWide('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings'),
    clusterWide('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions'),
    clusterWide('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses'),
  ];
  const lists = await Promise.all(
    types.map(async (type) =>
      (await cluster.list(type)).items.map(
        ({ metadata }) => `${type.kind} ${metadata?.namespace ?? ''}/${metadata?.name}`,
      ),
    ),
  );
  return lists.flat().sort();
}

/** Every object of the helper with the version that the API server gave it. */
async function versionsOfHelper(): Promise<Record<string, string>> {
  const types = [resourceTypes.daemonSets, resourceTypes.configMaps, resourceTypes.serviceAccounts, resourceTypes.pods];
  const lists = await Promise.all(
    types.map(async (type) => (await cluster.list(type, { namespace: helperNamespace })).items),
  );
  return Object.fromEntries(
    lists
      .flat()
      .map(({ kind, metadata }) => [
        `${kind} ${metadata?.name}`,
        (metadata as { resourceVersion: string }).resourceVersion,
      ]),
  );
}

async function eventually<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Runs a server on 8080 and waits until it is Ready. */
async function runPod(name: string, spec: Record<string, unknown> = {}): Promise<Pod> {
  const listen = "require('node:http').createServer((_, answer) => answer.end('hello')).listen(8080)";
  const app = { name: 'app', image: nodeImage, imagePullPolicy: 'IfNotPresent', command: ['node', '-e', listen] };
  await eventually('the default service account', () =>
    cluster.get(resourceTypes.serviceAccounts, 'default', { namespace }),
  );
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [app], ...spec },
  } as KubernetesObject);
  return await eventually(`pod ${name} getting ready`, async () => {
    const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace });
    return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
  });
}

/** The process that the container runtime started for a container, as the node counts. */
async function pidOf(space: NodeSpace, pod: Pod): Promise<number> {
  const id = pod.status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '?';
  const tasks = await space.run(['ctr', `--address=${containerdSocket}`, '--namespace=k8s.io', 'tasks', 'list']);
  return Number(new RegExp(`^${id}\\s+(\\d+)`, 'm').exec(tasks)?.[1]);
}

function resultOf<Verb extends NodeHelperVerb>(reply: NodeHelperReply<Verb>): ResultOf[Verb] {
  if (!reply.ok) throw new Error(`${reply.error.code}: ${reply.error.message}`);
  return reply.result;
}

/** Without dates and counters: packets pass while one looks. */
function rulesOf(text: string | undefined): string {
  return (text ?? '').replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, '[0:0]');
}

describe.skipIf(missing)('the node helper on a real Kubernetes', { timeout: 120_000 }, () => {
  let before: string[];

  beforeAll(async () => {
    const started = performance.now();
    [running, program] = await Promise.all([startCluster(say), readProgram()]);
    cluster = await connect(running.kubeconfig);
    if (await isHelperDeployed(cluster)) throw new Error('A node helper is deployed in this cluster; remove it first.');
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await eventually('the service account', () => cluster.get(resourceTypes.serviceAccounts, 'default', { namespace }));
    before = await listEverything();
    say(`up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }, 15 * 60_000);

  afterAll(async () => {
    // A cluster that was there before is left as it was found.
    if (running && !running.space) {
      await removeNodeHelper(cluster);
      await cluster.delete(resourceTypes.namespaces, namespace);
    }
    cluster?.dispose();
    await running?.dispose();
  }, 180_000);

  const onOwnNode = (context: { skip: (note: string) => never }): NodeSpace =>
    running?.space ?? context.skip('the node of an existing cluster is not this machine’s');

  test('says which right is missing when somebody without rights deploys it, and changes nothing', async (context) => {
    onOwnNode(context);
    const nobody = await connect(running!.kubeconfigOfNobody!);
    try {
      const failure = await deployNodeHelper(nobody, manifest()).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(ClusterFailure);
      expect((failure as ClusterFailure).reason).toBe('forbidden');
      expect((failure as ClusterFailure).message).toContain(
        'user “nobody@example.org” lacks the right to get namespaces (403)',
      );
      expect((failure as ClusterFailure).next).toContain('verb “get” on “namespaces” in the whole cluster');
    } finally {
      nobody.dispose();
    }
    expect(await listEverything()).toEqual(before);
  });

  test('comes up on the kubelet from the unchanged manifest, and tells each step', async () => {
    const steps: Progress[] = [];
    const rollout = await deployNodeHelper(cluster, manifest(), { onProgress: (step) => steps.push(step) });
    const nodes = (await cluster.list(resourceTypes.nodes)).items.length;
    expect(rollout).toEqual({ wanted: nodes, ready: nodes, waiting: [] });
    const messages = steps.map(({ message }) => message);
    expect(messages).toContain('Applying DaemonSet “meshloom-node-helper”');
    expect(messages.at(-1)).toBe(`${nodes} of ${nodes} nodes ready`);
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: helperNamespace });
    expect(items.map(({ status }) => status?.phase)).toEqual(items.map(() => 'Running'));
    expect(items.flatMap(({ status }) => status?.containerStatuses ?? []).map(({ ready }) => ready)).toEqual(
      items.map(() => true),
    );
  });

  test('answers, and finds the iptables of the node, which its image does not have', async (context) => {
    const [node] = (await cluster.list(resourceTypes.nodes)).items;
    const name = node!.metadata!.name!;
    const { reply, outdated } = await hello(cluster, name, undefined, { ownHash: hashOfProgram(program) });
    expect(outdated).toBe(false);
    const { node: told, kernel, iptables } = resultOf(reply);
    expect(told).toBe(name);
    expect(kernel).not.toBe('');
    const space = onOwnNode(context);
    const version = /v([\d.]+)/.exec(await space.run(['iptables-nft', '--version']))![1]!;
    expect(iptables).toContainEqual({ origin: 'host', backend: 'nft', path: expect.any(String) as string, version });
  });

  test('prints of a pod what iptables-save prints in its network namespace', async (context) => {
    const pod = await runPod('intercepted');
    const space = onOwnNode(context);
    const pid = await pidOf(space, pod);
    const inPod = (argv: string[], input = '') =>
      space.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv], { input });
    await inPod(['iptables-nft-restore'], rules);
    await inPod(['ip6tables-nft-restore'], '*nat\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -p tcp -j ISTIO_OUTPUT\nCOMMIT\n');

    const found = resultOf((await inspectPod(cluster, pod)).reply);
    const reading = (family: '4' | '6') => found.readings.find((candidate) => candidate.family === family);
    expect(rulesOf(reading('4')?.text)).toBe(rulesOf(await inPod(['iptables-nft-save', '-c'])));
    expect(rulesOf(reading('6')?.text)).toBe(rulesOf(await inPod(['ip6tables-nft-save', '-c'])));
    expect(reading('4')?.text).toContain('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001');
    expect(found.readings.map(({ origin }) => origin)).toEqual(['host', 'host']);

    expect(await space.run(['cat', `/proc/${found.pid}/cgroup`])).toContain(
      `${space.cgroup}/kubepods/besteffort/pod${pod.metadata!.uid}/`,
    );
    expect(found.netns).toBe((await space.run(['readlink', `/proc/${pid}/ns/net`])).trim());
    expect(found.listening).toContainEqual({ family: '6', protocol: 'tcp', address: '::', port: 8080 });
    expect(found.interfaces.find(({ name }) => name === 'eth0')?.addresses).toContain(`${pod.status!.podIP}/24`);
    expect(found.policyRules).toContain('0:	from all lookup local');
    expect(found.notes).toEqual([]);
  });

  test('refuses a pod that uses the node’s own network', async () => {
    const pod = await runPod('on-the-node', { hostNetwork: true });
    const { reply } = await inspectPod(cluster, pod);
    expect(reply.ok).toBe(false);
    expect(!reply.ok && reply.error.code).toBe('host-network');
  });

  test('reads the CNI configuration that the node’s runtime uses, and asks its plugins', async (context) => {
    const [node] = (await cluster.list(resourceTypes.nodes)).items;
    const found = resultOf((await readCni(cluster, node!.metadata!.name!)).reply);
    expect(found.confDir).toBe('/etc/cni/net.d');
    const space = onOwnNode(context);
    expect(found.files).toEqual([
      { name: '10-meshloom-test.conflist', mode: 0o600, content: await space.run(['cat', cniConfigPath]) },
    ]);
    expect(found.plugins.map(({ type, path }) => [type, path])).toEqual([
      ['bridge', '/opt/cni/bin/bridge'],
      ['host-local', '/opt/cni/bin/host-local'],
      ['portmap', '/opt/cni/bin/portmap'],
    ]);
    for (const { supportedVersions } of found.plugins) expect(supportedVersions).toContain('0.4.0');
    expect(found.notes).toEqual([]);
  });

  test('changes nothing when it is deployed again', async () => {
    const versions = await versionsOfHelper();
    await deployNodeHelper(cluster, manifest());
    expect(await versionsOfHelper()).toEqual(versions);
  });

  test('runs another program after an upgrade, and drops the older one', async () => {
    const next = Buffer.concat([program, Buffer.from('\n// another one\n')]);
    await deployNodeHelper(cluster, manifest(next));
    const { items } = await cluster.list(resourceTypes.configMaps, { namespace: helperNamespace });
    const programs = items.map(({ metadata }) => metadata?.name).filter((name) => name?.startsWith('meshloom-'));
    expect(programs).toEqual([`meshloom-node-helper-${hashOfProgram(next)}`]);
    const [node] = (await cluster.list(resourceTypes.nodes)).items;
    const options = { ownHash: hashOfProgram(next) };
    expect((await hello(cluster, node!.metadata!.name!, undefined, options)).outdated).toBe(false);
  });

  test('is gone without a trace when it is removed', async (context) => {
    for (const name of ['intercepted', 'on-the-node']) await cluster.delete(resourceTypes.pods, name, { namespace });
    await eventually('the end of the test’s pods', async () =>
      (await cluster.list(resourceTypes.pods, { namespace })).items.length === 0 ? true : undefined,
    );
    expect(await removeNodeHelper(cluster)).toBe(true);
    expect(await listEverything()).toEqual(before);
    expect(await removeNodeHelper(cluster)).toBe(false);
    const space = onOwnNode(context);
    await eventually('the end of its processes', async () =>
      (await space.run(['ps', '-eo', 'args'])).includes('node-helper') ? undefined : true,
    );
  });
});
