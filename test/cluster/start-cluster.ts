/**
 * A real Kubernetes for tests: etcd, API server, controller manager, scheduler, kubelet, kube-proxy and containerd on a
 * node of their own (see node-space.ts), or the cluster that `MESHLOOM_TEST_KUBECONFIG` names.
 */
import { request } from 'node:https';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildKube, findKube, type KubeBinaries } from './build-kube.ts';
import { nodeRecipe, packImage, pauseRecipe, proxyRecipe, shellProxyRecipe, type ImageRecipe } from './images.ts';
import { findProgram, missingPrograms } from './missing-programs.ts';
import {
  cniConfig,
  containerdConfig,
  containerdSocket,
  kubeletConfig,
  makeCredentials,
  nodeName,
  podNetwork,
  serviceNetwork,
  type Credentials,
} from './node-files.ts';
import { neededPrograms, NodeSpace } from './node-space.ts';

/** From Debian's containernetworking-plugins, or where others put them. */
const pluginDirectories = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];

/** On the node, which is not on this machine. */
export const cniDirectory = '/etc/cni/net.d';
export const cniPrograms = '/opt/cni/bin';
export const cniConfigPath = join(cniDirectory, '10-meshloom-test.conflist');
const usualCni: CniSetUp = { file: (space) => [basename(cniConfigPath), cniConfig(space)] };

export type NodePart = 'containerd' | 'kubelet' | 'kube-apiserver';

export interface TestCluster {
  /** Kubeconfig files, as $KUBECONFIG has them. */
  kubeconfig: string;
  /** A kubeconfig of somebody without any right; absent for a cluster that was there before. */
  kubeconfigOfNobody?: string;
  /** The node as a machine; absent for a cluster that was there before. */
  space?: NodeSpace;
  /** Starts a part again that was stopped with the node's `stop`. */
  startAgain?: (part: NodePart) => void;
  dispose: () => Promise<void>;
}

/** @returns why no cluster can be had here, for a line that says what was skipped; undefined: there can be one. */
export async function whyNoCluster(): Promise<string | undefined> {
  if (process.env.MESHLOOM_SKIP_CLUSTER === '1') return 'MESHLOOM_SKIP_CLUSTER is set';
  if (process.env.MESHLOOM_TEST_KUBECONFIG) return undefined;
  const instead = 'MESHLOOM_TEST_KUBECONFIG may name a cluster instead';
  if (process.platform !== 'linux') return `a Kubernetes node of our own takes Linux; ${instead}`;
  if (process.getuid?.() !== 0) return `a Kubernetes node of our own takes root; ${instead}`;
  const programs = [...neededPrograms, 'containerd', 'ctr', 'runc', 'iptables', 'conntrack'];
  const { built } = await findKube();
  const missing = missingPrograms(built ? programs : [...programs, 'go']);
  if (missing.length > 0) return `${missing.join(', ')} cannot be found on PATH; ${instead}`;
  if (!findPlugins()) return `there are no CNI plugins (apt-get install containernetworking-plugins); ${instead}`;
  return undefined;
}

/** How the node's CNI is set up before the runtime starts. */
export interface CniSetUp {
  /** The file in /etc/cni/net.d: name and text. */
  file: (space: NodeSpace) => [name: string, text: string];
  /** Programs beside Debian's plugins: name → text. */
  programs?: (space: NodeSpace) => Record<string, string>;
}

/** Comes back when the node is Ready. @param say is told what takes long. @param cni Debian's plugins in a list by default. */
export async function startCluster(say: (line: string) => void, cni: CniSetUp = usualCni): Promise<TestCluster> {
  const existing = process.env.MESHLOOM_TEST_KUBECONFIG;
  if (existing) {
    say(`Using the cluster of ${existing}.`);
    return { kubeconfig: existing, dispose: () => Promise.resolve() };
  }
  const binaries = await buildKube(say);
  const space = await NodeSpace.create({ mounts: { [cniPrograms]: findPlugins()! }, routed: serviceNetwork });
  try {
    const credentials = await bringUp(space, binaries, cni);
    return {
      kubeconfig: credentials.kubeconfigs.admin,
      kubeconfigOfNobody: credentials.kubeconfigs.nobody,
      space,
      startAgain: (part) => {
        if (part === 'containerd') startContainerd(space);
        else if (part === 'kubelet') startKubelet(space, binaries.kube, credentials);
        else startApiServer(space, binaries.kube, credentials);
      },
      dispose: () => space.dispose(),
    };
  } catch (error) {
    await space.dispose();
    throw error;
  }
}

/** An API server with its etcd and nothing behind it: it decodes, validates and stores, and runs nothing. */
export interface ControlPlane {
  /** `https://198.18.71.2:6443` */
  url: string;
  /** PEM, of the authority that signed the server's certificate. */
  ca: string;
  /** Of a cluster administrator. */
  token: string;
  /** The machine it runs on, for what a test starts beside it. */
  space: NodeSpace;
  /** Paths of the binary of all parts, and of kube-proxy's kubeconfig. */
  kube: string;
  proxyKubeconfig: string;
  credentials: Credentials;
  /** Ends the API server; etcd keeps what it knows. */
  stopServer: () => Promise<void>;
  /** Comes back when it is ready. */
  startServer: () => Promise<void>;
  dispose: () => Promise<void>;
}

/** @returns why no API server of our own can be had here; undefined: there can be one. */
export async function whyNoControlPlane(): Promise<string | undefined> {
  if (process.env.MESHLOOM_SKIP_CLUSTER === '1') return 'MESHLOOM_SKIP_CLUSTER is set';
  if (process.platform !== 'linux') return 'an API server of our own takes Linux';
  if (process.getuid?.() !== 0) return 'an API server of our own takes root';
  const { built } = await findKube();
  const missing = missingPrograms(built ? neededPrograms : [...neededPrograms, 'go']);
  return missing.length > 0 ? `${missing.join(', ')} cannot be found on PATH` : undefined;
}

/**
 * Comes back when the API server is ready, a few seconds later.
 * @param say is told what takes long.
 * @param services the networks of cluster IPs: one of each family for Services of both.
 */
export async function startControlPlane(say: (line: string) => void, services = serviceNetwork): Promise<ControlPlane> {
  const { kube } = await buildKube(say);
  const space = await NodeSpace.create({ mounts: {}, routed: serviceNetwork });
  try {
    startEtcd(space, kube);
    const credentials = await makeCredentials(space);
    startApiServer(space, kube, credentials, services);
    const untilReady = () =>
      space.waitFor('the API server', 60_000, async () => {
        return (await askApiServer(space, credentials, '/readyz')) === 'ok';
      });
    await untilReady();
    return {
      url: `https://${space.address}:6443`,
      ca: readFileSync(credentials.ca, 'utf8'),
      token: adminToken(credentials),
      space,
      kube,
      proxyKubeconfig: credentials.kubeconfigs['kube-proxy'],
      credentials,
      stopServer: () => space.stop('kube-apiserver'),
      startServer: async () => {
        startApiServer(space, kube, credentials, services);
        await untilReady();
      },
      dispose: () => space.dispose(),
    };
  } catch (error) {
    await space.dispose();
    throw error;
  }
}

function findPlugins(): string | undefined {
  return pluginDirectories.find((directory) => existsSync(`${directory}/bridge`));
}

async function bringUp(space: NodeSpace, { kube, pause }: KubeBinaries, cni: CniSetUp): Promise<Credentials> {
  const [name, text] = cni.file(space);
  await space.run(['install', '-D', '--mode=600', space.write('cni', text), join(cniDirectory, name)]);
  for (const [program, lines] of Object.entries(cni.programs?.(space) ?? {}))
    await space.run(['install', space.write(`programs/${program}`, lines), join(cniPrograms, program)]);
  startContainerd(space);
  startEtcd(space, kube);
  const recipes = [pauseRecipe(pause), nodeRecipe(), proxyRecipe(), shellProxyRecipe()];
  const images = Promise.all(recipes.map((recipe) => importImage(space, recipe)));
  // Its failure is told below; until then it is nobody's.
  images.catch(() => undefined);
  const credentials = await makeCredentials(space);
  const { kubeconfigs } = credentials;
  startApiServer(space, kube, credentials);
  const ask = (path: string) => askApiServer(space, credentials, path);
  await space.waitFor('the API server', 60_000, async () => (await ask('/readyz')) === 'ok');
  startControllers(space, kube, credentials);
  await images;
  startKubelet(space, kube, credentials);
  space.start('kube-proxy', kube, [
    ...['kube-proxy', `--kubeconfig=${kubeconfigs['kube-proxy']}`, '--proxy-mode=iptables'],
    ...[`--hostname-override=${nodeName}`, `--cluster-cidr=${podNetwork}`],
    // That limit is the whole machine's.
    ...[
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
    ],
  ]);
  await space.waitFor('the node to be Ready', 60_000, async () => isReady(await ask(`/api/v1/nodes/${nodeName}`)));
  return credentials;
}

function startKubelet(space: NodeSpace, kube: string, credentials: Credentials): void {
  space.start('kubelet', kube, [
    ...['kubelet', `--config=${space.write('kubelet.json', kubeletConfig(space, credentials))}`],
    ...[`--kubeconfig=${credentials.kubeconfigs.kubelet}`, `--root-dir=${space.path('kubelet')}`],
    ...[`--cert-dir=${space.path('kubelet-pki')}`, `--hostname-override=${nodeName}`, `--node-ip=${space.address}`],
  ]);
}

function startContainerd(space: NodeSpace): void {
  const config = space.write('containerd.toml', containerdConfig(space));
  space.start('containerd', findProgram('containerd')!, [`--config=${config}`]);
}

function startEtcd(space: NodeSpace, kube: string): void {
  const urls = ['listen-client', 'advertise-client'].map((flag) => `--${flag}-urls=http://127.0.0.1:2379`);
  const peers = ['--listen-peer-urls=http://127.0.0.1:2380', '--initial-advertise-peer-urls=http://127.0.0.1:2380'];
  const cluster = '--initial-cluster=default=http://127.0.0.1:2380';
  space.start('etcd', kube, [
    'etcd',
    `--data-dir=${space.path('etcd')}`,
    '--unsafe-no-fsync',
    ...urls,
    ...peers,
    cluster,
  ]);
}

function startApiServer(space: NodeSpace, kube: string, credentials: Credentials, services = serviceNetwork): void {
  space.start('kube-apiserver', kube, [
    ...['kube-apiserver', '--etcd-servers=http://127.0.0.1:2379', `--advertise-address=${space.address}`],
    ...[`--service-cluster-ip-range=${services}`, '--allow-privileged=true'],
    ...[`--tls-cert-file=${credentials.serverCertificate}`, `--tls-private-key-file=${credentials.serverKey}`],
    ...[`--client-ca-file=${credentials.ca}`, `--token-auth-file=${credentials.tokens}`],
    ...['--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction'],
    ...[
      `--kubelet-client-certificate=${credentials.clientCertificate}`,
      `--kubelet-client-key=${credentials.clientKey}`,
    ],
    ...['--kubelet-preferred-address-types=InternalIP', '--service-account-issuer=https://kubernetes.default.svc'],
    `--service-account-key-file=${credentials.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKey}`,
  ]);
}

function startControllers(space: NodeSpace, kube: string, { kubeconfigs, ca, serviceAccountKey }: Credentials): void {
  const alone = (name: 'kube-controller-manager' | 'kube-scheduler', more: string[]) => {
    const asked = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'];
    const login = asked.map((flag) => `--${flag}=${kubeconfigs[name]}`);
    space.start(name, kube, [name, ...login, '--leader-elect=false', '--bind-address=127.0.0.1', ...more]);
  };
  alone('kube-controller-manager', [
    // The pods' addresses come from host-local.
    ...['--controllers=*,-node-ipam-controller', '--use-service-account-credentials'],
    ...[`--root-ca-file=${ca}`, `--service-account-private-key-file=${serviceAccountKey}`],
    // Otherwise it makes one in the machine's /usr.
    `--flex-volume-plugin-dir=${space.path('volume-plugins')}`,
  ]);
  alone('kube-scheduler', []);
}

async function importImage(space: NodeSpace, recipe: ImageRecipe): Promise<void> {
  const packed = await packImage(recipe, space.path('images', recipe.name.replace(/\W/g, '_')));
  const ctr = ['ctr', `--address=${containerdSocket}`, '--namespace=k8s.io'];
  await space.waitFor('containerd', 30_000, async () => (await space.run([...ctr, 'version'])) !== '');
  await space.run([...ctr, 'images', 'import', packed], { timeoutMs: 60_000 });
}

function adminToken({ tokens }: Credentials): string {
  return readFileSync(tokens, 'utf8').split(',', 1)[0]!;
}

function askApiServer(space: NodeSpace, credentials: Credentials, path: string): Promise<string> {
  const { ca } = credentials;
  const token = adminToken(credentials);
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: space.address, port: 6443, path, ca: readFileSync(ca), headers: { authorization: `Bearer ${token}` } },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () => resolve(body));
      },
    );
    asked.setTimeout(5_000, () => asked.destroy(new Error('no answer within 5 s')));
    asked.on('error', reject);
    asked.end();
  });
}

function isReady(text: string): boolean {
  const { status } = JSON.parse(text) as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
