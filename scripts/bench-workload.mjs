// A mesh on disk as teams keep one: a folder a namespace, a file an application, everything an application needs in it.
// The same seed gives the same files, byte for byte.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Resources in a file, on average: 5,000 resources are 860 files. */
const perFile = 5_000 / 860;

/**
 * Writes a workload.
 * @param folder where to; made when it is not there
 * @param resources how many in all, exactly
 * @param faults the share of applications in which something is wrong that an analysis should find
 * @returns the numbers of files, resources and bytes
 */
export function writeWorkload({ folder, resources, seed = 1, faults = 0.04 }) {
  const random = seededRandom(seed);
  const total = Math.round(resources / perFile);
  let bytes = 0;
  let written = 0;
  for (let file = 0; file < total; file++) {
    const team = Math.floor(file / 20);
    const namespace = `team-${team}`;
    // Every file gets its share of what is left, so that the sum is exact.
    const share = Math.round(((file + 1) * resources) / total) - written;
    const app = {
      name: `app-${file}`,
      next: `app-${team * 20 + random(20)}`,
      namespace,
      isFaulty: random(1000) < faults * 1000,
    };
    const documents = [];
    if (file % 20 === 0) documents.push(namespaceOf(app), peerAuthentication(app));
    for (let kind = 0; documents.length < share; kind++) documents.push(kinds[kind % kinds.length](app, random, kind));
    const text = documents.slice(0, share).join('---\n');
    mkdirSync(join(folder, namespace), { recursive: true });
    writeFileSync(join(folder, namespace, `${app.name}.yaml`), text);
    written += share;
    bytes += Buffer.byteLength(text);
  }
  return { files: total, resources: written, bytes };
}

/** Whole numbers below a limit (mulberry32). */
function seededRandom(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

/** What a file holds, in the order in which it can be applied without requests failing; the last ones take turns when there is room for more. */
const kinds = [service, deployment, destinationRule, virtualService, authorizationPolicy, another, another, another];

function another(app, random, number) {
  return pick(random, [serviceEntry, gateway, sidecar, telemetry, requestAuthentication, configMap, serviceAccount])(
    { ...app, name: number < 8 ? app.name : `${app.name}-${number}` },
    random,
  );
}

function pick(random, choices) {
  return choices[random(choices.length)];
}

const head = (apiVersion, kind, { name, namespace }) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n`;

const namespaceOf = ({ namespace }) =>
  `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n  labels:\n    istio-injection: enabled\n`;

const peerAuthentication = ({ namespace }) =>
  `${head('security.istio.io/v1', 'PeerAuthentication', { name: 'default', namespace })}spec:\n  mtls:\n    mode: STRICT\n`;

function service(app, random) {
  return `${head('v1', 'Service', app)}  labels:
    app: ${app.name}
spec:
  selector:
    app: ${app.name}
  ports:
    - name: http
      port: 80
      targetPort: 8080
${random(6) === 0 ? '    - name: grpc-api\n      port: 9090\n' : ''}`;
}

function deployment(app, random) {
  const annotations =
    random(4) === 0
      ? `\n      annotations:\n        proxy.istio.io/config: |\n          concurrency: 2\n        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"`
      : '';
  return `${head('apps/v1', 'Deployment', app)}spec:
  replicas: ${1 + random(5)}
  selector:
    matchLabels:
      app: ${app.name}
  template:
    metadata:
      labels:
        app: ${app.name}
        version: v1${annotations}
    spec:
      containers:
        - name: main
          image: registry.example.com/${app.namespace}/${app.name}:1.${random(30)}.0
          ports:
            - containerPort: 8080
            - containerPort: 9090
`;
}

function virtualService(app, random) {
  const { name, next, isFaulty } = app;
  return `${head('networking.istio.io/v1', 'VirtualService', app)}spec:
  hosts:
    - ${name}
  http:
    - match:
        - uri:
            prefix: /v${random(9)} # the new one
      route:
        - destination:
            host: ${name}
            subset: ${isFaulty ? 'v9' : 'v1'}
            port:
              number: 80
          weight: ${isFaulty ? 80 : 90}
        - destination:
            host: ${next}
            port:
              number: 80
          weight: 10
      timeout: ${1 + random(20)}s
    - route:
        - destination:
            host: ${name}.${app.namespace}.svc.cluster.local
            port:
              number: ${isFaulty && random(2) === 0 ? 8888 : 80}
`;
}

function destinationRule(app, random) {
  return `${head('networking.istio.io/v1', 'DestinationRule', app)}spec:
  host: ${app.name}.${app.namespace}.svc.cluster.local
  trafficPolicy:
    loadBalancer:
      simple: ${app.isFaulty ? 'LEAST_REQUESTS' : 'LEAST_REQUEST'}
    connectionPool:
      http:
        http1MaxPendingRequests: ${10 * (1 + random(20))}
  subsets:
    - name: v1
      labels:
        version: v1
`;
}

function authorizationPolicy(app) {
  return `${head('security.istio.io/v1', 'AuthorizationPolicy', app)}spec:
  selector:
    matchLabels:
      app: ${app.name}
  action: ALLOW
  rules:
    - from:
        - source:
            principals: ["cluster.local/ns/${app.namespace}/sa/${app.next}"]
      to:
        - operation:
            methods: [GET, POST]
            paths: ["/api/*"]
`;
}

function serviceEntry(app) {
  return `${head('networking.istio.io/v1', 'ServiceEntry', app)}spec:
  hosts:
    - ${app.name}.example.com
  location: MESH_EXTERNAL
  ports:
    - number: 443
      name: tls
      protocol: TLS
  resolution: DNS
`;
}

function gateway(app) {
  return `${head('networking.istio.io/v1', 'Gateway', app)}spec:
  selector:
    app: ${app.name}
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts:
        - "${app.name}.example.com"
`;
}

function sidecar(app) {
  return `${head('networking.istio.io/v1', 'Sidecar', app)}spec:
  workloadSelector:
    labels:
      app: ${app.name}
  egress:
    - hosts:
        - "./*"
        - istio-system/*
`;
}

function telemetry(app, random) {
  return `${head('telemetry.istio.io/v1', 'Telemetry', app)}spec:
  selector:
    matchLabels:
      app: ${app.name}
  tracing:
    - randomSamplingPercentage: ${random(100)}
`;
}

function requestAuthentication(app) {
  return `${head('security.istio.io/v1', 'RequestAuthentication', app)}spec:
  selector:
    matchLabels:
      app: ${app.name}
  jwtRules:
    - issuer: https://accounts.example.com
      jwksUri: https://accounts.example.com/keys
`;
}

function configMap(app) {
  return `${head('v1', 'ConfigMap', app)}data:
  settings.yaml: |
    log: info
    cache:
      size: 100
  feature: "true"
`;
}

const serviceAccount = (app) => head('v1', 'ServiceAccount', app);
