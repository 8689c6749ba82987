/** The validation rules that Istio's CRDs carry in CEL, and where they stand (see istio-crds.ts for the paths). */
export interface CelRule {
  at: string[];
  rule: string;
  message: string;
}

/** Every google.protobuf.Duration, but for those of which 0 means something. */
const durations = [
  ...['timeout', 'retries.perTryTimeout', 'retries.backoff', 'fault.delay.fixedDelay', 'fault.delay.exponentialDelay'],
  'corsPolicy.maxAge',
].map((path) => `VirtualService.spec.http.[].${path}`);
const trafficDurations = [
  ...['tcp.connectTimeout', 'tcp.maxConnectionDuration', 'tcp.tcpKeepalive.time', 'tcp.tcpKeepalive.interval'],
  ...['http.idleTimeout', 'http.http2KeepAlive.interval', 'http.http2KeepAlive.timeout'],
].map((path) => `connectionPool.${path}`);

const trafficPolicyDurations = [
  ...trafficDurations,
  ...['interval', 'baseEjectionTime'].map((name) => `outlierDetection.${name}`),
  ...['warmupDurationSecs', 'warmup.duration'].map((path) => `loadBalancer.${path}`),
];
/** Those of a subset's ports are left out: with them the API server finds the schema too expensive. */
const trafficPolicies = ['trafficPolicy', 'trafficPolicy.portLevelSettings.[]', 'subsets.[].trafficPolicy'].map(
  (path) => `DestinationRule.spec.${path}`,
);

const policies = ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'TrafficExtension', 'WasmPlugin'];
const targetRefs = [...policies, 'EnvoyFilter'].flatMap((kind) => [
  `${kind}.spec.targetRef`,
  `${kind}.spec.targetRefs.[]`,
]);
const endpoints = ['WorkloadEntry.spec', 'ServiceEntry.spec.endpoints.[]'];
const endpointsAndTemplates = [...endpoints, 'WorkloadGroup.spec.template'];
const wasm = ['WasmPlugin.spec', 'TrafficExtension.spec.wasm'];

const chosen = (...names: string[]) => names.map((name) => `(has(self.${name}) ? 1 : 0)`).join(' + ');
const schemes = "['', 'http', 'https', 'oci', 'file']";

export const celRules: CelRule[] = [
  {
    at: [
      ...durations,
      ...trafficPolicies.flatMap((policy) => trafficPolicyDurations.map((path) => `${policy}.${path}`)),
      ...trafficDurations.map((path) => `Sidecar.**.${path}`),
      ...trafficDurations.map((path) => `Sidecar.spec.inboundConnectionPool.${path.replace('connectionPool.', '')}`),
      'RequestAuthentication.spec.jwtRules.[].timeout',
      'Telemetry.spec.metrics.[].reportingInterval',
    ],
    rule: "duration(self) >= duration('1ms')",
    message: 'must be a valid duration greater than 1ms',
  },
  {
    at: ['*.spec.selector.matchLabels.{}', '*.spec.workloadSelector.matchLabels.{}'],
    rule: "!self.contains('*')",
    message: 'wildcard not allowed in label value match',
  },
  {
    at: ['*.spec.selector.matchLabels', '*.spec.workloadSelector.matchLabels'],
    rule: "self.all(key, !key.contains('*'))",
    message: 'wildcard not allowed in label key match',
  },
  {
    at: ['*.spec.selector.matchLabels', '*.spec.workloadSelector.matchLabels'],
    rule: 'self.all(key, key.size() != 0)',
    message: 'key must not be empty',
  },
  {
    at: ['*.spec.workloadSelector.labels.{}'],
    rule: "!self.contains('*')",
    message: 'wildcard is not supported in selector',
  },
  {
    at: targetRefs,
    rule: "[has(self.group) ? self.group : '', self.kind] in [['core','Service'], ['','Service'], ['gateway.networking.k8s.io','Gateway'], ['gateway.networking.k8s.io','GatewayClass'], ['networking.istio.io','ServiceEntry']]",
    message:
      'Support kinds are core/Service, networking.istio.io/ServiceEntry, gateway.networking.k8s.io/Gateway, gateway.networking.k8s.io/GatewayClass',
  },
  {
    at: targetRefs.map((path) => `${path}.namespace`),
    rule: 'self.size() == 0',
    message: 'cross namespace referencing is not currently supported',
  },
  {
    at: ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin'].map((kind) => `${kind}.spec`),
    rule: `${chosen('selector', 'targetRef', 'targetRefs')} <= 1`,
    message: 'only one of targetRefs or selector can be set',
  },
  {
    at: ['TrafficExtension.spec'],
    rule: `${chosen('selector', 'targetRefs')} <= 1`,
    message: 'only one of targetRefs or selector can be set',
  },
  {
    at: ['EnvoyFilter.spec'],
    rule: `${chosen('workloadSelector', 'targetRefs')} <= 1`,
    message: 'only one of targetRefs or workloadSelector can be set',
  },
  {
    at: ['AuthorizationPolicy.spec.rules.[].from.[].source'],
    rule: '(has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true',
    message: 'Cannot set serviceAccounts with namespaces or principals',
  },
  {
    at: ['PeerAuthentication.spec'],
    rule: '(has(self.selector) && has(self.selector.matchLabels) && self.selector.matchLabels.size() > 0) || !has(self.portLevelMtls)',
    message: 'portLevelMtls requires selector',
  },
  {
    at: ['PeerAuthentication.spec.portLevelMtls'],
    rule: 'self.all(key, 0 < int(key) && int(key) <= 65535)',
    message: 'port must be between 1-65535',
  },
  {
    at: ['RequestAuthentication.spec.jwtRules.[]'],
    rule: `${chosen('jwksUri', 'jwks_uri', 'jwks')} <= 1`,
    message: 'only one of jwks or jwksUri can be set',
  },
  {
    at: ['jwksUri', 'jwks_uri'].map((name) => `RequestAuthentication.spec.jwtRules.[].${name}`),
    rule: "url(self).getScheme() in ['http', 'https']",
    message: 'URI scheme must be http:// or https://',
  },
  {
    at: ['Telemetry.spec.metrics.[].overrides.[].tagOverrides.{}'],
    rule: "((has(self.operation) ? self.operation : '') == 'UPSERT') ? ((has(self.value) ? self.value : '') != '') : true",
    message: 'value must be set when operation is UPSERT',
  },
  {
    at: ['Telemetry.spec.metrics.[].overrides.[].tagOverrides.{}'],
    rule: "((has(self.operation) ? self.operation : '') == 'REMOVE') ? !has(self.value) : true",
    message: 'value must not be set when operation is REMOVE',
  },
  {
    at: wasm.map((path) => `${path}.vmConfig.env.[]`),
    rule: "(has(self.valueFrom) ? self.valueFrom : '') != 'HOST' || !has(self.value)",
    message: 'value may only be set when valueFrom is INLINE',
  },
  {
    at: wasm.map((path) => `${path}.url`),
    rule: `isURL(self) ? (url(self).getScheme() in ${schemes}) : (isURL('http://' + self) && url('http://' + self).getScheme() in ${schemes})`,
    message: 'url must have schema one of [http, https, file, oci]',
  },
  {
    at: endpoints,
    rule: 'has(self.address) || has(self.network)',
    message: 'Address is required',
  },
  {
    at: endpointsAndTemplates,
    rule: "(has(self.address) ? self.address : '').startsWith('unix://') ? !has(self.ports) : true",
    message: 'UDS may not include ports',
  },
  {
    at: endpointsAndTemplates.map((path) => `${path}.address`),
    rule: "self.startsWith('unix://') ? (self.substring(7, 8) == '/' || self.substring(7, 8) == '@') : true",
    message: 'UDS must be an absolute path or abstract socket',
  },
  {
    at: endpointsAndTemplates.map((path) => `${path}.address`),
    rule: "self.startsWith('unix://') ? !self.endsWith('/') : true",
    message: 'UDS may not be a dir',
  },
  {
    at: endpointsAndTemplates.map((path) => `${path}.ports`),
    rule: "self.all(key, size(key) < 63 && key.matches('^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$'))",
    message: 'port name must be valid',
  },
  {
    at: [
      ...endpointsAndTemplates.map((path) => `${path}.ports.{}`),
      ...['number', 'targetPort'].map((name) => `ServiceEntry.spec.ports.[].${name}`),
    ],
    rule: '0 < self && self <= 65535',
    message: 'port must be between 1-65535',
  },
  {
    at: ['ServiceEntry.spec.ports'],
    rule: 'self.all(l1, self.exists_one(l2, l1.number == l2.number))',
    message: 'port number cannot be duplicated',
  },
  {
    at: ['ServiceEntry.spec.hosts.[]'],
    rule: "self != '*'",
    message: 'hostname cannot be wildcard',
  },
  {
    at: ['ServiceEntry.spec'],
    rule: `${chosen('workloadSelector', 'endpoints')} <= 1`,
    message: 'only one of WorkloadSelector or Endpoints can be set',
  },
  {
    at: ['ServiceEntry.spec'],
    rule: "!((has(self.addresses) ? self.addresses : []).exists(k, k.contains('/')) && !((has(self.resolution) ? self.resolution : 'NONE') in ['STATIC', 'NONE']))",
    message: 'CIDR addresses are allowed only for NONE/STATIC resolution types',
  },
  {
    at: ['ServiceEntry.spec'],
    rule: "((has(self.resolution) ? self.resolution : 'NONE') == 'NONE') ? !has(self.endpoints) : true",
    message: 'NONE mode cannot set endpoints',
  },
  {
    at: ['ServiceEntry.spec'],
    rule: "((has(self.resolution) ? self.resolution : '') == 'DNS_ROUND_ROBIN') ? (has(self.endpoints) ? self.endpoints.size() : 0) <= 1 : true",
    message: 'DNS_ROUND_ROBIN mode cannot have multiple endpoints',
  },
  {
    at: ['DestinationRule.**.loadBalancer'],
    rule: `${chosen('warmupDurationSecs', 'warmup')} <= 1`,
    message: 'only one of warmupDurationSecs or warmup can be set',
  },
  {
    at: ['WorkloadGroup.spec.probe.httpGet.scheme'],
    rule: "self in ['', 'HTTP', 'HTTPS']",
    message: 'scheme must be one of [HTTP, HTTPS]',
  },
];
