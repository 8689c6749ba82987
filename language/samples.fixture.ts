/** Manifests that tests cut, bend and mix: every shape that people write, sound and faulty. */
export const samples: string[] = [
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: shop
spec:
  hosts: [reviews, "*.example.com"]
  gateways: [mesh, shop-gateway]
  http:
    - match:
        - uri: { prefix: /new } # a comment
          headers: { cookie: { regex: "^(.*?;)?(user=jason)(;.*)?$" } }
      route:
        - destination: { host: reviews, subset: v2, port: { number: 9080 } }
          weight: 90
        - destination: &other { host: ratings }
          weight: 20
      retries: { attempts: 3, perTryTimeout: 2s }
      mirror: *other
    - route:
        - destination:
            host: reviews
            subset: v9
`,
  `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec:
  host: reviews
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL }
    loadBalancer: { consistentHash: { httpCookie: { name: user, ttl: 0s } } }
  subsets:
    - name: v1
      labels: { version: v1 }
    - name: v2
      labels:
        version: v2
---
apiVersion: networking.istio.io/v1beta1
kind: Gateway
metadata:
  name: shop-gateway
  namespace: shop
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: ["shop.example.com"]
      tls: { mode: SIMPLE, credentialName: shop }
`,
  `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: shop
spec:
  mtls:
    mode: STRICT
  portLevelMtls:
    9080:
      mode: DISABLE
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio-injection: enabled
`,
  `apiVersion: apps/v1
kind: Deployment
metadata:
  name: reviews
  namespace: shop
  annotations:
    sidecar.istio.io/inject: "true"
    traffic.sidecar.istio.io/excludeOutboundPort: "3306"
spec:
  selector: { matchLabels: { app: reviews } }
  template:
    metadata:
      labels: { app: reviews, version: v1 }
      annotations:
        traffic.sidecar.istio.io/includeOutboundIPRanges: 10.0.0.0/33
        proxy.istio.io/config: |
          holdApplicationUntilProxyStarts: true
          concurrency: 2
    spec:
      containers:
        - name: app
          image: reviews:1
          ports: [{ containerPort: 9080 }]
`,
  `{
\t"apiVersion": "v1",
\t"kind": "List",
\t"items": [
\t\t{ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "reviews", "namespace": "shop" },
\t\t  "spec": { "ports": [{ "name": "http", "port": 9080 }] } },
\t\t{ "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": { "name": "api" },
\t\t  "spec": { "hosts": ["api.example.com"], "ports": [{ "number": 443, "name": "tls", "protocol": "TLS" }], "resolution": "DNS" } }
\t]
}
`,
];
