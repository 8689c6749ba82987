/**
 * What *Deploy Node Helper* puts into a cluster, as data: a namespace, an account without rights or token, the program in
 * a ConfigMap, and a DaemonSet in observe mode. Every right stands in `contract/node-helper-rights.ts` or below, with its
 * reason; a mode never asks for one that it does not use.
 *
 * No priority class, on purpose: the helper must never push out a user's pod, and some platforms allow the critical
 * classes in `kube-system` alone.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as l10n from '@vscode/l10n';
import {
  helperEnvironment,
  helperHostRoot,
  observeCapabilities,
  observeMounts,
  observeRights,
  type ObserveRight,
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
}

export type ManifestObject = KubernetesObject & Record<string, unknown>;

/** The API server refuses a ConfigMap whose data is larger. */
const configMapLimit = 1024 * 1024;
const packedName = 'node-helper.js.gz';
const packedDirectory = '/opt/meshloom';

/** Runs in the init container: no shell needed, so any image with node will do. */
const unpack = `
const { readFileSync, writeFileSync } = require('node:fs');
const { gunzipSync } = require('node:zlib');
writeFileSync('${helperProgramPath}', gunzipSync(readFileSync('${packedDirectory}/${packedName}')));
`.trim();

/** @returns the first 12 hex digits of the program's SHA-256: in its ConfigMap's name and in each reply. */
export function hashOfProgram(program: Uint8Array): string {
  return createHash('sha256').update(program).digest('hex').slice(0, 12);
}

/**
 * The objects in the order in which they are applied.
 * @throws RangeError when the packed program does not fit into a ConfigMap.
 */
export function helperManifest({
  image,
  namespace = helperNamespace,
  version,
  program,
}: HelperOptions): ManifestObject[] {
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
  const hash = hashOfProgram(program);
  const labels = { ...helperSelector, 'app.kubernetes.io/version': labelValue(version), ...managedBy };
  const named = (name: string) => ({ name, namespace, labels });
  const configMap = `${helperName}-${hash}`;
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
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: named(helperName),
      spec: {
        selector: { matchLabels: helperSelector },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
        template: { metadata: { labels }, spec: podSpec(image, configMap, version) },
      },
    },
  ];
}

/** All that the manifest asks for: what the helper needs, and what its namespace needs so that the helper gets to run. */
export function manifestRights(): ObserveRight[] {
  return [
    {
      kind: 'pod',
      name: 'pod-security.kubernetes.io/enforce: privileged',
      why: l10n.t(
        'On the helper’s own namespace only: Pod Security would refuse hostPID and the capabilities below, and no other namespace needs to allow them.',
      ),
    },
    ...observeRights(),
  ];
}

function podSpec(image: string, configMap: string, version: string): object {
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
        command: ['node', '-e', unpack],
        resources: { requests: { cpu: '5m', memory: '32Mi' }, limits: { memory: '256Mi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'packed', mountPath: packedDirectory, readOnly: true },
          { name: 'program', mountPath: '/run/meshloom' },
        ],
      },
    ],
    containers: [
      {
        name: helperContainer,
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', helperProgramPath, 'wait'],
        env: [
          { name: helperEnvironment.version, value: version },
          { name: helperEnvironment.hostRoot, value: helperHostRoot },
          { name: helperEnvironment.node, valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ],
        // Each request is a process of its own beside the waiting one.
        resources: { requests: { cpu: '5m', memory: '32Mi' }, limits: { memory: '512Mi' } },
        securityContext: {
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'], add: [...observeCapabilities] },
          appArmorProfile: { type: 'Unconfined' },
        },
        volumeMounts: [
          { name: 'program', mountPath: '/run/meshloom', readOnly: true },
          // iptables wants to lock a file.
          { name: 'temporary', mountPath: '/tmp' },
          ...observeMounts.map((path) => ({
            name: volumeName(path),
            mountPath: helperHostRoot + path,
            readOnly: true,
          })),
        ],
      },
    ],
    volumes: [
      { name: 'packed', configMap: { name: configMap } },
      { name: 'program', emptyDir: { sizeLimit: '16Mi' } },
      { name: 'temporary', emptyDir: { sizeLimit: '16Mi' } },
      ...observeMounts.map((path) => ({ name: volumeName(path), hostPath: { path } })),
    ],
  };
}

/** `/etc/cni/net.d` → `host-etc-cni-net-d`. */
function volumeName(path: string): string {
  return `host${path.replace(/[^a-z0-9]+/gi, '-')}`.toLowerCase();
}

/** Build metadata such as `0.1.0+dev` may not stand in a label. */
function labelValue(version: string): string {
  return version.replace(/[^\w.-]/g, '_').slice(0, 63);
}
