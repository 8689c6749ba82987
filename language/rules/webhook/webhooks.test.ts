import { describe } from 'vitest';
import { defaultWebhooks } from '../../../mesh/injection/injector-webhooks.ts';
import { said, testCases } from '../between-resources.fixture.ts';
import { expect, test } from 'vitest';

/** A configuration as the charts install it for a revision, whose webhooks a cluster calls by Service. */
function chart(name: string, revision: string, webhooks = defaultWebhooks([revision], false)): string {
  return JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name, labels: { 'istio.io/rev': revision } },
    webhooks: webhooks.map((webhook) => ({
      name: webhook.name.split('/')[1],
      clientConfig: { service: { name: 'istiod', namespace: 'istio-system' } },
      namespaceSelector: webhook.namespaceSelector,
      objectSelector: webhook.objectSelector,
    })),
  });
}

const [istiod, out] = [
  '{ apiVersion: v1, kind: Service, metadata: { name: istiod, namespace: istio-system }, spec: { ports: [{ port: 443, name: https }] } }',
  '{ apiVersion: apps/v1, kind: Deployment, metadata: { name: edge, namespace: out }, spec: { template: { metadata: { labels: { istio: edge } }, spec: { containers: [{ name: istio-proxy, image: auto }] } } } }',
];
const namespace = (name: string, labels: string) =>
  `{ apiVersion: v1, kind: Namespace, metadata: { name: ${name}, labels: { ${labels} } } }`;
const all = (...resources: string[]) => resources.join('\n---\n');

describe('injector webhooks', () => {
  testCases({ strictness: 'strict' }, [
    ['a default installation', all(istiod, chart('istio-sidecar-injector', 'default')), []],
    [
      'two revisions side by side',
      all(istiod, chart('istio-sidecar-injector', 'default'), chart('istio-sidecar-injector-canary', 'canary')),
      [],
    ],
    [
      'one revision twice',
      all(istiod, chart('istio-sidecar-injector', 'canary'), chart('istio-revision-tag-canary', 'canary')),
      [
        'IST0139 MutatingWebhookConfiguration/istio-sidecar-injector 3',
        'IST0139 MutatingWebhookConfiguration/istio-sidecar-injector 3',
        'IST0139 MutatingWebhookConfiguration/istio-revision-tag-canary 5',
        'IST0139 MutatingWebhookConfiguration/istio-revision-tag-canary 5',
      ],
    ],
    [
      'a control plane that is gone',
      chart('istio-sidecar-injector', 'default', defaultWebhooks(['default'], false).slice(0, 1)),
      ['IST0139 MutatingWebhookConfiguration/istio-sidecar-injector 1'],
    ],
  ]);
});

describe('image: auto', () => {
  testCases({}, [
    ['in an injected namespace', all(namespace('out', 'istio-injection: enabled'), out), []],
    ['in a namespace of a revision', all(namespace('out', 'istio.io/rev: canary'), out), []],
    ['in a namespace that says nothing', all(namespace('out', ''), out), ['IST0146 Deployment/edge.out 3']],
    [
      'in a namespace that refuses',
      all(namespace('out', 'istio-injection: disabled'), out),
      ['IST0146 Deployment/edge.out 3'],
    ],
    ['in a namespace that nobody knows', out, []],
    [
      'in a namespace of a revision that nobody runs',
      all(namespace('out', 'istio.io/rev: gone'), out, chart('istio-sidecar-injector', 'default')),
      ['IST0146 Deployment/edge.out 3'],
    ],
  ]);
});

test('a webhook is told once for each configuration, with the labels for which it overlaps', () => {
  const text = all(chart('a', 'canary'), chart('b', 'canary'));
  expect(said(text).length).toBe(4);
});
