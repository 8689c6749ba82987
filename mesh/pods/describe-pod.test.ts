import { describe, expect, it } from 'vitest';
import type { Container, ContainerStatus, KubernetesEvent, Pod } from '../kubernetes.ts';
import { describePod } from './describe-pod.ts';
import type { PodDecision } from './describe-pod.ts';
import { findPodTrouble } from './find-pod-trouble.ts';

const app: Container = { name: 'app', image: 'app:1' };
const proxy: Container = {
  name: 'istio-proxy',
  image: 'docker.io/istio/proxyv2:1.32.0-distroless',
  args: ['proxy', 'sidecar'],
};
const status = { 'sidecar.istio.io/status': '{"revision":"canary"}' };

function pod(spec: Pod['spec'], metadata: Pod['metadata'] = {}, rest: Pod['status'] = {}): Pod {
  return {
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'shop', uid: 'u1', ...metadata },
    spec: { nodeName: 'n1', ...spec },
    status: rest,
  };
}

const yes: PodDecision = {
  injected: true,
  revision: 'canary',
  steps: [{ check: 'policy', verdict: 'inject', says: 'Injected.' }],
};
const no: PodDecision = { injected: false, steps: [{ check: 'label', verdict: 'skip', says: 'Opted out.' }] };

describe('how a pod takes part', () => {
  it.each([
    [
      'a sidecar beside the app',
      pod({ containers: [app, proxy] }, { annotations: status }),
      'sidecar',
      'cni',
      'REDIRECT',
    ],
    [
      'a sidecar with istio-init',
      pod({
        initContainers: [{ name: 'istio-init', args: ['istio-iptables', '-m', 'TPROXY'] }],
        containers: [app, proxy],
      }),
      'sidecar',
      'init',
      'TPROXY',
    ],
    [
      'a native sidecar',
      pod({ initContainers: [{ name: 'istio-validation' }, { ...proxy, restartPolicy: 'Always' }], containers: [app] }),
      'native-sidecar',
      'cni',
      'REDIRECT',
    ],
    ['a gateway', pod({ containers: [{ ...proxy, args: ['proxy', 'router'] }] }), 'gateway', 'none', undefined],
    ['a waypoint', pod({ containers: [{ ...proxy, args: ['proxy', 'waypoint'] }] }), 'waypoint', 'none', undefined],
    [
      'ambient',
      pod({ containers: [app] }, { annotations: { 'ambient.istio.io/redirection': 'enabled' } }),
      'ambient',
      'ztunnel',
      undefined,
    ],
    [
      'interception mode NONE',
      pod({ containers: [app, proxy] }, { annotations: { ...status, 'sidecar.istio.io/interceptionMode': 'NONE' } }),
      'sidecar',
      'none',
      undefined,
    ],
    ['a proxy added by hand', pod({ containers: [app, proxy] }), 'sidecar', 'none', undefined],
    ['no proxy', pod({ containers: [app] }), 'none', 'none', undefined],
    ['a pod without a spec', { metadata: { name: 'p' } } as Pod, 'none', 'none', undefined],
  ])('%s', (_, given, role, by, mode) => {
    const state = describePod(given);
    expect({ role: state.role, by: state.interception.by, mode: state.interception.mode }).toEqual({ role, by, mode });
  });

  it('takes the revision from the injector’s status before labels, and the version from the tag without its variant', () => {
    const state = describePod(
      pod({ containers: [proxy] }, { annotations: status, labels: { 'istio.io/rev': 'prod' } }),
    );
    expect(state).toMatchObject({ revision: 'canary', proxy: { version: '1.32.0' } });
  });

  it('survives a status that is not JSON, and images by digest or with a port in their registry', () => {
    const state = describePod(
      pod(
        { containers: [{ ...proxy, image: 'registry:5000/proxyv2@sha256:abcd' }] },
        { annotations: { 'sidecar.istio.io/status': '{' }, labels: { 'istio.io/rev': 'prod' } },
      ),
    );
    expect(state.revision).toBe('prod');
    expect(state.proxy?.version).toBeUndefined();
  });
});

describe('what would be otherwise', () => {
  it('is said of a pod that started before its namespace was labelled', () => {
    expect(describePod(pod({ containers: [app] }), { decision: yes }).differs).toContain('Restart');
  });

  it('is said of a proxy that a new pod would not get, or would get from another revision', () => {
    expect(describePod(pod({ containers: [app, proxy] }, { annotations: status }), { decision: no }).differs).toContain(
      'would not be injected',
    );
    expect(
      describePod(
        pod({ containers: [app, proxy] }, { annotations: { 'sidecar.istio.io/status': '{"revision":"old"}' } }),
        { decision: yes },
      ).differs,
    ).toContain('revision old');
  });

  it('is not said of pods that are as decided, that did their work, or whose proxy was added by hand', () => {
    expect(
      describePod(pod({ containers: [app, proxy] }, { annotations: status }), { decision: yes }).differs,
    ).toBeUndefined();
    expect(
      describePod(pod({ containers: [app] }, {}, { phase: 'Succeeded' }), { decision: yes }).differs,
    ).toBeUndefined();
    expect(describePod(pod({ containers: [app, proxy] }), { decision: no }).differs).toBeUndefined();
  });
});

const waiting = (name: string, reason: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  state: { waiting: { reason } },
  ...more,
});
const event = (reason: string, message: string, more: Partial<KubernetesEvent> = {}): KubernetesEvent => ({
  reason,
  message,
  type: 'Warning',
  involvedObject: { kind: 'Pod', namespace: 'shop', name: 'p', uid: 'u1' },
  lastTimestamp: '2026-11-21T00:41:53Z',
  ...more,
});
const cni = 'failed to setup network for sandbox "x": plugin type="galaxy-sdn" failed (add): missing network name:';

describe('why a pod does not get on', () => {
  it('names the failure of the event, but not that of an earlier pod of the same name', () => {
    const given = pod(
      { containers: [app] },
      {},
      { phase: 'Pending', containerStatuses: [waiting('app', 'ContainerCreating')] },
    );
    expect(findPodTrouble(given, { events: [event('FailedCreatePodSandBox', cni)] })).toMatchObject({
      kind: 'cni',
      severity: 'error',
      cni: { kind: 'missing-name' },
    });
    const earlier = event('FailedCreatePodSandBox', cni, {
      involvedObject: { kind: 'Pod', namespace: 'shop', name: 'p', uid: 'u0' },
    });
    expect(findPodTrouble(given, { events: [earlier] })).toMatchObject({ kind: 'starting', severity: 'info' });
  });

  it('takes a failure for over once the image is pulled or the sandbox stands', () => {
    const given = pod(
      { containers: [app] },
      {},
      { phase: 'Pending', containerStatuses: [waiting('app', 'ContainerCreating')] },
    );
    const pulling = event('Pulling', 'Pulling image', { type: 'Normal', lastTimestamp: '2026-11-21T00:42:53Z' });
    expect(findPodTrouble(given, { events: [event('FailedCreatePodSandBox', cni), pulling] })?.kind).toBe('starting');
    const ready = {
      ...given,
      status: { ...given.status, conditions: [{ type: 'PodReadyToStartContainers', status: 'True' }] },
    };
    expect(findPodTrouble(ready, { events: [event('FailedCreatePodSandBox', cni)] })).toBeUndefined();
  });

  it.each([
    [
      'a container that crashes',
      { containerStatuses: [waiting('app', 'CrashLoopBackOff', { lastState: { terminated: { exitCode: 3 } } })] },
      'crash',
      'exit code 3',
    ],
    [
      'a native sidecar that crashes',
      {
        initContainerStatuses: [
          waiting('istio-proxy', 'CrashLoopBackOff', { lastState: { terminated: { exitCode: 1 } } }),
        ],
      },
      'crash',
      'again and again',
    ],
    ['an image that cannot be had', { containerStatuses: [waiting('app', 'ImagePullBackOff')] }, 'image', 'app:1'],
    [
      'a missing ConfigMap',
      { containerStatuses: [waiting('app', 'CreateContainerConfigError')] },
      'configuration',
      'CreateContainerConfigError',
    ],
    [
      'istio-validation that failed',
      {
        initContainerStatuses: [
          waiting('istio-validation', 'CrashLoopBackOff', { lastState: { terminated: { exitCode: 126 } } }),
        ],
      },
      'validation',
      'CNI plugin',
    ],
    [
      'istio-init that failed',
      { initContainerStatuses: [{ name: 'istio-init', state: { terminated: { exitCode: 1 } } }] },
      'crash',
      'istio-init',
    ],
    [
      'no node that fits',
      { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes' }] },
      'scheduling',
      '0/1 nodes',
    ],
    [
      'a pod that was evicted',
      { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
      'failed',
      'low on memory',
    ],
  ] as [string, Pod['status'], string, string][])('%s', (_, given, kind, says) => {
    const subject = pod(
      {
        initContainers: [{ name: 'istio-init' }, { name: 'istio-validation' }, { ...proxy, restartPolicy: 'Always' }],
        containers: [app],
      },
      {},
      given,
    );
    const trouble = findPodTrouble(subject);
    expect(trouble?.kind).toBe(kind);
    expect(trouble?.says).toContain(says);
  });

  it('recognises istio-validation behind a pod of a Job that failed for good, and an exit that means something else', () => {
    const ended = (exitCode: number, phase: string) =>
      findPodTrouble(
        pod(
          { initContainers: [{ name: 'istio-validation' }], containers: [app] },
          {},
          { phase, initContainerStatuses: [{ name: 'istio-validation', state: { terminated: { exitCode } } }] },
        ),
      );
    expect(ended(126, 'Failed')).toMatchObject({ kind: 'validation', container: 'istio-validation' });
    expect(ended(126, 'Failed')?.next).toContain('delete the pod');
    expect(ended(1, 'Pending')).toMatchObject({ kind: 'validation' });
    expect(ended(1, 'Pending')?.says).not.toContain('holds the pod');
    expect(ended(0, 'Failed')?.kind).toBe('failed');
  });

  it('blames the init container that failed, not the ones that wait for it', () => {
    const given = pod(
      { initContainers: [{ name: 'migrate' }], containers: [app] },
      {},
      {
        phase: 'Pending',
        podIP: '10.0.0.1',
        initContainerStatuses: [waiting('migrate', 'CrashLoopBackOff', { lastState: { terminated: { exitCode: 2 } } })],
        containerStatuses: [waiting('app', 'PodInitializing')],
      },
    );
    expect(findPodTrouble(given)).toMatchObject({ container: 'migrate', kind: 'crash' });
  });

  it('leaves pods in peace that are ready, done, or on their way', () => {
    expect(
      findPodTrouble(
        pod({ containers: [app] }, {}, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
      ),
    ).toBeUndefined();
    expect(findPodTrouble(pod({ containers: [app] }, {}, { phase: 'Succeeded' }))).toBeUndefined();
    expect(findPodTrouble(pod({ containers: [app] }, {}, { phase: 'Pending' }))?.severity).toBe('info');
  });
});

describe('a pod that is ending', () => {
  const ending = { deletionTimestamp: '2026-11-21T00:42:23Z' };
  const deleted = Date.parse(ending.deletionTimestamp);

  it('is on its way at first, and hangs when it should long be gone', () => {
    expect(findPodTrouble(pod({}, ending), { now: deleted + 5_000 })).toMatchObject({
      severity: 'info',
      short: 'Terminating',
    });
    expect(findPodTrouble(pod({}, ending), { now: deleted + 300_000 })).toMatchObject({
      severity: 'warning',
      short: 'hangs in Terminating',
    });
    expect(findPodTrouble(pod({}, ending))).toMatchObject({ severity: 'info' });
  });

  it('waits for its finalizers', () => {
    expect(findPodTrouble(pod({}, { ...ending, finalizers: ['example.com/guard'] }))?.says).toContain(
      'example.com/guard',
    );
  });

  it('hangs on what its node cannot do, but not when it has no network of its own', () => {
    const nodeFailure = { failure: { kind: 'version', plugin: 'galaxy-sdn', detail: '' } as const, pod: 'shop/other' };
    expect(findPodTrouble(pod({}, ending), { nodeFailure })?.says).toContain('shop/other');
    expect(findPodTrouble(pod({ hostNetwork: true }, ending), { nodeFailure })).toMatchObject({ severity: 'info' });
  });
});
