import { describe, expect, it } from 'vitest';
import type { Pod, Workload } from '../kubernetes.ts';
import type { PodMeshState } from './describe-pod.ts';
import { describeDecision } from './describe-decision.ts';
import { describeRefusal, describeWorkload } from './describe-workload.ts';
import { groupPods } from './group-pods.ts';

const workload = { kind: 'Deployment', namespace: 'shop', name: 'api' };

describe('a refusal to create pods', () => {
  it.each([
    [
      'Pod Security “restricted”, which istio-init breaks',
      'pods "api-1" is forbidden: violates PodSecurity "restricted:v1.30": unrestricted capabilities (container "istio-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add), runAsNonRoot != true (container "istio-init" must not set runAsUser=0)',
      'pod-security',
      'restricted',
      'CNI plugin',
    ],
    [
      'Pod Security for the app’s own sake',
      'pods "api-1" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      'pod-security',
      'hostNetwork=true',
      'pod template',
    ],
    [
      'a quota',
      'pods "api-1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2',
      'quota',
      'quota small',
      'proxy',
    ],
    [
      'an injector that does not answer',
      'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": no endpoints available for service "istiod"',
      'webhook',
      'no endpoints',
      'istiod',
    ],
    [
      'a webhook that says no',
      'admission webhook "policy.example.com" denied the request: image not signed',
      'webhook',
      'image not signed',
      'pod template',
    ],
    [
      'a service account that is not there',
      'error looking up service account shop/api: serviceaccount "api" not found',
      'refused',
      'service account api does not exist in namespace shop',
      'Create the service account',
    ],
    [
      'a quota that asks for limits',
      'pods "api-1" is forbidden: failed quota: compute: must specify limits.cpu for: istio-proxy',
      'quota',
      'quota compute of namespace shop asks every container for limits.cpu for: istio-proxy',
      'LimitRange',
    ],
    [
      'an SCC',
      'pods "api-1" is forbidden: unable to validate against any security context constraint: [provider restricted-v2: .initContainers[0].capabilities.add: Invalid value: "NET_ADMIN": capability may not be added]',
      'pod-security',
      'no security context constraint that service accounts of namespace shop may use allows them',
      'CNI plugin',
    ],
    ['anything else', 'the moon is in the wrong phase', 'refused', 'the moon is in the wrong phase', 'pod template'],
  ])('by %s', (_, message, kind, says, next) => {
    const trouble = describeRefusal(`Error creating: ${message}`, workload);
    expect(trouble.kind).toBe(kind);
    expect(trouble.says).toContain(says);
    expect(trouble.next).toContain(next);
  });

  it('of a Job is told on it, and of a CronJob’s Job on the CronJob; not any more when it runs, is suspended or has ended', () => {
    const job = (more: Partial<Workload>, owner?: string): Workload => ({
      kind: 'Job',
      metadata: {
        ...{ name: 'nightly-1', namespace: 'shop' },
        ...(owner && { ownerReferences: [{ kind: 'CronJob', name: owner, controller: true }] }),
      },
      ...more,
    });
    const events = [
      {
        ...{ reason: 'FailedCreate', type: 'Warning' },
        involvedObject: { kind: 'Job', namespace: 'shop', name: 'nightly-1' },
        message:
          'Error creating: pods "nightly-1-x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3',
      },
    ];
    const cronJob: Workload = { kind: 'CronJob', metadata: { name: 'nightly', namespace: 'shop' }, spec: {} };
    const refused = (jobs: Workload[], workloads: Workload[] = []) =>
      groupPods({ pods: [], replicaSets: [], jobs, workloads }).map((group) => [
        `${group.kind} ${group.name}`,
        describeWorkload(group, [], { events }).refusal?.short,
      ]);
    expect(refused([job({})])).toEqual([['Job nightly-1', 'refused by quota few']]);
    expect(refused([job({}, 'nightly')], [cronJob])).toEqual([['CronJob nightly', 'refused by quota few']]);
    expect(refused([job({ status: { active: 1 } })])).toEqual([['Job nightly-1', undefined]]);
    expect(refused([job({ spec: { suspend: true } })])).toEqual([['Job nightly-1', undefined]]);
    expect(refused([job({ status: { conditions: [{ type: 'Complete', status: 'True' }] } })])).toEqual([]);
  });

  it('of a DaemonSet is told from its own events', () => {
    const daemonSet: Workload = {
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace: 'shop' },
      status: { desiredNumberScheduled: 2, currentNumberScheduled: 0 },
    };
    const [group] = groupPods({ pods: [], replicaSets: [], workloads: [daemonSet] });
    const events = [
      {
        reason: 'FailedCreate',
        message: 'exceeded quota: q, requested: a, used: b, limited: c',
        involvedObject: { kind: 'DaemonSet', namespace: 'shop', name: 'agent' },
      },
    ];
    expect(describeWorkload(group!, [], { events }).refusal?.kind).toBe('quota');
  });
});

describe('grouping', () => {
  const owned = (name: string, owner: { kind: string; name: string }, labels = {}): Pod => ({
    metadata: { name, namespace: 'shop', labels, ownerReferences: [{ ...owner, controller: true }] },
  });
  const names = (pods: Pod[], replicaSets: Workload[] = []) =>
    groupPods({ pods, replicaSets, workloads: [] }).map(
      ({ kind, name, pods: found }) => `${kind} ${name} ${found.length}`,
    );

  it('follows a pod over its ReplicaSet to whatever owns that', () => {
    const replicaSet: Workload = {
      metadata: {
        name: 'api-5d',
        namespace: 'shop',
        ownerReferences: [{ kind: 'Rollout', name: 'api', controller: true }],
      },
      spec: { replicas: 1 },
    };
    expect(names([owned('api-5d-x', { kind: 'ReplicaSet', name: 'api-5d' })], [replicaSet])).toEqual(['Rollout api 1']);
  });

  it('tells the Deployment by the template hash when ReplicaSets may not be read', () => {
    const pod = owned('api-5d-x', { kind: 'ReplicaSet', name: 'api-5d' }, { 'pod-template-hash': '5d' });
    expect(names([pod])).toEqual(['Deployment api 1']);
  });

  it('keeps ReplicaSets, Jobs and StatefulSets that nobody owns, and static pods as pods', () => {
    expect(
      names([
        owned('a', { kind: 'ReplicaSet', name: 'plain' }),
        owned('b', { kind: 'Job', name: 'nightly' }),
        owned('c', { kind: 'StatefulSet', name: 'db' }),
        owned('kube-proxy-n1', { kind: 'Node', name: 'n1' }),
        { metadata: { name: 'bare', namespace: 'shop' } },
      ]),
    ).toEqual(['Job nightly 1', 'Pod bare 1', 'Pod kube-proxy-n1 1', 'ReplicaSet plain 1', 'StatefulSet db 1']);
  });

  it('leaves out ReplicaSets that are only kept for a roll-back', () => {
    const old: Workload = {
      metadata: {
        name: 'api-old',
        namespace: 'shop',
        ownerReferences: [{ kind: 'Deployment', name: 'api', controller: true }],
      },
      spec: { replicas: 0 },
      status: { replicas: 0 },
    };
    expect(names([], [old])).toEqual([]);
  });
});

it('an error of a pod is worse than why no further pods come', () => {
  const message = 'unable to create new content in namespace shop because it is being terminated';
  const api: Workload = {
    kind: 'Deployment',
    metadata: { name: 'api', namespace: 'shop' },
    spec: { replicas: 2 },
    status: { replicas: 1, conditions: [{ type: 'ReplicaFailure', status: 'True', message }] },
  };
  const [group] = groupPods({ pods: [], replicaSets: [], workloads: [api] });
  const trouble = { severity: 'error', short: 'CrashLoopBackOff' };
  const worstOf = (states: object[]) => describeWorkload(group!, states as PodMeshState[]).worst?.short;
  expect(worstOf([])).toBe('its namespace is being deleted');
  expect(worstOf([{ role: 'none', trouble }])).toBe('CrashLoopBackOff');
});

describe('a decision, written down', () => {
  it('has the verdict, the steps in order, and nothing of the cluster’s that Markdown would take for its own', () => {
    const text = describeDecision({
      subject: 'Pod shop/[a](command:x)',
      decision: {
        injected: false,
        templates: [],
        by: null,
        steps: [
          {
            check: 'namespace',
            value: 'istio-injection=enabled',
            verdict: 'continue',
            says: 'Namespace shop is labelled.',
          },
          { check: 'label', value: 'sidecar.istio.io/inject=false', verdict: 'skip', says: '<b>Opted</b> out.' },
        ],
      },
      missing: ['the webhooks'],
    });
    expect(text).toContain('A new pod would not be injected.');
    expect(text.indexOf('1. →')).toBeLessThan(text.indexOf('2. ✗'));
    expect(text).not.toMatch(/(?<!\\)\[a\]|<b>/);
    expect(text).toContain('the webhooks');
  });

  const decided = { templates: ['sidecar'], by: null, injected: true, revision: 'default' };
  const skipped = [{ check: 'label', value: 'sidecar.istio.io/inject=false', verdict: 'skip', says: '' }] as const;
  const alone: Pod = { metadata: { name: 'a' }, spec: { containers: [{ name: 'app' }] }, status: { phase: 'Running' } };
  it.each<[string, Omit<Parameters<typeof describeDecision>[0], 'subject'>, RegExp, RegExp]>([
    [
      'to do nothing',
      { decision: { ...decided, steps: [] }, live: true },
      /Nothing: it is injected/,
      /Restart Workload/,
    ],
    [
      'to restart',
      { decision: { ...decided, steps: [] }, live: true, running: alone },
      /“Mesh: Restart Workload”/,
      /Nothing:/,
    ],
    [
      'to take the opt-out back',
      { decision: { ...decided, injected: false, steps: skipped }, live: true },
      /take the label[^]*“Mesh: Show YAML”[^]*“Mesh: Restart Workload”/,
      /Nothing:/,
    ],
    [
      'to edit the file',
      { decision: { ...decided, injected: false, steps: skipped } },
      /take the label/,
      /Restart Workload/,
    ],
  ])('ends with what to do: %s', (_, decision, words, not) => {
    const [, end = ''] = describeDecision({ subject: 'Pod shop/a', ...decision }).split('## What to do');
    expect(end).toMatch(words);
    expect(end).not.toMatch(not);
  });
});
