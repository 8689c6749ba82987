/**
 * The node helper on a real Kubernetes: put there by the extension's own code, asked through a real `pods/exec`, taken
 * away again. What it says about a pod must be what the node's own programs say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterFailure, resourceTypes, type ResourceType } from '../../extension/cluster/cluster.ts';
import { hello, inspectPod, inspectPods, readCni } from '../../extension/node-helper/client.ts';
import {
  deployNodeHelper,
  findDeployedHelper,
  isHelperDeployed,
  removeNodeHelper,
  Unfinished,
  type Progress,
} from '../../extension/node-helper/deploy.ts';
import { hashOfProgram, helperManifest, helperNamespace } from '../../extension/node-helper/manifest.ts';
import { observeCapabilities, observeRights } from '../../contract/node-helper-rights.ts';
import type { NodeHelperReply, NodeHelperVerb, ResultOf } from '../../contract/node-helper.ts';
import type { KubernetesEvent, KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { nodeImage, proxyImage } from './images.ts';
import { containerdSocket } from './node-files.ts';
import type { NodeSpace } from './node-space.ts';
import { cniConfigPath, startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';
import { connect, eventually, failureOf, readHelperProgram, say, type ConnectedCluster } from './support.ts';

const missing = await whyNoCluster();
if (missing) console.log(`test/cluster: skipped, because ${missing}`);

const fixtures = join(import.meta.dirname, '../../mesh/interception/fixtures');
const rules = readFileSync(join(fixtures, 'with-cni_shop_productpage.v4.save'), 'utf8');
const namespace = `meshloom-test-${process.pid}`;

let running: TestCluster | undefined;
let cluster: ConnectedCluster;
let program: Uint8Array;

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
  const everything = lists.flat().sort();
  // In a cluster that was there before, others come and go meanwhile.
  return running?.space ? everything : everything.filter((name) => /meshloom-(system|node-helper)/.test(name));
}

/** The same, once the controllers of a new cluster have made all that they make by themselves. */
async function listWhenAtRest(): Promise<string[]> {
  const made = `ConfigMap ${namespace}/kube-root-ca.crt`;
  let last: string[] = [];
  return await eventually('the cluster coming to rest', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const previous = last;
    last = await listEverything();
    const isOwn = running?.space !== undefined;
    return isDeepStrictEqual(last, previous) && (!isOwn || last.includes(made)) ? last : undefined;
  });
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

/** As the kernel numbers them. */
const capabilityBits: Record<(typeof observeCapabilities)[number], number> = {
  DAC_READ_SEARCH: 2,
  SETPCAP: 8,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
};

/** A server on 8080. */
const listen = "require('node:http').createServer((_, answer) => answer.end('hello')).listen(8080)";
const app = { name: 'app', image: nodeImage, imagePullPolicy: 'IfNotPresent', command: ['node', '-e', listen] };

function podOf(name: string, spec: Record<string, unknown> = {}): KubernetesObject {
  const common = { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [app] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { ...common, ...spec },
  } as KubernetesObject;
}

async function findReadyPod(name: string): Promise<Pod | undefined> {
  const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace });
  return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
}

/** Makes a pod and waits until it is Ready. */
async function runPod(name: string, spec: Record<string, unknown> = {}): Promise<Pod> {
  await cluster.apply(podOf(name, spec));
  return await eventually(`pod ${name} getting ready`, () => findReadyPod(name));
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
    program = await readHelperProgram();
    running = await startCluster(say);
    cluster = await connect(running.kubeconfig);
    if (await isHelperDeployed(cluster)) throw new Error('A node helper is deployed in this cluster; remove it first.');
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await eventually('the service account', () => cluster.get(resourceTypes.serviceAccounts, 'default', { namespace }));
    before = await listWhenAtRest();
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
      const failure = await failureOf(deployNodeHelper(nobody, manifest()));
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

  test('takes its namespace back when somebody may make that and nothing else', async (context) => {
    onOwnNode(context);
    const name = 'meshloom-test-namespaces';
    const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } };
    const verbs = ['get', 'create', 'patch', 'delete'];
    const role = { ...rbac, kind: 'ClusterRole', rules: [{ apiGroups: [''], resources: ['namespaces'], verbs }] };
    const subjects = [{ kind: 'User', name: 'nobody@example.org', apiGroup: 'rbac.authorization.k8s.io' }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const binding = { ...rbac, kind: 'ClusterRoleBinding', subjects, roleRef };
    for (const object of [role, binding] as KubernetesObject[]) await cluster.apply(object);
    const nobody = await connect(running!.kubeconfigOfNobody!);
    try {
      const failure = await failureOf(deployNodeHelper(nobody, manifest()));
      expect(failure).toBeInstanceOf(ClusterFailure);
      expect((failure as ClusterFailure).message).toBe(
        'Could not apply serviceaccounts “meshloom-node-helper” in namespace “meshloom-system” of context “meshloom-test”: user “nobody@example.org” lacks the right to patch serviceaccounts (403).',
      );
    } finally {
      nobody.dispose();
      for (const { kind } of [role, binding]) {
        const plural = `${kind.toLowerCase()}s`;
        await cluster.delete({ apiVersion: rbac.apiVersion, kind, plural, namespaced: false }, name);
      }
    }
    await eventually('the end of its namespace', async () =>
      (await cluster.get(resourceTypes.namespaces, helperNamespace)) ? undefined : true,
    );
    expect(await listEverything()).toEqual(before);
  });

  test('says which policy would keep its pods away, before it is there', async (context) => {
    onOwnNode(context);
    const admission = 'admissionregistration.k8s.io/v1';
    const message = 'no pod may see the processes of a node';
    const metadata = { name: 'no-host-pid.example.org' };
    const where = {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [helperNamespace, namespace] }],
    };
    const policy = {
      ...{ apiVersion: admission, kind: 'ValidatingAdmissionPolicy', metadata },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        },
        validations: [{ expression: '!has(object.spec.hostPID) || !object.spec.hostPID', message }],
      },
    };
    const binding = {
      ...{ apiVersion: admission, kind: 'ValidatingAdmissionPolicyBinding', metadata },
      spec: { policyName: metadata.name, validationActions: ['Deny'], matchResources: { namespaceSelector: where } },
    };
    const plurals = {
      [policy.kind]: 'validatingadmissionpolicies',
      [binding.kind]: 'validatingadmissionpolicybindings',
    };
    for (const object of [policy, binding]) await cluster.apply(object as KubernetesObject);
    const containers = [{ name: 'app', image: nodeImage }];
    const probe = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', namespace },
      spec: { hostPID: true, containers },
    };
    try {
      await eventually(
        'the policy coming into force',
        async () =>
          String(await failureOf(cluster.apply(probe as KubernetesObject, { dryRun: true }))).includes(message) ||
          undefined,
      );
      const failure = (await failureOf(deployNodeHelper(cluster, manifest(), { timeoutMs: 6_000 }))) as ClusterFailure;
      expect(failure).toBeInstanceOf(ClusterFailure);
      expect(failure.message).toMatch(/^Context “meshloom-test” would refuse the node helper’s pods\. .*no-host-pid/);
      expect(failure.message).toContain(message);
      expect(failure.next).toContain('Ask who administers the cluster to allow it in namespace “meshloom-system”');
      await eventually('the end of its namespace', async () =>
        (await cluster.get(resourceTypes.namespaces, helperNamespace)) ? undefined : true,
      );
      expect(await removeNodeHelper(cluster)).toBe(false);
    } finally {
      for (const [kind, plural] of Object.entries(plurals))
        await cluster.delete({ apiVersion: admission, kind, plural, namespaced: false }, metadata.name);
    }
    // It is in force for a moment longer.
    await eventually('the policy being gone', async () =>
      String(await failureOf(cluster.apply(probe as KubernetesObject, { dryRun: true }))).includes(message)
        ? undefined
        : true,
    );
    expect(await listEverything()).toEqual(before);
  });

  test('says on which node its image cannot be had', async (context) => {
    onOwnNode(context);
    const image = '127.0.0.1:1/mirror/node:24-slim';
    const wrong = helperManifest({ image, version: '0.1.0+test', program });
    const failure = (await failureOf(deployNodeHelper(cluster, wrong, { timeoutMs: 8_000 }))) as Unfinished;
    expect(failure).toBeInstanceOf(Unfinished);
    expect(failure.rollout?.waiting.map(({ node, why }) => [node, why])).toEqual([
      ['n1', expect.stringMatching(/^(ErrImagePull|ImagePullBackOff): .*127\.0\.0\.1:1\/mirror\/node/) as string],
    ]);
    expect(failure.message).toContain('Set meshloom.helper.image to an image with Node that the nodes can pull');
  });

  test('comes up on the kubelet from the unchanged manifest, once its image can be had, and tells each step', async () => {
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

  test('runs with exactly the rights that its preview lists, without a token and with nothing to write to', async (context) => {
    const space = onOwnNode(context);
    const [pod] = (await cluster.list<Pod>(resourceTypes.pods, { namespace: helperNamespace })).items;
    const status = await space.run(['cat', `/proc/${await pidOf(space, pod!)}/status`]);
    const field = (name: string) => BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)?.[1] ?? '0'}`);
    const wanted = observeCapabilities.reduce((sum, name) => sum | (1n << BigInt(capabilityBits[name])), 0n);
    for (const set of ['CapEff', 'CapPrm', 'CapBnd']) expect(field(set).toString(16)).toBe(wanted.toString(16));
    expect(field('CapAmb')).toBe(0n);
    expect(observeRights().flatMap(({ kind, name }) => (kind === 'capability' ? [name] : []))).toEqual([
      ...observeCapabilities,
    ]);
    const place = { namespace: helperNamespace, name: pod!.metadata!.name!, container: 'node-helper' };
    const look =
      "const fs=require('fs');const can=(p)=>{try{fs.writeFileSync(p+'/x','');fs.rmSync(p+'/x');return true}catch{return false}};" +
      "console.log(JSON.stringify({token:fs.existsSync('/var/run/secrets/kubernetes.io'),writable:['/','/run/meshloom','/host/etc/cni/net.d','/host/opt/cni/bin','/etc'].filter(can)}))";
    const { stdout } = await cluster.exec(place, ['node', '-e', look]);
    expect(JSON.parse(stdout)).toEqual({ token: false, writable: [] });
    const listening = await space.run(['cat', '/proc/net/tcp', '/proc/net/tcp6']);
    const inodes = await cluster.exec(place, [
      'node',
      '-e',
      "const fs=require('fs');const pid=fs.readdirSync('/proc').find(p=>/^\\d+$/.test(p)&&(()=>{try{return fs.readFileSync('/proc/'+p+'/cmdline','utf8').includes('node-helper.js\\0wait')}catch{return false}})());console.log(fs.readdirSync('/proc/'+pid+'/fd').map(f=>{try{return fs.readlinkSync('/proc/'+pid+'/fd/'+f)}catch{return ''}}).filter(l=>l.startsWith('socket:')).join(' '))",
    ]);
    const sockets = [...inodes.stdout.matchAll(/socket:\[(\d+)\]/g)].map(([, inode]) => inode!);
    for (const inode of sockets) expect(listening).not.toMatch(new RegExp(`\\s0A\\s.*\\s${inode}\\s`));
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

  test('reads many pods of a node at once, each as alone, and says why one could not be', async () => {
    const names = ['many-1', 'many-2', 'many-3'];
    const pods = await Promise.all(names.map(async (name) => await runPod(name)));
    const node = pods[0]!.spec!.nodeName!;
    const gone = { ...pods[0]!, metadata: { ...pods[0]!.metadata, name: 'gone', uid: 'ffffffff-0000-4000-8000-0' } };
    const there = pods.filter((pod) => pod.spec?.nodeName === node);
    const many = await inspectPods(cluster, node, [...there, { ...gone, status: {} }]);
    expect(many.map(({ name, ...pod }) => [name, pod.ok || pod.error.code])).toEqual([
      ...there.map(({ metadata }) => [metadata!.name, true]),
      ['gone', 'pod-not-found'],
    ]);
    for (const [at, pod] of there.entries()) {
      const alone = resultOf((await inspectPod(cluster, pod)).reply);
      const one = many[at]!;
      if (!one.ok) throw new Error(one.error.message);
      expect(one.result.netns).toBe(alone.netns);
      expect(one.result.readings.map(({ text, ...rest }) => ({ ...rest, text: rulesOf(text) }))).toEqual(
        alone.readings.map(({ text, ...rest }) => ({ ...rest, text: rulesOf(text) })),
      );
      expect(one.result.listening).toEqual(alone.listening);
      expect(one.result.interfaces).toEqual(alone.interfaces);
    }
  });

  test('finds the rules of a pod whose containers keep crashing', async (context) => {
    const space = onOwnNode(context);
    const crashing = { name: 'app', image: nodeImage, command: ['node', '-e', 'process.exit(1)'] };
    await cluster.apply(podOf('crashing', { containers: [crashing] }));
    const pod = await eventually('the crash', async () => {
      const found = await cluster.get<Pod>(resourceTypes.pods, 'crashing', { namespace });
      const state = found?.status?.containerStatuses?.[0]?.state;
      return state?.terminated || state?.waiting?.reason === 'CrashLoopBackOff' ? found : undefined;
    });
    const found = resultOf((await inspectPod(cluster, pod)).reply);
    expect(found.interfaces.find(({ name }) => name === 'eth0')?.addresses).toContain(`${pod.status!.podIP}/24`);
    expect((await space.run(['cat', `/proc/${found.pid}/comm`])).trim()).toBe('pause');
  });

  test('finds a static pod, whose UID in the cluster is not the one on the node', async (context) => {
    const space = onOwnNode(context);
    space.write('static-pods/static.json', JSON.stringify(podOf('static')), 0o644);
    const pod = await eventually('the static pod getting ready', () => findReadyPod('static-n1'));
    const found = resultOf((await inspectPod(cluster, pod)).reply);
    const cgroup = await space.run(['cat', `/proc/${found.pid}/cgroup`]);
    expect(cgroup).toContain(`/pod${pod.metadata!.annotations!['kubernetes.io/config.hash']}/`);
    expect(cgroup).not.toContain(pod.metadata!.uid);
    space.remove('static-pods/static.json');
  });

  test('takes the proxy’s iptables when the node has none', async (context) => {
    const space = onOwnNode(context);
    const proxy = { name: 'istio-proxy', image: proxyImage, command: ['sleep', '3600'] };
    const pod = await runPod('on-a-bare-node', { containers: [proxy, app] });
    const pid = await pidOf(space, pod);
    const inPod = (argv: string[], input = '') =>
      space.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv], { input });
    await inPod(['iptables-nft-restore'], rules);
    const wanted = await inPod(['iptables-nft-save', '-c']);
    const written = space.path('written/usr/sbin');
    const layers = `lowerdir=/usr/sbin,upperdir=${written}/upper,workdir=${written}/work`;
    const hide = 'rm -f /usr/sbin/*tables* /usr/sbin/nft';
    await space.run([
      'sh',
      '-c',
      `mkdir -p ${written}/upper ${written}/work && mount -t overlay overlay -o ${layers} /usr/sbin && ${hide}`,
    ]);
    try {
      const found = resultOf((await inspectPod(cluster, pod)).reply);
      expect(found.readings.map(({ family, origin }) => [family, origin])).toEqual([
        ['4', 'proxy-container'],
        ['6', 'proxy-container'],
      ]);
      expect(rulesOf(found.readings[0]!.text)).toBe(rulesOf(wanted));
    } finally {
      await space.run(['umount', '--lazy', '/usr/sbin']);
    }
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
      {
        ...{ name: '10-meshloom-test.conflist', mode: 0o600, modified: expect.any(Number) as number },
        content: await space.run(['cat', cniConfigPath]),
      },
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

  test('starts and answers on a node whose CNI chain is broken, where no other pod can start', async (context) => {
    const space = onOwnNode(context);
    const broken = { cniVersion: '0.4.0', name: 'broken', plugins: [{ type: 'no-such-plugin' }] };
    const path = '/etc/cni/net.d/00-broken.conflist';
    await space.run(['cp', space.write('broken.conflist', JSON.stringify(broken)), path]);
    try {
      await cluster.apply(podOf('stuck'));
      const { message } = await eventually('the pod being stuck', async () =>
        (await cluster.list<KubernetesEvent>(resourceTypes.events, { namespace })).items.find(
          ({ reason, involvedObject }) => reason === 'FailedCreatePodSandBox' && involvedObject?.name === 'stuck',
        ),
      );
      expect(message).toContain('no-such-plugin');
      const [old] = (await cluster.list<Pod>(resourceTypes.pods, { namespace: helperNamespace })).items;
      await cluster.delete(resourceTypes.pods, old!.metadata!.name!, { namespace: helperNamespace });
      await eventually('its pod being another one', async () => {
        const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: helperNamespace });
        return items.every(({ metadata }) => metadata?.uid !== old!.metadata!.uid) || undefined;
      });
      expect(await deployNodeHelper(cluster, manifest())).toEqual({ wanted: 1, ready: 1, waiting: [] });
      const { plugins } = resultOf((await readCni(cluster, 'n1')).reply);
      expect(plugins).toContainEqual({ type: 'no-such-plugin', error: 'no program “no-such-plugin” in /opt/cni/bin' });
    } finally {
      await space.run(['rm', '-f', path]);
    }
    await eventually('the pod starting after all', () => findReadyPod('stuck'));
  });

  test('runs another program after an upgrade, and drops the older one', async () => {
    const next = Buffer.concat([program, Buffer.from('\n// another one\n')]);
    expect(await findDeployedHelper(cluster)).toEqual({
      ...{ mode: 'observe', version: '0.1.0_test', hash: hashOfProgram(program) },
      command: 'node /run/meshloom/node-helper.js wait',
    });
    const steps: Progress[] = [];
    await deployNodeHelper(cluster, manifest(next), { onProgress: (step) => steps.push(step), pollMs: 100 });
    expect(await findDeployedHelper(cluster)).toMatchObject({ hash: hashOfProgram(next) });
    const rollout = steps.filter(({ nodes }) => nodes !== undefined);
    expect(rollout.some(({ nodes }) => nodes!.some(({ state }) => state !== 'ready'))).toBe(true);
    expect(rollout.at(-1)?.nodes?.map(({ state }) => state)).toEqual(rollout.at(-1)?.nodes?.map(() => 'ready'));
    const { items } = await cluster.list(resourceTypes.configMaps, { namespace: helperNamespace });
    const programs = items.map(({ metadata }) => metadata?.name).filter((name) => name?.startsWith('meshloom-'));
    expect(programs).toEqual([`meshloom-node-helper-${hashOfProgram(next)}`]);
    const [node] = (await cluster.list(resourceTypes.nodes)).items;
    const options = { ownHash: hashOfProgram(next) };
    expect((await hello(cluster, node!.metadata!.name!, undefined, options)).outdated).toBe(false);
  });

  test('is gone without a trace when it is removed', async (context) => {
    for (const { metadata } of (await cluster.list(resourceTypes.pods, { namespace })).items)
      await cluster.delete(resourceTypes.pods, metadata!.name!, { namespace });
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
