import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { observeCapabilities, observeRights } from '../../contract/node-helper-rights.ts';
import type { ConfigMap, Pod, Workload } from '../../mesh/kubernetes.ts';
import { createClientNodeCluster } from '../cluster/client-node-cluster.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { startApiServer, type RunningApiServer } from '../demo/api-server.ts';
import { readRecording } from '../demo/recording.ts';
import type { Fault } from '../demo/faults.ts';
import { HelperMissing, hello, inspectPod, readCni, whyNotRunning } from './client.ts';
import {
  deployNodeHelper,
  describeRollout,
  findDeployedHelper,
  isHelperDeployed,
  removeNodeHelper,
  Unfinished,
  type Progress,
} from './deploy.ts';
import { hashOfProgram, helperManifest, helperNamespace, manifestRights } from './manifest.ts';
import { printPreview } from './preview.ts';

const recordings = join(import.meta.dirname, '../demo/recordings');
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function demoCluster(
  state = 'broken',
  faults?: Fault | Fault[],
): Promise<{ cluster: Cluster; server: RunningApiServer }> {
  const recording = await readRecording(join(recordings, state));
  const server = await startApiServer({ recording, ...(faults && { faults }) });
  const cluster = createClientNodeCluster({
    context: { id: `demo:${state}`, name: `demo-${state}`, kind: 'demo' },
    cluster: { name: 'demo', server: server.url, skipTLSVerify: false },
    user: { name: 'demo', token: server.token, impersonateGroups: [] },
    environment: {},
  });
  cleanUps.push(
    () => cluster.dispose(),
    () => server.close(),
  );
  return { cluster, server };
}

const program = (text = 'console.log("hello")') => Buffer.from(text);
const manifestOf = (bytes = program(), version = '0.1.0') =>
  helperManifest({ image: 'node:24-slim', version, program: bytes });
const fast = { pollMs: 50 };

/** Names of everything that the helper could leave behind. */
async function inventory(cluster: Cluster): Promise<string[]> {
  const types: ResourceType[] = [
    resourceTypes.namespaces,
    resourceTypes.pods,
    resourceTypes.configMaps,
    resourceTypes.serviceAccounts,
    resourceTypes.daemonSets,
    resourceTypes.deployments,
    resourceTypes.events,
    resourceTypes.clusterRoles,
    resourceTypes.clusterRoleBindings,
  ];
  const lists = await Promise.all(
    types.map(async (type) =>
      (await cluster.list(type)).items.map(
        ({ metadata }) => `${type.kind} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
      ),
    ),
  );
  return lists.flat().sort();
}

describe('deploying', () => {
  it('tells each step, runs on every node also where the CNI chain is broken, answers, and removing it leaves nothing', async () => {
    const { cluster } = await demoCluster('broken');
    const before = await inventory(cluster);
    const steps: Progress[] = [];
    const rollout = await deployNodeHelper(cluster, manifestOf(), { ...fast, onProgress: (step) => steps.push(step) });
    expect(rollout).toEqual({ wanted: 1, ready: 1, waiting: [] });
    expect(steps.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'Asking whether Namespace “meshloom-system” would be accepted',
        'Applying DaemonSet “meshloom-node-helper”',
        '1 of 1 nodes ready',
      ]),
    );
    expect(await isHelperDeployed(cluster)).toBe(true);

    const pods = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const pod = pods.items.find(
      ({ metadata, status }) => metadata?.name?.startsWith('reviews') && status?.phase === 'Running',
    )!;
    const { reply, node, helperPod, outdated } = await inspectPod(cluster, pod, undefined, {
      ownHash: hashOfProgram(program()),
    });
    expect([node, helperPod, outdated]).toEqual(['n1', expect.stringMatching(/^meshloom-node-helper-/), false]);
    if (!reply.ok) expect.fail(reply.error.message);
    expect(reply.result.readings.map(({ text }) => text).join()).toContain('ISTIO_INBOUND');
    const cni = await readCni(cluster, 'n1');
    expect(cni.reply.ok && cni.reply.result.files.map(({ name }) => name)).toContain('00-galaxy.conflist');
    expect((await hello(cluster, 'n1', undefined, { ownHash: 'another' })).outdated).toBe(true);

    expect(await removeNodeHelper(cluster, fast)).toBe(true);
    expect(await inventory(cluster)).toEqual(before);
    expect(await removeNodeHelper(cluster, fast)).toBe(false);
  });

  it('again with another version replaces pods and program, and the older program goes', async () => {
    const { cluster } = await demoCluster('with-cni');
    await deployNodeHelper(cluster, manifestOf(program('old')), fast);
    await deployNodeHelper(cluster, manifestOf(program('new'), '0.2.0'), fast);
    const { items } = await cluster.list<ConfigMap>(resourceTypes.configMaps, { namespace: helperNamespace });
    const programs = items.map(({ metadata }) => metadata?.name).filter((name) => name?.startsWith('meshloom'));
    expect(programs).toEqual([`meshloom-node-helper-${hashOfProgram(program('new'))}`]);
    expect((await hello(cluster, 'n1', undefined, { ownHash: hashOfProgram(program('new')) })).outdated).toBe(false);
  });

  it('goes from observe to intercept mode and back in place, and leaves nothing of the other mode', async () => {
    const { cluster } = await demoCluster('broken');
    const before = await inventory(cluster);
    const clusterWide = async () =>
      (await inventory(cluster)).filter((name) => name.startsWith('ClusterRole') && name.includes('meshloom'));
    const intercept = helperManifest({
      image: 'node:24-slim',
      version: '0.1.0',
      program: program(),
      mode: 'intercept',
      launchers: { x64: program('launcher') },
    });
    await deployNodeHelper(cluster, manifestOf(), fast);
    expect((await findDeployedHelper(cluster))?.mode).toBe('observe');
    await deployNodeHelper(cluster, intercept, fast);
    expect(await findDeployedHelper(cluster)).toMatchObject({
      mode: 'intercept',
      directories: { confDirs: ['/etc/cni/net.d'], binDirs: ['/opt/cni/bin'] },
    });
    expect(await clusterWide()).toHaveLength(2);
    await deployNodeHelper(cluster, manifestOf(), fast);
    expect((await findDeployedHelper(cluster))?.mode).toBe('observe');
    expect(await clusterWide()).toEqual([]);
    const { items } = await cluster.list<Workload>(resourceTypes.daemonSets, { namespace: helperNamespace });
    expect(JSON.stringify(items)).not.toMatch(/var-lib-meshloom|serviceAccountToken|DAC_OVERRIDE/);
    const { items: maps } = await cluster.list<ConfigMap>(resourceTypes.configMaps, { namespace: helperNamespace });
    expect(maps.map(({ metadata }) => metadata?.name)).toEqual([`meshloom-node-helper-${hashOfProgram(program())}`]);
    await deployNodeHelper(cluster, intercept, fast);
    expect(await removeNodeHelper(cluster, fast)).toBe(true);
    expect(await inventory(cluster)).toEqual(before);
  }, 20_000);

  it('changes nothing when the dry run is refused', async () => {
    const { cluster, server } = await demoCluster('with-cni');
    const before = await inventory(cluster);
    server.setFaults({ for: 'daemonsets/.*dryRun', methods: ['PATCH'], status: 403 });
    await expect(deployNodeHelper(cluster, manifestOf(), fast)).rejects.toThrow(ClusterFailure);
    server.setFaults();
    await expect.poll(async () => await inventory(cluster), { timeout: 5000 }).toEqual(before);
  });

  it('says what stands when a later step is refused', async () => {
    const { cluster } = await demoCluster('with-cni', {
      for: 'daemonsets/[^?]*\\?(?!.*dryRun)',
      methods: ['PATCH'],
      status: 500,
    });
    const error = (await deployNodeHelper(cluster, manifestOf(), fast).catch(
      (reason: unknown) => reason,
    )) as ClusterFailure;
    expect(error.reason).toBe('server-error');
    expect(error.next).toMatch(
      /Applied so far to “meshloom-system” in context “demo-with-cni”: Namespace meshloom-system, ServiceAccount .*, ConfigMap .*Remove Node Helper/,
    );
  });

  it('leaves a namespace alone that is not ours', async () => {
    const { cluster } = await demoCluster('with-cni');
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: helperNamespace } });
    await expect(deployNodeHelper(cluster, manifestOf(), fast)).rejects.toThrow(
      'there is a namespace “meshloom-system” that is not Meshloom’s',
    );
    expect(await removeNodeHelper(cluster, fast)).toBe(false);
    expect(await cluster.get(resourceTypes.namespaces, helperNamespace)).toBeDefined();
  });

  it('stopped in the middle says what stays', async () => {
    const { cluster } = await demoCluster('with-cni');
    const stop = new AbortController();
    const onProgress = ({ wanted }: Progress) => {
      if (wanted !== undefined) stop.abort();
    };
    const error = await deployNodeHelper(cluster, manifestOf(), { ...fast, signal: stop.signal, onProgress }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Unfinished);
    expect((error as Unfinished).cancelled).toBe(true);
    expect((error as Unfinished).message).toMatch(
      /^Cancelled\. Applied so far to “meshloom-system” in context “demo-with-cni”: .*DaemonSet meshloom-node-helper/,
    );
    expect(await removeNodeHelper(cluster, fast)).toBe(true);
  });

  it('ends at its deadline with how far it came and why', async () => {
    const { cluster } = await demoCluster('with-cni');
    const error = await deployNodeHelper(cluster, manifestOf(), { ...fast, timeoutMs: 100 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Unfinished);
    expect((error as Unfinished).message).toMatch(
      /The node helper runs on 0 of 1 nodes\. .*It stays in “meshloom-system”/,
    );
  });

  it('says that nobody answers on a node without it', async () => {
    const { cluster } = await demoCluster('with-cni');
    const error = await readCni(cluster, 'n1').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HelperMissing);
    expect((error as HelperMissing).node).toBe('n1');
    expect((error as HelperMissing).message).toBe(
      'No node helper runs on node “n1” of context “demo-with-cni”. Deploy it to look into the node.',
    );
  });
});

describe('a rollout', () => {
  const pod = (status: Pod['status']): Pod => ({ metadata: { name: 'h-1' }, spec: { nodeName: 'n2' }, status });
  const daemonSet = { status: { desiredNumberScheduled: 3, numberReady: 2, updatedNumberScheduled: 3 } } as Workload;

  it.each([
    [
      'ImagePullBackOff',
      {
        containerStatuses: [
          { name: 'node-helper', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such host' } } },
        ],
      },
      /meshloom\.helper\.image/,
    ],
    [
      'CrashLoopBackOff',
      { initContainerStatuses: [{ name: 'unpack', state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
      /log of that pod/,
    ],
    [
      'Unschedulable',
      { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'Insufficient cpu' }] },
      /Make room/,
    ],
    [
      'ContainerCreating',
      { containerStatuses: [{ name: 'node-helper', state: { waiting: { reason: 'ContainerCreating' } } }] },
      /more time/,
    ],
  ])('says what to do about %s', (reason, status, advice) => {
    const { wanted, ready, waiting } = describeRollout(daemonSet, [pod(status)]);
    expect([wanted, ready]).toEqual([3, 2]);
    expect(waiting[0]).toMatchObject({
      node: 'n2',
      pod: 'h-1',
      why: expect.stringContaining(reason) as string,
      next: expect.stringMatching(advice) as string,
    });
    expect(whyNotRunning(pod(status))).toContain(reason);
  });
});

describe('the manifest', () => {
  const [namespace, account, configMap, daemonSet] = manifestOf();
  const spec = (daemonSet as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
  const [container] = spec.containers as {
    securityContext: { capabilities: unknown };
    volumeMounts: { mountPath: string; readOnly?: boolean }[];
    ports?: unknown;
  }[];

  it('asks for exactly the rights that the contract gives reasons for', () => {
    expect(container!.securityContext.capabilities).toEqual({
      drop: ['ALL'],
      add: observeRights().flatMap(({ kind, name }) => (kind === 'capability' ? [name] : [])),
    });
    expect(new Set(observeCapabilities)).toEqual(
      new Set(observeRights().flatMap(({ kind, name }) => (kind === 'capability' ? [name] : []))),
    );
    const hostPaths = (spec.volumes as { hostPath?: { path: string } }[]).flatMap(
      ({ hostPath }) => hostPath?.path ?? [],
    );
    expect(hostPaths).toEqual(observeRights().flatMap(({ kind, name }) => (kind === 'mount' ? [name] : [])));
    const hostFields = Object.keys(spec).filter((field) => field.startsWith('host'));
    expect(hostFields.sort()).toEqual(
      manifestRights()
        .flatMap(({ kind, name }) => (kind === 'pod' && /^host/.test(name) ? [name] : []))
        .sort(),
    );
    expect(container!.ports).toBeUndefined();
    expect([spec.automountServiceAccountToken, account?.automountServiceAccountToken]).toEqual([false, false]);
  });

  it('mounts every host directory and the program read-only', () => {
    const writable = container!.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(['/tmp']);
  });

  it('names the program after its bytes, and carries them whole', async () => {
    const { gunzipSync } = await import('node:zlib');
    expect(configMap?.metadata?.name).toBe(`meshloom-node-helper-${hashOfProgram(program())}`);
    const [packed] = Object.values(configMap?.binaryData as Record<string, string>);
    expect(gunzipSync(Buffer.from(packed!, 'base64'))).toEqual(program());
    expect(namespace?.metadata?.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'privileged',
      'app.kubernetes.io/managed-by': 'meshloom',
    });
  });

  it('unpacks the program, to the byte, with nothing but node', () => {
    const directory = mkdtempSync(join(tmpdir(), 'meshloom-unpack-'));
    cleanUps.push(() => rmSync(directory, { recursive: true }));
    for (const [name, value] of Object.entries(configMap?.binaryData as Record<string, string>)) {
      writeFileSync(join(directory, name), Buffer.from(value, 'base64'));
    }
    const [init] = spec.initContainers as { command: string[] }[];
    const [, ...args] = init!.command.map((word) =>
      word.replaceAll('/opt/meshloom', directory).replaceAll('/run/meshloom', directory),
    );
    execFileSync(process.execPath, args);
    expect(readFileSync(join(directory, 'node-helper.js'))).toEqual(program());
  });

  it('refuses a program that no ConfigMap can hold', async () => {
    const { randomBytes } = await import('node:crypto');
    expect(() => manifestOf(randomBytes(1024 * 1024 + 1))).toThrow(/ConfigMap holds at most/);
  });

  it('is shown with every right and reason, and without the program’s bytes', async () => {
    const { parseAllDocuments } = await import('yaml');
    const text = printPreview(manifestOf(), manifestRights(), { context: 'kind-mesh', namespace: helperNamespace });
    for (const { name } of manifestRights()) expect(text).toContain(`#   ${name}\n`);
    expect(text).toContain('namespace “meshloom-system” of context “kind-mesh”');
    expect(text).toMatch(/node-helper\.js\.gz: .*\d+ bytes/);
    const kinds = (parseAllDocuments(text) as { get(key: string): unknown }[]).map((document) => document.get('kind'));
    expect(kinds).toEqual(['Namespace', 'ServiceAccount', 'ConfigMap', 'DaemonSet']);
  });
});
