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
  /** With `istio-validation`, which holds the pod back while its traffic is not redirected. */
  validated?: boolean;
  /** Listens as a proxy and an app do, and starts more slowly. Else every container only waits. */
  live?: boolean;
  /** The container that is not there after all, or is there beside the others. */
  without?: 'istio-proxy';
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

export function injected(shape: InjectedShape = {}): PodShape {
  const container = (name: string, program: string, more: object = {}) =>
    shape.live || name === 'istio-validation'
      ? { name, image: nodeImage, imagePullPolicy: 'IfNotPresent', command: run(program), ...more }
      : { name, image: pauseImage, imagePullPolicy: 'IfNotPresent', ...more };
  const env = Object.entries(shape.proxyEnv ?? {}).map(([name, value]) => ({ name, value }));
  const probe = { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 1, failureThreshold: 600 };
  const proxy = container('istio-proxy', 'proxy', {
    ...{ args: ['proxy', 'sidecar'], env, securityContext: asProxy, restartPolicy: 'Always' },
    ...(shape.live && { startupProbe: probe }),
  });
  const initContainers = [
    ...(shape.validated ? [container('istio-validation', 'validation', { securityContext: asProxy })] : []),
    ...(shape.with === 'istio-init'
      ? [{ name: 'istio-init', image: nodeImage, imagePullPolicy: 'IfNotPresent', command: ['true'] }]
      : []),
    ...(shape.without === 'istio-proxy' ? [] : [proxy]),
  ];
  const status = {
    initContainers: initContainers.map(({ name }) => name),
    ...{ containers: null, volumes: [], imagePullSecrets: null, revision: 'default' },
  };
  return {
    labels: { 'security.istio.io/tlsMode': 'istio', ...shape.labels },
    annotations: {
      'istio.io/rev': 'default',
      'sidecar.istio.io/interceptionMode': 'REDIRECT',
      'sidecar.istio.io/status': JSON.stringify(status),
      'traffic.sidecar.istio.io/excludeInboundPorts': '15020',
      'traffic.sidecar.istio.io/includeInboundPorts': '*',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
      ...shape.annotations,
    },
    spec: { initContainers, containers: [container('app', 'app')], ...shape.spec },
  };
}
