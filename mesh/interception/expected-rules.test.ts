import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type {
  ConfigMap,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Pod,
  Workload,
} from '../kubernetes.ts';
import { expectedRules } from './expected-rules.ts';
import type { ExpectedInputs, ServiceAddress } from './expected-rules.ts';
import { printRules } from './print-rules.ts';

const recordings = join(import.meta.dirname, '..', '..', 'extension', 'demo', 'recordings');
const states = ['before-cni', 'with-cni', 'broken'] as const;

function load(state: string) {
  const { items } = JSON.parse(readFileSync(join(recordings, state, 'resources.json'), 'utf8')) as {
    items: KubernetesObject[];
  };
  const all = <T>(kind: string) => items.filter((item) => item.kind === kind) as T[];
  return {
    pods: all<Pod>('Pod'),
    deployments: all<Workload>('Deployment'),
    namespaces: all<Namespace>('Namespace'),
    inputs: {
      webhooks: all<MutatingWebhookConfiguration>('MutatingWebhookConfiguration'),
      configMaps: all<ConfigMap>('ConfigMap'),
      services: all<ServiceAddress>('Service'),
    },
  };
}

/** What `iptables-save -c` printed, without counters. */
function recorded(state: string, file: string): string {
  return readFileSync(join(recordings, state, 'rules', file), 'utf8')
    .replace(/^\[\d+:\d+\] /gm, '')
    .replace(/^(:\S+ \S+) \[\d+:\d+\]$/gm, '$1 [0:0]');
}

const cases = states.flatMap((state) => {
  const { pods } = load(state);
  return readdirSync(join(recordings, state, 'rules')).flatMap((file) => {
    const [, namespace, name, family] = /^([^_]+)_(.+)\.v([46])\.save$/.exec(file) ?? [];
    const pod = pods.find(({ metadata }) => metadata?.namespace === namespace && metadata?.name === name);
    // A pod that the recording no longer lists cannot be computed.
    return pod ? [{ state, file, pod, family: family as '4' | '6' }] : [];
  });
});

function namespaceOf(state: string, name: string | undefined): { namespace?: Namespace } {
  const namespace = load(state).namespaces.find(({ metadata }) => metadata?.name === name);
  return namespace ? { namespace } : {};
}

const print = (inputs: ExpectedInputs) => printRules(expectedRules(inputs).ruleset, { counters: false });

describe('the rules Istio programs', () => {
  it('has real pods to compare with', () => {
    expect(cases.length).toBeGreaterThanOrEqual(50);
  });

  it.each(cases)('are those of $state/$file, computed from the pod as it runs', ({ state, file, pod, family }) => {
    const inputs = { ...load(state).inputs, ...namespaceOf(state, pod.metadata?.namespace), pod, family };
    expect(print(inputs)).toBe(recorded(state, file));
  });

  it.each(cases)(
    'are those of $state/$file, computed from the Deployment as it was written',
    ({ state, file, pod, family }) => {
      const { deployments, inputs } = load(state);
      const { namespace, labels } = pod.metadata!;
      const deployment = deployments.find(
        ({ metadata }) => metadata?.namespace === namespace && metadata?.name === labels!['app'],
      );
      const template = deployment!.spec!.template!;
      const written = {
        ...template,
        metadata: { ...template.metadata!, name: labels!['app']!, namespace: namespace! },
      };
      expect(print({ ...inputs, ...namespaceOf(state, namespace), pod: written, family })).toBe(recorded(state, file));
      // The mode that was asked for counts, whatever the installation does.
      const mode = state === 'before-cni' ? 'init' : 'cni';
      const bare = { ...namespaceOf(state, namespace), pod: written, family, mode } as const;
      expect(print(bare)).toBe(recorded(state, file));
    },
  );
});
