/** What the parts of the test's cluster read at their start: certificates, tokens, configuration. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { pauseImage } from './images.ts';
import type { NodeSpace } from './node-space.ts';

const run = promisify(execFile);

/** As the node calls itself. */
export const nodeName = 'n1';
export const podNetwork = '10.244.0.0/24';
export const serviceNetwork = '10.96.0.0/16';
/** Of containerd's metrics, at the node's address. */
export const metricsPort = 10338;
export const containerdSocket = '/run/containerd/containerd.sock';

/** Who asks the API server, by token; `nobody` is a person without any right. */
const users = {
  admin: { name: 'kubernetes-admin', groups: 'system:masters' },
  nobody: { name: 'nobody@example.org', groups: '' },
  kubelet: { name: `system:node:${nodeName}`, groups: 'system:nodes' },
  'kube-controller-manager': { name: 'system:kube-controller-manager', groups: '' },
  'kube-scheduler': { name: 'system:kube-scheduler', groups: '' },
  'kube-proxy': { name: 'system:kube-proxy', groups: '' },
};
export type User = keyof typeof users;

export interface Credentials {
  ca: string;
  serverCertificate: string;
  serverKey: string;
  /** With it the API server shows itself to the kubelet. */
  clientCertificate: string;
  clientKey: string;
  serviceAccountKey: string;
  serviceAccountPublicKey: string;
  /** CSV for `--token-auth-file`. */
  tokens: string;
  kubeconfigs: Record<User, string>;
}

/** Made fresh for each cluster, with openssl; valid for a day. */
export async function makeCredentials(space: NodeSpace): Promise<Credentials> {
  const file = (name: string) => space.path('pki', name);
  space.write('pki/README', 'Made for one test run.\n');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const certificate = async (name: string, subject: string, ...more: string[]) =>
    await run('openssl', [
      ...['req', '-x509', ...newKey, '-subj', subject],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), ...more],
    ]);
  const signed = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'];
  await certificate('ca', '/CN=Meshloom test cluster', '-addext', 'keyUsage=critical,keyCertSign,digitalSignature');
  const names = `subjectAltName=IP:${space.address},IP:10.96.0.1,IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc`;
  await Promise.all([
    certificate('server', '/CN=kube-apiserver', ...signed, '-addext', names, '-addext', 'extendedKeyUsage=serverAuth'),
    certificate('client', '/O=system:masters/CN=kube-apiserver', ...signed, '-addext', 'extendedKeyUsage=clientAuth'),
    run('openssl', ['genrsa', '-out', file('sa.key'), '2048']).then(() =>
      run('openssl', ['rsa', '-in', file('sa.key'), '-pubout', '-out', file('sa.pub')]),
    ),
  ]);
  const tokens = Object.fromEntries(Object.keys(users).map((user) => [user, randomBytes(16).toString('hex')]));
  const lines = Object.entries(users).map(([user, { name, groups }]) =>
    [tokens[user], name, user, ...(groups ? [`"${groups}"`] : [])].join(','),
  );
  const kubeconfig = (user: User) =>
    space.write(
      `kubeconfigs/${user}`,
      printKubeconfig(space.address, readFileSync(file('ca.crt')), user, tokens[user]!),
    );
  return {
    ca: file('ca.crt'),
    serverCertificate: file('server.crt'),
    serverKey: file('server.key'),
    clientCertificate: file('client.crt'),
    clientKey: file('client.key'),
    serviceAccountKey: file('sa.key'),
    serviceAccountPublicKey: file('sa.pub'),
    tokens: space.write('pki/tokens.csv', `${lines.join('\n')}\n`),
    kubeconfigs: Object.fromEntries(
      Object.keys(users).map((user) => [user, kubeconfig(user as User)]),
    ) as Credentials['kubeconfigs'],
  };
}

/** JSON is YAML. */
function printKubeconfig(address: string, ca: Buffer, user: User, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'meshloom-test',
        cluster: { server: `https://${address}:6443`, 'certificate-authority-data': ca.toString('base64') },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'meshloom-test', context: { cluster: 'meshloom-test', user } }],
    'current-context': 'meshloom-test',
  });
}

export function containerdConfig(space: NodeSpace): string {
  return `version = 2
root = "${space.path('containerd')}"
state = "/run/containerd"

[grpc]
  address = "${containerdSocket}"

[metrics]
  address = "${space.address}:${metricsPort}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Where CAP_SYS_RESOURCE is missing, runc may not lower the score and would fail without a word about it.
  restrict_oom_score_adj = true
`;
}

export function kubeletConfig(space: NodeSpace, credentials: Credentials): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: space.cgroup,
    failCgroupV1: false,
    failSwapOn: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: credentials.ca },
    },
    authorization: { mode: 'Webhook' },
    staticPodPath: dirname(space.write('static-pods/.empty', '')),
    podLogsDir: space.path('pod-logs'),
    volumePluginDir: space.path('volume-plugins'),
    resolvConf: space.write('resolv.conf', 'nameserver 127.0.0.1\n', 0o644),
    // A full disk on the machine is not the test's business.
    evictionHard: {
      'memory.available': '1Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
      'nodefs.inodesFree': '0%',
    },
    imageGCHighThresholdPercent: 100,
    shutdownGracePeriod: '0s',
  });
}

/**
 * Debian's plugins, as a kubeadm node has them: in the directories that the node helper's manifest names.
 * @param more networks beside the usual one: of IPv6.
 */
export function cniConfig(space: NodeSpace, ...more: string[]): string {
  return JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: 'meshloom-test',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          ipMasq: true,
          hairpinMode: true,
          ipam: {
            type: 'host-local',
            ranges: [podNetwork, ...more].map((subnet) => [{ subnet }]),
            routes: [{ dst: '0.0.0.0/0' }, ...(more.length > 0 ? [{ dst: '::/0' }] : [])],
            dataDir: space.path('cni-addresses'),
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    },
    undefined,
    2,
  );
}
