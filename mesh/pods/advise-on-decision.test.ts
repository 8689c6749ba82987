import { expect, it } from 'vitest';
import { decideInjection } from '../injection/decide-injection.ts';
import type { InjectionInputs } from '../injection/decide-injection.ts';
import { adviseOnDecision } from './advise-on-decision.ts';

const enabled = { metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } } };
const pod = (more: InjectionInputs['pod'] = {}): InjectionInputs['pod'] => ({
  metadata: { name: 'p', namespace: 'shop', ...more.metadata },
  spec: { containers: [{ name: 'app' }], ...more.spec },
});
const inject = (value: string) => ({ 'sidecar.istio.io/inject': value });

it.each<[string, InjectionInputs, RegExp | undefined]>([
  ['is injected', { pod: pod(), namespace: enabled }, undefined],
  ['opts out by label', { pod: pod({ metadata: { labels: inject('false') } }), namespace: enabled }, /take the label/],
  [
    'opts out by annotation',
    { pod: pod({ metadata: { annotations: inject('false') } }), namespace: enabled },
    /take the annotation/,
  ],
  [
    'is in a namespace that asks for nothing',
    { pod: pod(), namespace: { metadata: { name: 'shop' } } },
    /label the namespace/,
  ],
  [
    'asks for a revision that nobody is',
    { pod: pod(), namespace: { metadata: { name: 'shop', labels: { 'istio.io/rev': 'old' } } } },
    /namespace’s label istio\.io\/rev/,
  ],
  [
    'is on the host’s network',
    { pod: pod({ spec: { hostNetwork: true } }), namespace: enabled },
    /without hostNetwork/,
  ],
  ['is in a cluster without Istio', { pod: pod(), namespace: enabled, webhooks: [] }, /there must be a control plane/],
])('a pod that %s', (_, inputs, advice) => {
  const said = adviseOnDecision(decideInjection(inputs).steps);
  if (advice) expect(said).toMatch(advice);
  else expect(said).toBeUndefined();
});
