import { describe, expect, it } from 'vitest';
import { describeMtls } from './describe-mtls.ts';
import type { SecurityWorld } from './security-objects.ts';
import { dr, explained, meshPod, pa, service } from './security.fixture.ts';

const status = { 'sidecar.istio.io/status': '{}' };
const reviews = meshPod('reviews', { annotations: status });
const breakers = (parts: Partial<SecurityWorld>, server = reviews) =>
  explained(
    { kind: 'Deployment', namespace: 'shop', name: 'reviews' },
    { services: [service('reviews')], ...parts, pods: [server, ...(parts.pods ?? [])] },
  ).servers[0]?.breakers ?? [];
const bare = (name: string, container: Record<string, unknown> = {}, namespace = 'shop') =>
  meshPod(name, { standing: 'none', namespace, container });

describe('who would be cut off by STRICT', () => {
  it.each([
    [{ name: 'REVIEWS_URL', value: 'http://reviews:80/x' }, 'shop', 'names'],
    [{ name: 'HOST', value: 'reviews' }, 'shop', 'names'],
    [{ name: 'HOST', value: 'reviews.shop.svc.cluster.local' }, 'other', 'names'],
    [{ name: 'HOST', value: 'reviews' }, 'other', undefined],
    [{ name: 'HOST', value: 'reviews.shopping' }, 'other', undefined],
    [{ name: 'HOST', value: 'my-reviews:80' }, 'shop', 'may'],
  ])('a workload with %j in %s: %s', (env, namespace, likelihood) => {
    expect(breakers({ pods: [bare('client', { env: [env] }, namespace)] })[0]?.likelihood).toBe(likelihood);
  });

  it('is an ingress controller elsewhere, but not just any workload there', () => {
    const pods = [
      bare('ingress', { image: 'registry.k8s.io/ingress-nginx/controller:v1' }, 'edge'),
      bare('x', {}, 'edge'),
    ];
    expect(breakers({ pods }).map(({ who }) => who)).toEqual(['Deployment edge/ingress']);
  });

  it('is nobody with a proxy', () => {
    expect(
      breakers({ pods: [meshPod('client', { container: { env: [{ name: 'HOST', value: 'reviews' }] } })] }),
    ).toEqual([]);
  });

  it('is who comes through a node port, and the API server that calls a webhook', () => {
    const webhooks = [
      {
        metadata: { name: 'check' },
        webhooks: [{ name: 'a.b.c', clientConfig: { service: { name: 'reviews', namespace: 'shop' } } }],
      },
    ];
    expect(breakers({ services: [service('reviews', { type: 'NodePort' })], webhooks }).map(({ who }) => who)).toEqual([
      'Service shop/reviews',
      'the API server',
    ]);
  });

  it.each([
    ['a probe of the app itself', { readinessProbe: { httpGet: { path: '/', port: 8080 } } }, 1],
    ['a gRPC probe', { livenessProbe: { grpc: { port: 8080 } } }, 1],
    ['a rewritten probe', { readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15020 } } }, 0],
    ['a TCP probe, which succeeds at the proxy', { readinessProbe: { tcpSocket: { port: 8080 } } }, 0],
    ['an exec probe', { readinessProbe: { exec: {} } }, 0],
  ])('%s', (_, container, count) => {
    expect(breakers({}, meshPod('reviews', { annotations: status, container }))).toHaveLength(count);
  });

  it('is Prometheus where it is asked to scrape the app’s own port', () => {
    const scraped = (port: string) =>
      meshPod('reviews', { annotations: { ...status, 'prometheus.io/scrape': 'true', 'prometheus.io/port': port } });
    expect(breakers({}, scraped('8080')).map(({ who }) => who)).toEqual(['Prometheus']);
    expect(breakers({}, scraped('15020'))).toEqual([]);
  });

  it('is not asked where STRICT holds already', () => {
    expect(breakers({ peerAuthentications: [pa('ns', { mtls: { mode: 'STRICT' } })], pods: [bare('client')] })).toEqual(
      [],
    );
  });
});

describe('the explanation, written down', () => {
  it('shows every text of a cluster literally, and says that traffic cannot be seen', () => {
    const explanation = explained(
      { kind: 'Service', namespace: 'shop', name: 'reviews' },
      {
        pods: [reviews, bare('a|b](command:x)')],
        services: [service('reviews')],
        destinationRules: [dr('<b>', { host: 'reviews', trafficPolicy: { tls: { mode: 'SIMPLE' } } })],
      },
    );
    const text = describeMtls({ explanation, origin: 'Cluster x', missing: ['pods'] });
    expect(text).not.toMatch(/<b>|[^\\]\]\(|\w\|b/);
    expect(text).toContain('Traffic cannot be seen from here');
    expect(text).toContain('Could not be read');
  });

  it('groups clients that do the same, and tells ambient ones apart', () => {
    const { services } = explained(
      { kind: 'Service', namespace: 'shop', name: 'reviews' },
      {
        pods: [
          reviews,
          meshPod('a', { namespace: 'a' }),
          meshPod('b', { namespace: 'b' }),
          meshPod('c', { namespace: 'c', standing: 'ambient' }),
        ],
        services: [service('reviews')],
        peerAuthentications: [pa('ns', { mtls: { mode: 'STRICT' } })],
        destinationRules: [
          dr('r', { host: 'reviews.shop.svc.cluster.local', trafficPolicy: { tls: { mode: 'DISABLE' } } }, 'b'),
        ],
      },
    );
    expect(
      services[0]?.clients.map(({ by, namespaces, calls }) => [by, namespaces, calls[0]?.agreement.outcome]),
    ).toEqual([
      ['sidecar', ['shop', 'a'], 'mutual'],
      ['sidecar', ['b'], 'fails'],
      ['ambient', ['c'], 'fails'],
    ]);
  });

  it('turns automatic mutual TLS off for a headless Service with a pod that has no proxy', () => {
    const other = {
      ...bare('other'),
      pod: { ...bare('other').pod, metadata: { ...bare('other').pod.metadata, labels: { app: 'reviews' } } },
    };
    const { services } = explained(
      { kind: 'Service', namespace: 'shop', name: 'reviews' },
      { pods: [reviews, other], services: [service('reviews', { clusterIP: 'None' })] },
    );
    expect(services[0]?.clients[0]?.calls[0]?.tls.sends).toBe('plain');
  });
});
