/**
 * What *Deploy Node Helper* puts into a cluster, as data: a namespace, an account, the program in a ConfigMap, and a
 * DaemonSet. In observe mode the account has no rights and no token. In intercept mode the agent of the CNI plugin runs in
 * it: it has a token, may follow pods, and finds the CNI directories writable. Every right stands in
 * `contract/node-helper-rights.ts` or below, with its reason; a mode never asks for one that it does not use.
 *
 * No priority class, on purpose: the helper must never push out a user's pod, and some platforms allow the critical
 * classes in `kube-system` alone.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as l10n from '@vscode/l10n';
import { defaultAgentSettings, type AgentSettings } from '../../contract/cni-plugin.ts';
import {
  agentAllocation,
  agentNodeFlags,
  agentVerbs,
  helperEnvironment,
  helperHostRoot,
  interceptCapabilities,
  interceptRights,
  observeCapabilities,
  observeMounts,
  observeRights,
  ownDirectories,
  pluginProgramPath,
  resultsMount,
  type HelperMode,
  type HelperRight,
} from '../../contract/node-helper-rights.ts';
import type { KubernetesObject, Labels } from '../../mesh/kubernetes.ts';

export const helperNamespace = 'meshloom-system';
export const helperName = 'meshloom-node-helper';
export const helperContainer = 'node-helper';
/** Where the unpacked program lies in the container; written once by the init container, read-only afterwards. */
export const helperProgramPath = '/run/meshloom/node-helper.js';

/** On everything that is ours. Only what carries it is ever removed. */
export const managedBy = { 'app.kubernetes.io/managed-by': 'meshloom' } as const;
export const helperSelector: Labels = { 'app.kubernetes.io/name': helperName };

export interface HelperOptions {
  /** An image with Node ≥ 20: `node:24-slim`, or a mirror of it. */
  image: string;
  namespace?: string;
  /** The extension's. */
  version: string;
  /** The bytes of `dist/node-helper.js`. */
  program: Uint8Array;
  /** Default `observe`. */
  mode?: HelperMode;
  /**
   * The plugin's static program for each processor, by Node's name for it. In observe mode it is asked for the versions that
   * it speaks, in the helper's own container: a plan needs to know.
   */
  launchers?: Launchers;
  /** Of the agent, in intercept mode. */
  settings?: AgentSettings;
  /**
   * Where the runtimes of the nodes look, as they say; one node's directory is mounted on every node: to be read in observe
   * mode, to be written in intercept mode. Absent: the usual ones.
   */
  directories?: CniDirectories;
}

export type Launchers = Partial<Record<'x64' | 'arm64', Uint8Array>>;

export interface CniDirectories {
  confDirs: readonly string[];
  binDirs: readonly string[];
}

export const usualDirectories: CniDirectories = { confDirs: ['/etc/cni/net.d'], binDirs: ['/opt/cni/bin'] };

export type ManifestObject = KubernetesObject & Record<string, unknown>;

/** The API server refuses a ConfigMap whose data is larger. */
const configMapLimit = 1024 * 1024;
const packedName = 'node-helper.js.gz';
const packedDirectory = '/opt/meshloom';
const launcherDirectory = '/opt/meshloom-cni';
/** The ConfigMaps with the plugin's program begin so. */
const launcherName = 'meshloom-cni';
const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';
/** In which mode a DaemonSet of ours runs, and with which directories. */
const modeAnnotation = 'meshloom.dev/mode';
const directoriesAnnotation = 'meshloom.dev/cni-directories';

/** Runs in the init container: no shell needed, so any image with node will do. */
const unpack = `
const { readFileSync, writeFileSync } = require('node:fs');
const { gunzipSync } = require('node:zlib');
writeFileSync('${helperProgramPath}', gunzipSync(readFileSync('${packedDirectory}/${packedName}')));
`.trim();

/** A node of a processor that none is made for is looked into all the same. */
const unpackLauncher = `${unpack}
const { chmodSync, existsSync } = require('node:fs');
const launcher = '${launcherDirectory}/${launcherName}-' + process.arch;
if (existsSync(launcher)) {
  writeFileSync('${pluginProgramPath}', readFileSync(launcher));
  chmodSync('${pluginProgramPath}', 0o755);
}
`.trim();

/** @returns the first 12 hex digits of the program's SHA-256: in its ConfigMap's name and in each reply. */
export function hashOfProgram(program: Uint8Array): string {
  return createHash('sha256').update(program).digest('hex').slice(0, 12);
}

/**
 * The objects in the order in which they are applied.
 * @throws RangeError when the packed program does not fit into a ConfigMap, or a directory is none that may be mounted.
 */
export function helperManifest(options: HelperOptions): ManifestObject[] {
  const { namespace = helperNamespace, version, program, mode = 'observe' } = options;
  const packed = gzipSync(program, { level: 9 });
  if (packed.length > configMapLimit) {
    throw new RangeError(
      l10n.t(
        'The node helper’s program has {0} bytes when packed; a ConfigMap holds at most {1}.',
        packed.length,
        configMapLimit,
      ),
    );
  }
  const labels = { ...helperSelector, 'app.kubernetes.io/version': labelValue(version), ...managedBy };
  const named = (name: string) => ({ name, namespace, labels });
  const configMap = `${helperName}-${hashOfProgram(program)}`;
  const directories = usableDirectories(
    options.directories ?? (mode === 'intercept' ? usualDirectories : { confDirs: [], binDirs: [] }),
  );
  const launcher = launcherMap(options.launchers ?? {}, named);
  const intercept = mode === 'intercept' ? interceptPlan({ name: helperName, labels }, options) : undefined;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'privileged' } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named(helperName), automountServiceAccountToken: false },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: named(configMap),
      immutable: true,
      binaryData: { [packedName]: packed.toString('base64') },
    },
    ...(launcher ? [launcher] : []),
    ...(intercept?.objects ?? []),
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { ...named(helperName), annotations: { [modeAnnotation]: mode, ...directoriesMark(directories) } },
      spec: {
        selector: { matchLabels: helperSelector },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
        template: {
          metadata: { labels },
          spec: podSpec(
            options,
            { program: configMap, launchers: launcher?.metadata.name },
            directories,
            intercept?.pod,
          ),
        },
      },
    },
  ];
}

/** The plugin's program in a ConfigMap of its own; undefined: this build has none. */
function launcherMap(
  launchers: Launchers,
  named: (name: string) => { name: string; namespace: string; labels: Labels },
): (ManifestObject & { metadata: { name: string } }) | undefined {
  const files = Object.entries(launchers).sort(([a], [b]) => (a < b ? -1 : 1));
  if (files.length === 0) return undefined;
  const hash = hashOfProgram(Buffer.concat(files.map(([, bytes]) => bytes)));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: named(`${launcherName}-${hash}`),
    immutable: true,
    binaryData: Object.fromEntries(
      files.map(([arch, bytes]) => [`${launcherName}-${arch}`, Buffer.from(bytes).toString('base64')]),
    ),
  };
}

/** What intercept mode adds to a pod of the helper. */
interface InterceptPod {
  command: string[];
}

function interceptPlan(clusterWide: { name: string; labels: Labels }, options: HelperOptions) {
  const { settings = defaultAgentSettings } = options;
  const { namespace = helperNamespace } = options;
  const objects: ManifestObject[] = [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: clusterWide,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: agentVerbs(settings.onMiss) }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: clusterWide,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: helperName },
      subjects: [{ kind: 'ServiceAccount', name: helperName, namespace }],
    },
  ];
  return { objects, pod: { command: agentCommand(settings) } };
}

/** Remembered where it stands, so that an upgrade keeps it. Nothing where only the usual ones are looked at. */
function directoriesMark({ confDirs, binDirs }: CniDirectories): Record<string, string> {
  const isUsual = [...confDirs, ...binDirs].length === 0;
  return isUsual ? {} : { [directoriesAnnotation]: JSON.stringify({ confDirs, binDirs }) };
}

/** As `node-helper/agent` reads it, in a Node that stays small. */
export function agentCommand({ excludeNamespaces, onMiss, backend }: AgentSettings): string[] {
  return [
    'node',
    ...agentNodeFlags,
    helperProgramPath,
    'agent',
    ...['--exclude-namespaces', excludeNamespaces.join(',')],
    ...['--on-miss', onMiss],
    ...['--backend', backend],
  ];
}

/** All that the manifest asks for: what the helper needs, and what its namespace needs so that the helper gets to run. */
export function manifestRights(
  mode: HelperMode = 'observe',
  { settings = defaultAgentSettings, directories }: Pick<HelperOptions, 'settings' | 'directories'> = {},
): HelperRight[] {
  const added =
    mode === 'intercept'
      ? interceptRights({ ...usableDirectories(directories ?? usualDirectories), onMiss: settings.onMiss })
      : furtherMounts(directories);
  const widened = new Set(added.filter(({ kind }) => kind === 'mount').map(({ name }) => name.replace(/ \(rw\)$/, '')));
  return [
    {
      kind: 'pod',
      name: 'pod-security.kubernetes.io/enforce: privileged',
      why: l10n.t(
        'On the helper’s own namespace only: Pod Security would refuse hostPID and the capabilities below, and no other namespace needs to allow them.',
      ),
    },
    ...observeRights().filter(({ kind, name }) => kind !== 'mount' || !widened.has(name)),
    ...added,
  ];
}

function furtherMounts(directories: CniDirectories | undefined): HelperRight[] {
  if (!directories) return [];
  const { confDirs, binDirs } = usableDirectories(directories);
  return [...confDirs, ...binDirs]
    .filter((path) => !(observeMounts as readonly string[]).includes(path))
    .map((name) => ({
      kind: 'mount',
      name,
      why: l10n.t('A node’s runtime has its CNI configuration or plugins there. Mounted read-only.'),
    }));
}

/** The mode in which a DaemonSet of ours runs; one from before there were two: `observe`. */
export function modeOf(daemonSet: KubernetesObject | undefined): HelperMode {
  return daemonSet?.metadata?.annotations?.[modeAnnotation] === 'intercept' ? 'intercept' : 'observe';
}

/** The directories that a DaemonSet of ours mounts beside, or instead of, the usual ones; undefined: those alone. */
export function directoriesOf(daemonSet: KubernetesObject | undefined): CniDirectories | undefined {
  const text = daemonSet?.metadata?.annotations?.[directoriesAnnotation];
  try {
    const { confDirs, binDirs } = JSON.parse(text ?? '') as Partial<Record<'confDirs' | 'binDirs', unknown>>;
    const paths = (value: unknown) => (Array.isArray(value) ? value.filter((path) => typeof path === 'string') : []);
    return { confDirs: paths(confDirs), binDirs: paths(binDirs) };
  } catch {
    return undefined;
  }
}

/** Whether a ConfigMap of ours holds a program: one that no manifest names any more may go. */
export function isProgramConfigMap(name: string): boolean {
  return name.startsWith(`${helperName}-`) || name.startsWith(`${launcherName}-`);
}

/** Whole trees of the system: no runtime keeps its CNI configuration or programs in one of them itself, but for k3d's `/bin`. */
const neverMounted = new Set(
  '/ /boot /dev /etc /home /lib /lib64 /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /var /var/lib /var/run'.split(
    ' ',
  ),
);
const neverBelow = ['/proc', '/sys', '/dev'];

/**
 * Sorted, each once. What a node says is mounted on every node: nothing is taken from it that gives away the system.
 * @throws RangeError that names the directory.
 */
export function usableDirectories({ confDirs, binDirs }: CniDirectories): { confDirs: string[]; binDirs: string[] } {
  const clean = (paths: readonly string[]) => [...new Set(paths.map(usableDirectory))].sort();
  const conf = clean(confDirs);
  return { confDirs: conf, binDirs: clean(binDirs).filter((path) => !conf.includes(path)) };
}

function usableDirectory(path: string): string {
  const normal = path.length > 1 ? path.replace(/\/+$/, '') : path;
  const parts = normal.split('/').slice(1);
  const isPath = normal.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..');
  const isPrintable = /^[\x21-\x7e]+$/.test(normal) && !normal.includes(':');
  const isSystem =
    neverMounted.has(normal) || neverBelow.some((tree) => normal === tree || normal.startsWith(`${tree}/`));
  if (isPath && isPrintable && !isSystem) return normal;
  throw new RangeError(
    l10n.t(
      'A node reports “{0}” as a CNI directory. Meshloom does not mount it: it is not an absolute path, or a directory of the whole system.',
      path,
    ),
  );
}

function podSpec(
  { image, version }: HelperOptions,
  configMaps: { program: string; launchers: string | undefined },
  directories: CniDirectories,
  intercept: InterceptPod | undefined,
): object {
  const { launchers } = configMaps;
  const mounts = hostMounts(directories, intercept !== undefined);
  return {
    serviceAccountName: helperName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    hostPID: true,
    hostNetwork: true,
    // Observing must be possible on every node, most of all on one that keeps others away.
    tolerations: [{ operator: 'Exists' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    terminationGracePeriodSeconds: 5,
    securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
    initContainers: [
      {
        name: 'unpack',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '-e', launchers === undefined ? unpack : unpackLauncher],
        resources: { requests: { cpu: '5m', memory: '32Mi' }, limits: { memory: '256Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'packed', mountPath: packedDirectory, readOnly: true },
          { name: 'program', mountPath: '/run/meshloom' },
          ...(launchers === undefined ? [] : [{ name: 'launchers', mountPath: launcherDirectory, readOnly: true }]),
        ],
      },
    ],
    containers: [
      {
        name: helperContainer,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: intercept?.command ?? ['node', helperProgramPath, 'wait'],
        env: [
          { name: helperEnvironment.version, value: version },
          { name: helperEnvironment.hostRoot, value: helperHostRoot },
          { name: helperEnvironment.node, valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          ...(intercept ? Object.entries(agentAllocation).map(([name, value]) => ({ name, value })) : []),
        ],
        // Each request is a process of its own beside the waiting one. A pod's start waits for the agent's.
        resources: {
          requests: intercept ? { cpu: '50m', memory: '64Mi' } : { cpu: '5m', memory: '32Mi' },
          limits: { memory: '512Mi' },
        },
        securityContext: {
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'], add: [...observeCapabilities, ...(intercept ? interceptCapabilities : [])] },
          appArmorProfile: { type: 'Unconfined' },
          ...(intercept && { seLinuxOptions: { type: 'spc_t' } }),
        },
        volumeMounts: [
          { name: 'program', mountPath: '/run/meshloom', readOnly: true },
          // iptables wants to lock a file.
          { name: 'temporary', mountPath: '/tmp' },
          ...(intercept ? [{ name: 'token', mountPath: tokenDirectory, readOnly: true }] : []),
          ...mounts.map(({ path, writable }) => ({
            name: volumeName(path),
            mountPath: helperHostRoot + path,
            ...(!writable && { readOnly: true }),
          })),
        ],
      },
    ],
    volumes: [
      { name: 'packed', configMap: { name: configMaps.program } },
      { name: 'program', emptyDir: { sizeLimit: '16Mi' } },
      { name: 'temporary', emptyDir: { sizeLimit: '16Mi' } },
      ...(launchers === undefined ? [] : [{ name: 'launchers', configMap: { name: launchers } }]),
      ...(intercept ? [tokenVolume] : []),
      ...mounts.map(({ path, create }) => ({
        name: volumeName(path),
        hostPath: { path, ...(create && { type: 'DirectoryOrCreate' }) },
      })),
    ],
  };
}

/** What a pod finds below {@link tokenDirectory} when it asks for it by itself; renewed by the kubelet before it expires. */
const tokenVolume = {
  name: 'token',
  projected: {
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ],
  },
};

interface HostMount {
  path: string;
  writable?: boolean;
  create?: boolean;
}

function hostMounts({ confDirs, binDirs }: CniDirectories, writable: boolean): HostMount[] {
  const named = [...confDirs, ...binDirs];
  return [
    ...observeMounts.filter((path) => !named.includes(path)).map((path) => ({ path })),
    ...named.map((path) => ({ path, writable })),
    ...(writable
      ? [...ownDirectories.map((path) => ({ path, writable, create: true })), { path: resultsMount, create: true }]
      : []),
  ];
}

/** `/etc/cni/net.d` → `host-etc-cni-net-d`; a name may have 63 characters, and two paths may look alike. */
function volumeName(path: string): string {
  const name = `host${path.replace(/[^a-z0-9]+/gi, '-')}`.toLowerCase().replace(/-+$/, '');
  const isPlain = name.length <= 63 && `/${name.slice('host-'.length).replaceAll('-', '/')}` === path;
  const wellKnown = [...observeMounts, ...ownDirectories, resultsMount] as readonly string[];
  return isPlain || wellKnown.includes(path)
    ? name
    : `${name.slice(0, 50).replace(/-+$/, '')}-${hashOfProgram(Buffer.from(path))}`;
}

/** Build metadata such as `0.1.0+dev` may not stand in a label. */
function labelValue(version: string): string {
  return version.replace(/[^\w.-]/g, '_').slice(0, 63);
}
