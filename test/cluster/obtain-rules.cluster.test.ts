/**
 * A pod's rules where no node helper may be used: from inside the pod by a debug container, or computed; on a real
 * Kubernetes, with rules that were programmed with the real iptables. And each reason why a better way was closed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { offerDebugContainer, type ContainerOffer } from '../../extension/node-helper/debug-container.ts';
import { obtainRules, type NotObtained, type ObtainedRules } from '../../extension/node-helper/obtain-rules.ts';
import { whyNoHelperPod } from '../../extension/node-helper/why-no-helper-pod.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { nodeImage, proxyImage, shellProxyImage } from './images.ts';
import { containerdSocket } from './node-files.ts';
import type { NodeSpace } from './node-space.ts';
import { startCluster, whyNoCluster, type TestCluster } from './start-cluster.ts';
import { connect, eventually, say, type ConnectedCluster } from './support.ts';

const missing = (await whyNoCluster()) ?? (process.env.MESHLOOM_TEST_KUBECONFIG ? 'its node is not ours' : undefined);
if (missing) console.log(`test/cluster/obtain-rules: skipped, because ${missing}`);

const namespace = 'shop';
const guarded = 'guarded';
const rules = readFileSync(
  join(import.meta.dirname, '../../mesh/interception/fixtures/with-cni_shop_productpage.v4.save'),
  'utf8',
);

let running: TestCluster;
let cluster: ConnectedCluster;
let space: NodeSpace;

const proxyOf = (image: string) => ({
  ...{ name: 'istio-proxy', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] },
  // What a namespace that enforces "baseline" takes.
  securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true, allowPrivilegeEscalation: false },
});

/** As the CNI plugin's pods are: istio-validation shows that, its annotations tell what is programmed. */
function podOf(name: string, image: string, place = namespace, spec: object = {}): KubernetesObject {
  const validation = { ...proxyOf(image), name: 'istio-validation', command: ['sleep', '0'] };
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name, namespace: place },
      annotations: {
        'sidecar.istio.io/status': '{}',
        'sidecar.istio.io/interceptionMode': 'REDIRECT',
        'traffic.sidecar.istio.io/includeInboundPorts': '9080,9443',
        'traffic.sidecar.istio.io/excludeInboundPorts': '15020',
        'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
      },
    },
    spec: {
      ...{ terminationGracePeriodSeconds: 0, automountServiceAccountToken: false },
      ...{ initContainers: [validation], containers: [proxyOf(image)], ...spec },
    },
  } as KubernetesObject;
}

async function readPod(name: string, place = namespace): Promise<Pod> {
  return (await cluster.get<Pod>(resourceTypes.pods, name, { namespace: place }))!;
}

async function runPod(name: string, image: string, place = namespace, spec: object = {}): Promise<Pod> {
  await cluster.apply(podOf(name, image, place, spec));
  return await eventually(`pod ${name} getting ready`, async () => {
    const pod = await readPod(name, place);
    return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
  });
}

/** Runs a program in the pod's network namespace, with the node's own files. */
async function inPod(pod: Pod, argv: string[], input = ''): Promise<string> {
  const id = pod.status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? '?';
  const tasks = await space.run(['ctr', `--address=${containerdSocket}`, '--namespace=k8s.io', 'tasks', 'list']);
  const pid = new RegExp(`^${id}\\s+(\\d+)`, 'm').exec(tasks)?.[1];
  return await space.run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv], { input });
}

/** Without dates and counters: computed rules have none. */
const rulesOf = (text: string | undefined) => (text ?? '').replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\] ?/g, '');

function got(obtained: ObtainedRules | NotObtained): ObtainedRules {
  if (!obtained.ok) throw new Error(JSON.stringify(obtained.whyNot));
  return obtained;
}

const offerFor = (pod: Pod): ContainerOffer => offerDebugContainer(cluster, pod)!;

/** Somebody with these rights in the namespace and no other. */
async function allow(rulesOfRole: { resources: string[]; verbs: string[] }[]): Promise<ConnectedCluster> {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'some-rights' } };
  const rules = rulesOfRole.map((rule) => ({ apiGroups: [''], ...rule }));
  await cluster.apply({ ...rbac, kind: 'ClusterRole', rules } as KubernetesObject);
  const subjects = [{ kind: 'User', name: 'nobody@example.org', apiGroup: 'rbac.authorization.k8s.io' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'some-rights' };
  await cluster.apply({ ...rbac, kind: 'ClusterRoleBinding', subjects, roleRef } as KubernetesObject);
  const somebody = await connect(running.kubeconfigOfNobody!);
  const [first] = rulesOfRole;
  await eventually('the role coming into force', async () => {
    if (!first?.verbs.includes('get')) return true;
    return await somebody.get(resourceTypes.pods, 'with-shell', { namespace }).then(
      () => true,
      () => undefined,
    );
  });
  return somebody;
}

describe.skipIf(missing)('a pod’s rules without a node helper', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    running = await startCluster(say);
    space = running.space!;
    cluster = await connect(running.kubeconfig);
    for (const [name, labels] of [
      [namespace, {}],
      [guarded, { 'pod-security.kubernetes.io/enforce': 'baseline' }],
    ] as const)
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    for (const place of [namespace, guarded])
      await eventually('the service account', () =>
        cluster.get(resourceTypes.serviceAccounts, 'default', { namespace: place }),
      );
  }, 15 * 60_000);

  afterAll(async () => {
    cluster?.dispose();
    await running?.dispose();
  }, 180_000);

  test('computes them when nobody agreed to more, says so, and offers a debug container', async () => {
    const pod = await runPod('with-shell', shellProxyImage);
    await inPod(pod, ['iptables-nft-restore'], rules);
    const obtained = got(await obtainRules(cluster, pod));
    expect(obtained.way).toBe('computed');
    expect(obtained.says).toMatch(/^Computed, not read: /);
    expect(obtained.whyNot.map(({ way, code }) => [way, code])).toEqual([
      ['helper', undefined],
      ['ephemeral', 'not-asked'],
    ]);
    expect(obtained.whyNot[0]!.why).toContain('No node helper runs on node “n1” of context “meshloom-test”');
    expect(obtained.result.readings.map(({ family, backend, origin }) => [family, backend, origin])).toEqual([
      ['4', 'computed', 'computed'],
    ]);
    // The fixture was written by Istio's CNI plugin for a pod with these annotations.
    expect(rulesOf(obtained.result.readings[0]!.text)).toBe(rulesOf(rules));
    expect(obtained.offer).toMatchObject({ container: 'meshloom-rules', image: shellProxyImage });
    for (const said of ['with-shell', namespace, 'meshloom-test', 'cannot be undone']) {
      expect(obtained.offer!.detail).toContain(said);
    }
    expect(obtained.offer!.preview).toContain('NET_ADMIN');
    expect((await readPod('with-shell')).spec?.ephemeralContainers).toBeUndefined();
  });

  test('reads from inside the pod what iptables-save prints there, and loads no legacy table', async () => {
    let pod = await readPod('with-shell');
    await inPod(
      pod,
      ['ip6tables-nft-restore'],
      '*nat\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -p tcp -j ISTIO_OUTPUT\nCOMMIT\n',
    );
    await inPod(pod, ['nft', '-f', '-'], 'table inet istio-proxy-nat {\n\tchain c {\n\t\tcounter accept\n\t}\n}\n');
    await inPod(pod, ['ip', 'rule', 'add', 'fwmark', '1337', 'lookup', '133']);
    const legacy = async () =>
      await inPod(pod, ['sh', '-c', 'cat /proc/self/net/ip*_tables_names 2>/dev/null || true']);
    const before = await legacy();
    const steps: string[] = [];
    const started = performance.now();
    const obtained = got(
      await obtainRules(cluster, pod, { addContainer: offerFor(pod), onProgress: (step) => steps.push(step) }),
    );
    say(`a debug container told the rules after ${Math.round(performance.now() - started)} ms`);
    expect(obtained.way).toBe('ephemeral');
    expect(obtained.container).toEqual({ name: 'meshloom-rules', image: shellProxyImage });
    expect(obtained.whyNot.map(({ way }) => way)).toEqual(['helper']);
    const reading = (family: string, backend: string) =>
      obtained.result.readings.find((one) => one.family === family && one.backend === backend)?.text;
    expect(rulesOf(reading('4', 'nft'))).toBe(rulesOf(await inPod(pod, ['iptables-nft-save', '-c'])));
    expect(rulesOf(reading('6', 'nft'))).toBe(rulesOf(await inPod(pod, ['ip6tables-nft-save', '-c'])));
    expect(reading('4', 'native-nft')).toContain('table inet istio-proxy-nat');
    expect(obtained.result.readings.some(({ backend }) => backend === 'legacy')).toBe(false);
    expect(obtained.result.policyRules.join('\n')).toMatch(/fwmark 0x539 lookup 133/);
    expect(obtained.result.interfaces.find(({ name }) => name === 'eth0')?.addresses).toContain(
      `${pod.status!.podIP}/24`,
    );
    expect(await legacy()).toBe(before);
    expect(steps).toContain('Adding the debug container “meshloom-rules”');

    pod = await readPod('with-shell');
    expect(pod.spec?.ephemeralContainers?.map(({ name }) => name)).toEqual(['meshloom-rules']);
    // It still runs: reading again asks nobody and adds nothing.
    const again = got(await obtainRules(cluster, pod));
    expect(again.way).toBe('ephemeral');
    expect(rulesOf(again.result.readings[0]!.text)).toBe(rulesOf(reading('4', 'nft')));
    expect(again.result.policyRules).toEqual(obtained.result.policyRules);
    expect((await readPod('with-shell')).spec?.ephemeralContainers).toHaveLength(1);
  });

  test('reads legacy tables where there are some', async () => {
    const pod = await readPod('with-shell');
    const loaded = await inPod(pod, ['sh', '-c', 'iptables-legacy -t filter -A OUTPUT -j ACCEPT 2>&1 || true']);
    if (loaded.trim() !== '') return say(`no legacy iptables here: ${loaded.trim()}`);
    const obtained = got(await obtainRules(cluster, pod));
    const legacy = obtained.result.readings.find(({ backend }) => backend === 'legacy');
    expect(rulesOf(legacy?.text)).toBe(rulesOf(await inPod(pod, ['iptables-legacy-save', '-c'])));
    await inPod(pod, ['iptables-legacy', '-t', 'filter', '-F']);
  });

  test('does without a shell in the image, by a second container', async () => {
    const pod = await runPod('without-shell', proxyImage, namespace, { securityContext: { runAsNonRoot: true } });
    await inPod(pod, ['iptables-nft-restore'], rules);
    const obtained = got(await obtainRules(cluster, pod, { addContainer: offerFor(pod) }));
    expect(obtained.way).toBe('ephemeral');
    expect(obtained.container?.name).toBe('meshloom-rules-b');
    expect(rulesOf(obtained.result.readings[0]!.text)).toBe(rulesOf(await inPod(pod, ['iptables-nft-save', '-c'])));
    expect(obtained.result.notes.join(' ')).toContain('no usable nft');
  });

  test('tells when Pod Security refuses, before anything is changed', async () => {
    const pod = await runPod('kept-safe', shellProxyImage, guarded);
    const obtained = got(await obtainRules(cluster, pod, { addContainer: offerFor(pod) }));
    expect(obtained.way).toBe('computed');
    const why = obtained.whyNot.find(({ way }) => way === 'ephemeral');
    expect(why?.what).toBe('Pod Security keeps a debug container out of kept-safe.');
    expect(why?.why).toMatch(/violates PodSecurity "baseline:latest": .*NET_ADMIN/);
    expect((await readPod('kept-safe', guarded)).spec?.ephemeralContainers).toBeUndefined();
  });

  test('tells which image cannot be had, and when to stop waiting', async () => {
    const pod = await runPod('no-image', shellProxyImage);
    const image = '127.0.0.1:1/istio/proxyv2:1.30';
    const started = performance.now();
    const obtained = got(await obtainRules(cluster, pod, { addContainer: { ...offerFor(pod), image } }));
    const took = performance.now() - started;
    say(`gave up on the image after ${Math.round(took)} ms`);
    expect(took).toBeLessThan(30_000);
    expect(obtained.way).toBe('computed');
    const why = obtained.whyNot.find(({ way }) => way === 'ephemeral')?.why;
    expect(why).toMatch(
      /could not start: the node cannot have image 127\.0\.0\.1:1\/istio\/proxyv2:1\.30\. (ErrImagePull|ImagePullBackOff): /,
    );
    const stays = await readPod('no-image');
    expect(stays.spec?.ephemeralContainers).toHaveLength(1);
    // The next one has another name: this one can be used no more.
    expect(offerFor(stays).container).toBe('meshloom-rules-2');
  });

  test('tells which right is missing, and does with the log or with commands alone', async () => {
    const pod = await runPod('few-rights', shellProxyImage);
    await inPod(pod, ['iptables-nft-restore'], rules);
    const look = { resources: ['pods', 'configmaps', 'services', 'namespaces'], verbs: ['get', 'list'] };
    const add = { resources: ['pods/ephemeralcontainers'], verbs: ['patch'] };
    const without = await allow([look]);
    try {
      const refused = got(await obtainRules(without, pod, { addContainer: offerFor(pod) }));
      expect(refused.way).toBe('computed');
      expect(refused.whyNot.find(({ way }) => way === 'ephemeral')?.why).toContain(
        'user “nobody@example.org” lacks the right to patch pods/ephemeralcontainers (403)',
      );
      expect((await readPod('few-rights')).spec?.ephemeralContainers).toBeUndefined();
      await allow([look, add, { resources: ['pods/log'], verbs: ['get'] }]);
      const byLog = await eventually('the right to add', async () => {
        const found = got(await obtainRules(without, pod, { addContainer: offerFor(pod) }));
        return found.way === 'ephemeral' ? found : undefined;
      });
      expect(rulesOf(byLog.result.readings[0]!.text)).toBe(rulesOf(await inPod(pod, ['iptables-nft-save', '-c'])));
      // Commands are denied: the running container cannot be asked again, and that is said.
      const again = got(await obtainRules(without, await readPod('few-rights')));
      expect(again.way).toBe('computed');
      expect(again.whyNot.find(({ way }) => way === 'ephemeral')?.why).toContain('pods/exec');
    } finally {
      without.dispose();
    }
  });

  test('has nothing to read or compute for the host’s network and for a finished pod', async () => {
    const onNode = await runPod('on-the-node', shellProxyImage, namespace, { hostNetwork: true });
    const refused = await obtainRules(cluster, onNode, { addContainer: offerFor(onNode) });
    expect(refused.ok).toBe(false);
    expect(refused.whyNot[0]!.what).toContain('host network');
    const done = { name: 'done', image: nodeImage, command: ['node', '-e', ''] };
    await cluster.apply(podOf('done', shellProxyImage, namespace, { restartPolicy: 'Never', containers: [done] }));
    const finished = await eventually('the end of the pod', async () => {
      const pod = await readPod('done');
      return pod.status?.phase === 'Succeeded' ? pod : undefined;
    });
    const ended = await obtainRules(cluster, finished);
    expect(ended.ok).toBe(false);
    expect(ended.whyNot[0]!.what).toContain('has ended');
    expect((await readPod('on-the-node')).spec?.ephemeralContainers).toBeUndefined();
  });

  test('says of a Windows node that no helper can run there', async () => {
    const labels = { 'kubernetes.io/os': 'windows' };
    await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'win1', labels } });
    try {
      expect((await whyNoHelperPod(cluster, 'win1'))?.why).toContain('Node “win1” runs Windows');
    } finally {
      await cluster.delete(resourceTypes.nodes, 'win1');
    }
  });
});
