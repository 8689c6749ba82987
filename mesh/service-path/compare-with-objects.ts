/** What kube-proxy wrote against what Services and EndpointSlices say. */
import * as l10n from '@vscode/l10n';
import { parseRange } from '../interception/address-range.ts';
import { findNearMiss } from '../near-miss.ts';
import { findFrontends } from './find-frontends.ts';
import { label, printEndpoint } from './kube-names.ts';
import type { KubeRuleset } from './kube-rules.ts';
import { proxyNameLabel, serviceNameLabel } from './service-objects.ts';
import type { EndpointSliceObject, ServiceObject, SliceEndpoint } from './service-objects.ts';
import type { EndpointOnNode, EndpointStanding, PathProblem, ServicePath, ServiceQuery } from './service-path.ts';

export interface ObjectInputs {
  services: ServiceObject[];
  slices: EndpointSliceObject[];
  /** Name of the node that the rules are from; absent: what a Local policy leaves out cannot be told from what is missing. */
  node?: string;
  nodeAddresses?: string[];
}

type InRules = Pick<EndpointOnNode, 'address' | 'port' | 'percent' | 'hairpin'>;

export function compareWithObjects(
  path: ServicePath,
  inRules: InRules[],
  objects: ObjectInputs | undefined,
): { endpoints: EndpointOnNode[]; problems: PathProblem[]; service?: ServiceObject } {
  const service = objects && findService(objects.services, path.service.namespace, path.service.name);
  if (!objects || (!service && objects.slices.length === 0))
    return {
      endpoints: inRules.map((each) => ({ ...each, standing: 'unknown', says: l10n.t('In the rules.') })),
      problems: [],
    };
  const inSlices = listEndpoints(path, objects, service);
  if (!service && inSlices.length === 0) {
    return {
      endpoints: inRules.map((each) => ({
        ...each,
        standing: 'stale',
        says: l10n.t('In the rules, but the Service does not exist (any more).'),
      })),
      problems: [
        problem(
          'error',
          'service-gone',
          l10n.t(
            'Service {0} is in the rules of this node, but not in the cluster: kube-proxy has not caught up, or has stopped.',
            label(path.service),
          ),
        ),
      ],
    };
  }
  const endpoints = mergeEndpoints(inRules, inSlices, objects, service);
  return {
    endpoints,
    problems: [...findProblems(endpoints, path), ...(service ? compareService(path, service) : [])],
    ...(service && { service }),
  };
}

function findService(services: ServiceObject[], namespace: string, name: string): ServiceObject | undefined {
  return services.find(({ metadata }) => metadata?.name === name && (metadata.namespace ?? 'default') === namespace);
}

// ---- endpoints ------------------------------------------------------------------------------------------------------

interface InSlices {
  address: string;
  port: number;
  endpoint: SliceEndpoint;
}

function listEndpoints(path: ServicePath, { slices }: ObjectInputs, service: ServiceObject | undefined): InSlices[] {
  const { namespace, name, port: portName, protocol } = path.service;
  const wantedPort = service?.spec?.ports?.find(
    (each) => (each.name ?? '') === portName && protocolOf(each) === protocol,
  );
  const found = new Map<string, InSlices>();
  for (const { metadata, addressType, endpoints, ports } of slices) {
    if (metadata?.labels?.[serviceNameLabel] !== name || (metadata.namespace ?? 'default') !== namespace) continue;
    if (addressType !== (path.family === '6' ? 'IPv6' : 'IPv4')) continue;
    for (const { name: own = '', port, protocol: spoken = 'TCP' } of ports ?? []) {
      if (port === undefined || own !== (wantedPort?.name ?? portName) || spoken.toLowerCase() !== protocol) continue;
      for (const endpoint of endpoints ?? []) {
        // kube-proxy reads the first address of an endpoint and no other.
        const [address] = endpoint.addresses ?? [];
        if (address !== undefined) found.set(keyOf({ address, port }), { address, port, endpoint });
      }
    }
  }
  return [...found.values()];
}

function protocolOf({ protocol = 'TCP' }: { protocol?: string }): string {
  return protocol.toLowerCase();
}

function keyOf({ address, port }: { address: string; port: number }): string {
  return `${parseRange(address)?.first ?? address} ${port}`;
}

function mergeEndpoints(
  inRules: InRules[],
  inSlices: InSlices[],
  objects: ObjectInputs,
  service: ServiceObject | undefined,
): EndpointOnNode[] {
  const rules = new Map(inRules.map((each) => [keyOf(each), each]));
  const slices = new Map(inSlices.map((each) => [keyOf(each), each]));
  const someReady = inSlices.some(({ endpoint }) => isReady(endpoint));
  const known = inSlices.map((each): EndpointOnNode => {
    const { address, port, endpoint } = each;
    const own = rules.get(keyOf(each));
    const standing = judge(endpoint, own !== undefined, someReady, objects, service);
    return {
      address,
      port,
      percent: own?.percent ?? 0,
      hairpin: own?.hairpin ?? false,
      ...standing,
      ...(endpoint.targetRef?.name !== undefined && { pod: endpoint.targetRef.name }),
      ...(endpoint.nodeName !== undefined && { node: endpoint.nodeName }),
    };
  });
  const stale = inRules
    .filter((each) => !slices.has(keyOf(each)))
    .map((each): EndpointOnNode => ({
      ...each,
      standing: 'stale',
      says: l10n.t('In the rules, but in no EndpointSlice: connections sent there reach nobody, or somebody else.'),
    }));
  return [...known, ...stale];
}

/** Absent means ready: so says the API. */
function isReady({ conditions }: SliceEndpoint): boolean {
  return conditions?.ready !== false;
}

function judge(
  endpoint: SliceEndpoint,
  inRules: boolean,
  someReady: boolean,
  { node }: ObjectInputs,
  service: ServiceObject | undefined,
): { standing: EndpointStanding; says: string } {
  const ready = isReady(endpoint);
  const { serving = ready, terminating = false } = endpoint.conditions ?? {};
  // Only while nobody is ready, kube-proxy falls back to those that end but still answer.
  const fallback = !ready && !someReady && serving && terminating;
  if (inRules)
    return ready
      ? { standing: 'used', says: l10n.t('Ready, and in the rules.') }
      : fallback
        ? {
            standing: 'used',
            says: l10n.t('It is ending, but still answers; it is used because no endpoint is ready.'),
          }
        : serving && terminating
          ? {
              standing: 'stale',
              says: l10n.t('It is ending, and others are ready: it should not be in the rules any more.'),
            }
          : { standing: 'stale', says: l10n.t('In the rules, but not ready: kube-proxy has not caught up yet.') };
  if (!ready && !fallback)
    return terminating
      ? { standing: 'not-ready', says: l10n.t('It is ending: it gets no new connections.') }
      : {
          standing: 'not-ready',
          says: l10n.t('Not ready: it gets no connections. Look at the readiness probe of its pod.'),
        };
  const { internalTrafficPolicy, externalTrafficPolicy } = service?.spec ?? {};
  const onlyLocal = internalTrafficPolicy === 'Local' && (externalTrafficPolicy ?? 'Local') === 'Local';
  if (onlyLocal && endpoint.nodeName !== node)
    return node === undefined
      ? {
          standing: 'unknown',
          says: l10n.t('Not in the rules; whether it is on this node is not known, and the traffic policy is Local.'),
        }
      : {
          standing: 'elsewhere',
          says: l10n.t('On node {0}: with traffic policy Local this node does not use it.', endpoint.nodeName ?? '?'),
        };
  if (endpoint.hints?.forZones?.length || endpoint.hints?.forNodes?.length)
    return {
      standing: 'elsewhere',
      says: l10n.t(
        'Meant for zone or node {0} (topology hints): this node leaves it to others.',
        [...(endpoint.hints.forZones ?? []), ...(endpoint.hints.forNodes ?? [])]
          .map(({ name = '?' }) => name)
          .join(', '),
      ),
    };
  return {
    standing: 'missing',
    says: l10n.t(
      'Ready, but not in the rules: this node sends it nothing. Is kube-proxy running here, and does it reach the API server?',
    ),
  };
}

function findProblems(endpoints: EndpointOnNode[], { service }: ServicePath): PathProblem[] {
  const of = (standing: EndpointStanding) => endpoints.filter((each) => each.standing === standing);
  const list = (some: EndpointOnNode[]) => some.slice(0, 10).map(nameEndpoint).join(', ');
  const [missing, stale, notReady] = [of('missing'), of('stale'), of('not-ready')];
  return [
    ...(missing.length
      ? [
          problem(
            'error',
            'endpoint-missing',
            l10n.t(
              'Endpoints of {0} that are ready but not in the rules of this node: {1}.',
              label(service),
              list(missing),
            ),
          ),
        ]
      : []),
    ...(stale.length
      ? [
          problem(
            'error',
            'endpoint-stale',
            l10n.t(
              'Endpoints of {0} that are in the rules of this node but should not be: {1}.',
              label(service),
              list(stale),
            ),
          ),
        ]
      : []),
    ...(notReady.length
      ? [
          problem(
            'info',
            'endpoint-not-ready',
            l10n.t('Endpoints of {0} that are not ready and get no connections: {1}.', label(service), list(notReady)),
          ),
        ]
      : []),
  ];
}

function nameEndpoint({ pod, ...endpoint }: EndpointOnNode): string {
  return pod === undefined ? printEndpoint(endpoint) : `${printEndpoint(endpoint)} (${pod})`;
}

// ---- the Service itself ---------------------------------------------------------------------------------------------

function compareService(path: ServicePath, { spec = {}, status }: ServiceObject): PathProblem[] {
  const { service, frontends, family, affinity } = path;
  const port = spec.ports?.find((each) => (each.name ?? '') === service.port && protocolOf(each) === service.protocol);
  if (!port)
    return [
      problem(
        'error',
        'port-gone',
        l10n.t(
          'The rules have port {0} of {1}, the Service does not: kube-proxy has not caught up.',
          service.port || service.protocol,
          label(service),
        ),
      ),
    ];
  const has = (address: string, number: number) =>
    frontends.some((each) => each.port === number && (each.address === address || sameAddress(each.address, address)));
  const ofFamily = (address: string) => address.includes(':') === (family === '6');
  const vips = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip !== undefined && ipMode !== 'Proxy' ? [ip] : [],
  );
  const clusterIps = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const wanted = [...clusterIps, ...(spec.externalIPs ?? []), ...vips].filter(
    (address) => parseRange(address) && ofFamily(address),
  );
  const problems = wanted
    .filter((address) => !has(address, port.port))
    .map((address) =>
      problem(
        'error',
        'address-missing',
        l10n.t(
          '{0} port {1} of Service {2} is not in the rules of this node: nobody here reaches it by that address.',
          address,
          port.port,
          label(service),
        ),
      ),
    );
  const takesNodePort = (spec.type === 'NodePort' || spec.type === 'LoadBalancer') && port.nodePort;
  if (takesNodePort && !frontends.some((each) => each.kind === 'node-port' && each.port === port.nodePort))
    problems.push(
      problem(
        'warning',
        'node-port-missing',
        l10n.t('Node port {0} of Service {1} is not in the rules of this node.', port.nodePort ?? 0, label(service)),
      ),
    );
  const wantsAffinity = spec.sessionAffinity === 'ClientIP';
  if (
    wantsAffinity !== (affinity !== undefined) &&
    frontends.some(({ clients }) => clients.some(({ verdict }) => verdict === 'endpoints'))
  )
    problems.push(
      problem(
        'error',
        'affinity',
        wantsAffinity
          ? l10n.t('Service {0} asks for session affinity, but the rules of this node have none.', label(service))
          : l10n.t(
              'The rules of this node have session affinity for {0}, but the Service does not ask for it.',
              label(service),
            ),
      ),
    );
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (wantsAffinity && affinity?.seconds !== undefined && seconds !== undefined && seconds !== affinity.seconds)
    problems.push(
      problem(
        'warning',
        'affinity-timeout',
        l10n.t(
          'Service {0} remembers clients for {1} s, the rules of this node for {2} s.',
          label(service),
          seconds,
          affinity.seconds,
        ),
      ),
    );
  return problems;
}

function sameAddress(one: string, other: string): boolean {
  const first = parseRange(one)?.first;
  return first !== undefined && first === parseRange(other)?.first;
}

function problem(severity: PathProblem['severity'], code: string, message: string): PathProblem {
  return { severity, code, message };
}

// ---- nothing found --------------------------------------------------------------------------------------------------

/** Why rules know nothing of what was asked for: what the Service is tells more than that it is not there. */
export function explainAbsence(
  query: ServiceQuery,
  rulesets: readonly KubeRuleset[],
  objects: ObjectInputs | undefined,
): string {
  const { namespace = 'default', name, address, port } = query;
  const frontends = rulesets.flatMap(findFrontends);
  if (name === undefined) {
    if (address === undefined) return l10n.t('kube-proxy’s rules on this node name no Service.');
    const there = [
      ...new Set(
        frontends
          .filter((each) => sameAddress(each.address, address))
          .map((each) => `${each.port}/${each.service.protocol}`),
      ),
    ];
    return there.length > 0
      ? l10n.t(
          'No Service has port {0} at {1}; it has {2}. kube-proxy refuses other ports of a cluster IP, or lets them go unanswered.',
          port ?? '?',
          address,
          there.join(', '),
        )
      : l10n.t('No Service has the address {0} and port {1} on this node.', address, port ?? '?');
  }
  const full = `${namespace}/${name}`;
  const service = findService(objects?.services ?? [], namespace, name);
  const spec = service?.spec;
  if (spec?.type === 'ExternalName')
    return l10n.t(
      'Service {0} is of type ExternalName ({1}): only DNS knows it, kube-proxy writes no rules for it.',
      full,
      spec.externalName ?? '',
    );
  if (spec?.clusterIP === 'None')
    return l10n.t(
      'Service {0} is headless (clusterIP: None): DNS answers with the addresses of its pods, kube-proxy writes no rules for it.',
      full,
    );
  const other = service?.metadata?.labels?.[proxyNameLabel];
  if (other !== undefined)
    return l10n.t(
      'Service {0} has the label {1}: {2}: another proxy takes care of it, kube-proxy writes no rules.',
      full,
      proxyNameLabel,
      other,
    );
  const own = frontends.filter((each) => each.service.namespace === namespace && each.service.name === name);
  if (own.length > 0)
    return l10n.t(
      'Service {0} has no such port on this node; it has {1}.',
      full,
      [...new Set(own.map((each) => `${each.service.port || each.port} (${each.service.protocol})`))].join(', '),
    );
  if (service)
    return l10n.t(
      'Service {0} exists, but the rules of this node do not know it: kube-proxy has not caught up, or is not running here.',
      full,
    );
  const near = findNearMiss(full, [
    ...new Set(frontends.map((each) => `${each.service.namespace}/${each.service.name}`)),
  ]);
  return near === undefined
    ? l10n.t('The rules of this node know no Service {0}.', full)
    : l10n.t('The rules of this node know no Service {0}. Did you mean {1}?', full, near);
}
