/** Pods as Istio's injector leaves them where a CNI plugin programs the redirection; the proxy is a stand-in that only listens. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeImage, pauseImage } from './images.ts';
import type { PodShape } from './pods.ts';

export interface InjectedShape {
  /** Beside those that the injector writes, or instead of one of them. */
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  proxyEnv?: Record<string, string>;
  /** Its `istio-validation` really holds the pod back while its traffic is not redirected. */
  validated?: boolean;
  /** Listens as a proxy and an app do, and starts more slowly. Else every container only waits. */
  live?: boolean;
  /** The container that is not there after all, or is there beside the others. */
  without?: 'istio-proxy' | 'istio-validation';
  with?: 'istio-init';
  spec?: Record<string, unknown>;
}

const asProxy = {
  ...{ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, privileged: false },
  ...{ readOnlyRootFilesystem: true, runAsGroup: 1337, runAsNonRoot: true, runAsUser: 1337 },
};

/** A program of `programs/` as a command of a container. */
function run(program: string): string[] {
  const text = readFileSync(join(import.meta.dirname, `programs/${program}.mjs`), 'utf8');
  return ['node', '--input-type=module', '--eval', text];
}

const usualAnnotations = {
  'istio.io/rev': 'default',
  'sidecar.istio.io/interceptionMode': 'REDIRECT',
  'traffic.sidecar.istio.io/excludeInboundPorts': '15020',
  'traffic.sidecar.istio.io/includeInboundPorts': '*',
  'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
};

export function injected(shape: InjectedShape = {}): PodShape {
  const annotations = { ...usualAnnotations, ...shape.annotations };
  const initContainers = [
    ...(shape.with === 'istio-init' ? [initOf('istio-init', annotations, idle)] : []),
    ...(shape.without === 'istio-validation'
      ? []
      : [initOf('istio-validation', annotations, shape.validated ? run('validation') : idle)]),
    ...(shape.without === 'istio-proxy' ? [] : [proxyOf(shape)]),
  ];
  const status = {
    initContainers: initContainers.map(({ name }) => name),
    ...{ containers: null, volumes: [], imagePullSecrets: null, revision: 'default' },
  };
  return {
    labels: { 'security.istio.io/tlsMode': 'istio', ...shape.labels },
    annotations: { ...annotations, 'sidecar.istio.io/status': JSON.stringify(status) },
    spec: { initContainers, containers: [{ name: 'app', ...(shape.live ? live('app') : waiting) }], ...shape.spec },
  };
}

/** Ends well at once. */
const idle = ['sh', '-c', ':'];

/** Holds the container open and does nothing. */
const waiting = { image: pauseImage, imagePullPolicy: 'IfNotPresent', command: ['/pause'] };

function live(program: string) {
  return { image: nodeImage, imagePullPolicy: 'IfNotPresent', command: run(program) };
}

/** Both are given the same arguments, the latter to prove what the former does. */
function initOf(name: 'istio-init' | 'istio-validation', annotations: Record<string, string>, command: string[]) {
  const of = (kind: string) => annotations[`traffic.sidecar.istio.io/${kind}`] ?? '';
  const args = [
    ...['istio-iptables', '-p', '15001', '-z', '15006', '-u', '1337'],
    ...['-m', annotations['sidecar.istio.io/interceptionMode']!],
    ...['-i', of('includeOutboundIPRanges'), '-x', of('excludeOutboundIPRanges'), '-b', of('includeInboundPorts')],
    ...['-d', `15090,15021,${of('excludeInboundPorts')}`, '-o', of('excludeOutboundPorts')],
    ...(name === 'istio-validation' ? ['--run-validation', '--skip-rule-apply'] : []),
  ];
  return { name, image: nodeImage, imagePullPolicy: 'IfNotPresent', command, args, securityContext: asProxy };
}

function proxyOf(shape: InjectedShape) {
  const env = Object.entries(shape.proxyEnv ?? {}).map(([name, value]) => ({ name, value }));
  const probe = { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 1, failureThreshold: 600 };
  return {
    ...{ name: 'istio-proxy', ...(shape.live ? live('proxy') : waiting), args: ['proxy', 'sidecar'], env },
    ...{ securityContext: asProxy, restartPolicy: 'Always', ...(shape.live && { startupProbe: probe }) },
  };
}
