import { describe, expect, it } from 'vitest';
import type { ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { pageOf } from './console-pages.ts';
import { findConsoles, type ConsoleKind } from './consoles.ts';
import { fillLink, linkFor } from './link-settings.ts';

type Ports = { name?: string; port: number; targetPort?: number | string; appProtocol?: string }[];

function service(place: string, labels: Record<string, string>, ports: Ports, more: object = {}): ServiceObject {
  const [namespace, name] = place.split('/');
  return {
    kind: 'Service',
    metadata: { namespace: namespace!, name: name!, labels },
    spec: { clusterIP: '10.0.0.1', selector: { app: name! }, ports, ...more },
  };
}

/* As the add-ons and charts make them. */
const istioAddons = [
  service('istio-system/kiali', { app: 'kiali', 'app.kubernetes.io/name': 'kiali' }, [
    { name: 'http', port: 20_001 },
    { name: 'http-metrics', port: 9090 },
  ]),
  service('istio-system/grafana', { 'app.kubernetes.io/name': 'grafana' }, [
    { name: 'service', port: 3000, targetPort: 3000 },
  ]),
  service('istio-system/tracing', { app: 'jaeger' }, [
    { name: 'http-query', port: 80, targetPort: 16_686 },
    { name: 'grpc-query', port: 16_685 },
  ]),
  service('istio-system/jaeger-collector', { app: 'jaeger' }, [{ name: 'jaeger-collector-http', port: 14_268 }]),
  service('istio-system/prometheus', { 'app.kubernetes.io/name': 'prometheus' }, [{ name: 'http', port: 9090 }]),
];
const prometheusStack = [
  service('monitoring/mon-grafana', { 'app.kubernetes.io/name': 'grafana' }, [
    { name: 'http-web', port: 80, targetPort: 'grafana' },
  ]),
  service('monitoring/mon-kube-prometheus-stack-prometheus', { app: 'kube-prometheus-stack-prometheus' }, [
    { name: 'http-web', port: 9090, targetPort: 9090 },
    { name: 'reloader-web', port: 8080 },
  ]),
  service('monitoring/mon-kube-prometheus-stack-operator', { app: 'kube-prometheus-stack-operator' }, [
    { name: 'https', port: 443, targetPort: 'https' },
  ]),
  service('monitoring/mon-prometheus-node-exporter', { 'app.kubernetes.io/name': 'prometheus-node-exporter' }, [
    { name: 'http-metrics', port: 9100 },
  ]),
  service('monitoring/mon-kube-state-metrics', { 'app.kubernetes.io/name': 'kube-state-metrics' }, [
    { name: 'http', port: 8080 },
  ]),
];

const found = (kind: ConsoleKind, services: readonly ServiceObject[]) =>
  findConsoles(kind, services).map(
    ({ namespace, name, scheme, targetPort }) => `${scheme} ${namespace}/${name}:${targetPort}`,
  );

describe('finding consoles by their Services', () => {
  it('knows Istio’s add-ons', () => {
    expect(found('kiali', istioAddons)).toEqual(['http istio-system/kiali:20001']);
    expect(found('grafana', istioAddons)).toEqual(['http istio-system/grafana:3000']);
    expect(found('jaeger', istioAddons)).toEqual(['http istio-system/tracing:16686']);
    expect(found('prometheus', istioAddons)).toEqual(['http istio-system/prometheus:9090']);
  });

  it('knows the charts of others, and takes none of their other parts for it', () => {
    expect(found('grafana', prometheusStack)).toEqual(['http monitoring/mon-grafana:grafana']);
    expect(found('prometheus', prometheusStack)).toEqual(['http monitoring/mon-kube-prometheus-stack-prometheus:9090']);
    expect(found('kiali', prometheusStack)).toEqual([]);
    const operator = service('kiali-operator/kiali-operator-metrics', { app: 'kiali-operator' }, [{ port: 8080 }]);
    expect(found('kiali', [operator])).toEqual([]);
  });

  it('puts the control plane’s first', () => {
    expect(found('grafana', [...prometheusStack, ...istioAddons])[0]).toBe('http istio-system/grafana:3000');
  });

  it('leaves what has no pods behind it, and sees TLS', () => {
    const outside = service('a/grafana', {}, [{ port: 3000 }], { type: 'ExternalName', selector: undefined });
    expect(found('grafana', [outside, service('b/grafana', {}, [{ port: 3000 }], { selector: {} })])).toEqual([]);
    const tls = service('istio-system/kiali', { app: 'kiali' }, [{ name: 'tcp', port: 20_001, appProtocol: 'https' }]);
    expect(found('kiali', [tls])).toEqual(['https istio-system/kiali:20001']);
  });
});

describe('pages', () => {
  const web = { kind: 'Pod', namespace: 'shop', name: 'web-1', workload: 'web', app: 'shop-web' };
  const istiod = { kind: 'Deployment', namespace: 'istio-system', name: 'istiod', workload: 'istiod' };
  const policy = { kind: 'PeerAuthentication', namespace: 'shop', name: 'default' };
  const namespace = { kind: 'Namespace', namespace: 'shop', name: 'shop' };
  const reviews = { kind: 'Service', namespace: 'shop', name: 'reviews' };

  it('of Kiali are about the workload, the Service, the namespace’s graph or the policy', () => {
    expect(pageOf('kiali', web)).toBe('/console/namespaces/shop/workloads/web');
    expect(pageOf('kiali', reviews)).toBe('/console/namespaces/shop/services/reviews');
    expect(pageOf('kiali', namespace)).toBe('/console/graph/namespaces?namespaces=shop&graphType=versionedApp');
    expect(pageOf('kiali', policy)).toBe(
      '/console/namespaces/shop/istio/security.istio.io/v1/PeerAuthentication/default',
    );
    expect(pageOf('kiali', policy, { version: '1.89.0' })).toBe(
      '/console/namespaces/shop/istio/peerauthentications/default',
    );
    expect(pageOf('kiali', {})).toBe('/console/overview');
  });

  it('of Grafana are Istio’s dashboards with their variables, by whatever id they have there', () => {
    const dashboards = [
      { uid: 'aaa', title: 'Istio Service Dashboard' },
      { uid: 'bbb', title: 'Istio Workload Dashboard' },
      { uid: 'ccc', title: 'Istio / Control Plane' },
    ];
    expect(pageOf('grafana', web, { dashboards })).toBe('/d/bbb?var-namespace=shop&var-workload=web');
    expect(pageOf('grafana', reviews, { dashboards })).toBe('/d/aaa?var-service=reviews.shop.svc.cluster.local');
    expect(pageOf('grafana', istiod, { dashboards })).toBe('/d/ccc');
    expect(pageOf('grafana', web)).toBe('/dashboards?query=Istio%20Workload%20Dashboard');
  });

  it('of Jaeger and Prometheus are searches for what the mesh reports', () => {
    expect(pageOf('jaeger', web)).toBe('/search?service=shop-web.shop');
    expect(pageOf('jaeger', namespace)).toBe('/search');
    expect(decodeURIComponent(pageOf('prometheus', web))).toContain(
      'istio_requests_total{destination_workload="web",destination_workload_namespace="shop"}',
    );
  });
});

describe('addresses in the settings', () => {
  const web = { kind: 'Pod', namespace: 'shop', name: 'web-1', workload: 'web' };
  it('are one for all contexts, or one for each pattern, the most particular first', () => {
    expect(linkFor(' https://kiali.example ', 'prod-eu')).toBe('https://kiali.example');
    const setting = { '*': 'https://any.example', 'prod-*': 'https://prod.example' };
    expect(linkFor(setting, 'prod-eu')).toBe('https://prod.example');
    expect(linkFor(setting, 'kind')).toBe('https://any.example');
    expect(linkFor({ 'prod-*': 'https://prod.example' }, 'kind')).toBeUndefined();
    for (const none of ['', undefined, 5, [], { '*': 7 }]) expect(linkFor(none, 'kind')).toBeUndefined();
  });

  it('say where the console is, or the page itself', () => {
    expect(fillLink('https://kiali.example/{context}/', 'a/b', web, '/page')).toBe('https://kiali.example/a%2Fb/page');
    expect(fillLink('https://g.example/d/x?var-workload={workload}', 'c', web, '/page')).toBe(
      'https://g.example/d/x?var-workload=web',
    );
    for (const link of ['javascript:alert(1)', 'vscode://x', 'kiali.example', '{context}'])
      expect(fillLink(link, 'c', web, '/page')).toBeUndefined();
  });
});
