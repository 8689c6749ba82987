import * as l10n from '@vscode/l10n';
import { findServiceOf } from '../hosts.ts';
import { matchesLabels } from '../selectors.ts';
import type { ServiceObject } from '../service-path/service-objects.ts';
import { choosePolicies, isForAllPods } from './choose-policies.ts';
import { clientTls } from './client-tls.ts';
import type { ClientTls } from './client-tls.ts';
import { compareOutsider, compareSides } from './compare-sides.ts';
import type { Agreement } from './compare-sides.ts';
import { decideServerMtls } from './decide-server-mtls.ts';
import type { MtlsStep, ServerMtls, Taken } from './decide-server-mtls.ts';
import { findClientRules, hostOf, ruleName } from './find-client-rule.ts';
import { findStrictBreakers } from './find-strict-breakers.ts';
import type { StrictBreaker } from './find-strict-breakers.ts';
import { resolveTarget, servicesBefore } from './list-ports.ts';
import { asPolicy } from './security-objects.ts';
import type { DestinationRule, MeshPod, SecurityWorld } from './security-objects.ts';

/** What mutual TLS is asked about: a pod, a workload, a Service, a PeerAuthentication or a DestinationRule. */
export interface MtlsSubject {
  kind: string;
  namespace: string;
  name: string;
}

/** One way to call one port of a Service, and what comes of it. */
export interface Call {
  /** The Service's port, and the container's behind it. */
  port: number;
  target?: number;
  tls: ClientTls;
  takes: Taken;
  /** Whose pods take it so: `Deployment ratings`; empty when no pod is known. */
  servers: string[];
  agreement: Agreement;
}

/** Clients that do the same. */
export interface Clients {
  /** `sidecar`: with a proxy that obeys DestinationRules; `ambient`: through ztunnel, which knows none. */
  by: 'sidecar' | 'ambient';
  namespaces: string[];
  steps: MtlsStep[];
  calls: Call[];
}

export interface CalledServiceMtls {
  namespace: string;
  name: string;
  host: string;
  clients: Clients[];
  /** Clients without any proxy. */
  outsiders: { port: number; agreement: Agreement }[];
}

/** Everything about mutual TLS with the pods of a subject. */
export interface MtlsExplanation {
  subject: MtlsSubject;
  /** One per workload; its pods are alike. */
  servers: (ServerMtls & { breakers: StrictBreaker[] })[];
  services: CalledServiceMtls[];
  /** What is to be known beside it, in sentences. */
  notes: string[];
}

/** @returns undefined when there is no such subject, or nothing that could be called stands behind it. */
export function explainMtls(subject: MtlsSubject, world: SecurityWorld): MtlsExplanation | undefined {
  const found = findTargets(subject, world);
  if (!found) return undefined;
  const servers = distinct(found.pods).map((pod) => {
    const server = decideServerMtls(pod, world);
    return { ...server, breakers: wantsHint(server) ? findStrictBreakers(server, world) : [] };
  });
  return {
    subject,
    servers,
    services: found.services.map((service) => explainService(service, world)),
    notes: [...found.notes, ...settingNotes(world)],
  };
}

/** Where STRICT would change something. */
function wantsHint({ takes, ports }: ServerMtls): boolean {
  return [takes, ...ports.map((port) => port.takes)].some((one) => one === 'PERMISSIVE' || one === 'DISABLE');
}

// ---- whom it is about -----------------------------------------------------------------------------------------------

interface Targets {
  pods: MeshPod[];
  services: ServiceObject[];
  notes: string[];
}

function findTargets(subject: MtlsSubject, world: SecurityWorld): Targets | undefined {
  switch (subject.kind) {
    case 'Service':
      return ofService(subject, world);
    case 'PeerAuthentication':
      return ofPolicy(subject, world);
    case 'DestinationRule':
      return ofRule(subject, world);
    default:
      return ofPods(subject, world);
  }
}

function ofPods({ kind, namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const pods = world.pods.filter(
    ({ pod, owner }) =>
      pod.metadata?.namespace === namespace &&
      (kind === 'Pod' ? pod.metadata.name === name : owner.kind === kind && owner.name === name),
  );
  if (pods.length === 0) return undefined;
  const services = [...new Set(pods.flatMap(({ pod }) => servicesBefore(pod, world.services)))];
  const notes =
    services.length > 0 ? [] : [l10n.t('No Service leads to these pods, so that no DestinationRule is about them.')];
  return { pods, services, notes };
}

function ofService({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const service = world.services.find(
    ({ metadata }) => (metadata?.namespace ?? 'default') === namespace && metadata?.name === name,
  );
  if (!service) return undefined;
  const pods = podsBehind(service, world);
  return { pods, services: [service], notes: pods.length > 0 ? [] : [whyNoPods(service)] };
}

function whyNoPods({ spec, metadata }: ServiceObject): string {
  const name = metadata?.name ?? '';
  if (spec?.type === 'ExternalName')
    return l10n.t('Service {0} is an ExternalName: what stands behind it is not of this cluster.', name);
  return Object.keys(spec?.selector ?? {}).length === 0
    ? l10n.t('Service {0} has no selector: who stands behind it cannot be told from here.', name)
    : l10n.t('No pod that is known has the labels that Service {0} selects.', name);
}

function ofPolicy({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const policies = world.peerAuthentications.map(asPolicy);
  const own = policies.find((policy) => policy.namespace === namespace && policy.name === name);
  if (!own) return undefined;
  const isMeshWide = isForAllPods(own) && namespace === world.rootNamespace;
  const reached = world.pods.filter(
    ({ pod }) =>
      (isMeshWide || pod.metadata?.namespace === namespace) &&
      (isForAllPods(own) || matchesLabels(own.labels, pod.metadata?.labels)),
  );
  const isUsed = ({ pod }: MeshPod) => {
    const chosen = choosePolicies(
      policies,
      { namespace: pod.metadata?.namespace ?? '', labels: pod.metadata?.labels },
      world.rootNamespace,
    );
    return chosen.workload === own || chosen.namespace === own || chosen.mesh === own;
  };
  const used = reached.filter(isUsed);
  const notes = [
    reached.length === 0
      ? l10n.t('No pod that is known is selected by PeerAuthentication {0}.', `${namespace}/${name}`)
      : used.length === reached.length
        ? l10n.t('PeerAuthentication {0} has a say on {1} pods.', `${namespace}/${name}`, used.length)
        : l10n.t(
            'PeerAuthentication {0} would be about {1} pods, and has a say on {2} of them: an older one of its level, or its place in the root namespace, keeps it from the others.',
            `${namespace}/${name}`,
            reached.length,
            used.length,
          ),
  ];
  const services = [...new Set(reached.flatMap(({ pod }) => servicesBefore(pod, world.services)))];
  return { pods: reached, services: isMeshWide ? [] : services, notes };
}

function ofRule({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const rule = world.destinationRules.find(
    ({ metadata }) => (metadata?.namespace ?? 'default') === namespace && metadata?.name === name,
  );
  if (!rule) return undefined;
  const host = hostOf(rule, world);
  const wanted = findServiceOf(host, world.clusterDomain);
  const services = world.services.filter(
    ({ metadata }) => metadata?.name === wanted?.name && (metadata?.namespace ?? 'default') === wanted?.namespace,
  );
  const pods = services.flatMap((service) => podsBehind(service, world));
  const notes = services.length > 0 ? useNotes(rule, world) : [l10n.t('No Service with the host {0} is known.', host)];
  return { pods, services, notes };
}

/** For which clients the rule is the one that counts. */
function useNotes(rule: DestinationRule, world: SecurityWorld): string[] {
  const host = hostOf(rule, world);
  const serviceNamespace = findServiceOf(host, world.clusterDomain)?.namespace ?? '';
  const users = clientNamespaces(host, serviceNamespace, world).filter((clientNamespace) =>
    findClientRules({ host, clientNamespace, serviceNamespace }, world).rules.includes(rule),
  );
  return [
    users.length > 0
      ? l10n.t('DestinationRule {0} is used by the clients of {1}.', ruleName(rule), users.join(', '))
      : l10n.t(
          'DestinationRule {0} is used by no client that is known: another one comes before it, or nobody sees it.',
          ruleName(rule),
        ),
  ];
}

function podsBehind({ metadata, spec }: ServiceObject, { pods }: SecurityWorld): MeshPod[] {
  if (Object.keys(spec?.selector ?? {}).length === 0) return [];
  return pods.filter(
    ({ pod }) =>
      (pod.metadata?.namespace ?? 'default') === (metadata?.namespace ?? 'default') &&
      matchesLabels(spec?.selector, pod.metadata?.labels) &&
      pod.status?.phase !== 'Succeeded' &&
      pod.status?.phase !== 'Failed',
  );
}

/** One pod for all that are alike: of the same workload, standing the same way. */
function distinct(pods: readonly MeshPod[]): MeshPod[] {
  const seen = new Map<string, MeshPod>();
  for (const one of pods) {
    const key = [one.pod.metadata?.namespace, one.owner.kind, one.owner.name, one.standing].join('/');
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

// ---- who calls, and what comes of it --------------------------------------------------------------------------------

function explainService(service: ServiceObject, world: SecurityWorld): CalledServiceMtls {
  const namespace = service.metadata?.namespace ?? 'default';
  const name = service.metadata?.name ?? '';
  const host = `${name}.${namespace}.svc.${world.clusterDomain}`;
  const servers = distinct(podsBehind(service, world)).map((pod) => decideServerMtls(pod, world));
  const ports = (service.spec?.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  const groups = new Map<string, Clients>();
  for (const clientNamespace of clientNamespaces(host, namespace, world)) {
    const { rules, steps } = findClientRules({ host, clientNamespace, serviceNamespace: namespace }, world);
    const calls = ports.flatMap(({ port, targetPort }) =>
      clientTls(rules, { namespace, port }, world).flatMap((tls) =>
        callsOf({ port, ...(targetPort !== undefined && { targetPort }) }, headless(service, servers, tls), servers),
      ),
    );
    const key = JSON.stringify([rules.map(ruleName), calls]);
    const known = groups.get(key);
    if (known) known.namespaces.push(clientNamespace);
    else groups.set(key, { by: 'sidecar', namespaces: [clientNamespace], steps, calls });
  }
  const ambient = namespacesOf(world, ({ standing }) => standing === 'ambient');
  return {
    namespace,
    name,
    host,
    clients: [...groups.values(), ...(ambient.length > 0 ? [ambientClients(ambient, ports, servers)] : [])],
    outsiders: ports.flatMap((port) =>
      takenOn(port, servers).map(({ takes }) => ({ port: port.port, agreement: compareOutsider(takes) })),
    ),
  };
}

interface NamedPort {
  port: number;
  targetPort?: number | string;
}

function callsOf(port: NamedPort, tls: ClientTls, servers: readonly ServerMtls[]): Call[] {
  return takenOn(port, servers).map(({ takes, target, names }) => ({
    port: port.port,
    ...(target !== undefined && { target }),
    tls,
    takes,
    servers: names,
    agreement: compareSides(tls.sends, takes),
  }));
}

/** What the pods behind a port take; workloads that take the same stand together. */
function takenOn(
  port: NamedPort,
  servers: readonly ServerMtls[],
): { takes: Taken; target: number | undefined; names: string[] }[] {
  const found = new Map<string, { takes: Taken; target: number | undefined; names: string[] }>();
  for (const server of servers) {
    const target = resolveTarget(server.server.pod, port);
    const takes = server.ports.find((one) => one.port === target)?.takes ?? server.takes;
    const key = `${takes} ${target}`;
    const entry = found.get(key) ?? { takes, target, names: [] };
    entry.names.push(`${server.owner.kind} ${server.owner.name}`);
    found.set(key, entry);
  }
  return [...found.values()];
}

/** Clients of a headless Service go to the pods themselves: one without a proxy turns automatic mutual TLS off for all. */
function headless({ spec, metadata }: ServiceObject, servers: readonly ServerMtls[], tls: ClientTls): ClientTls {
  const bare = servers.find(({ server }) => server.standing === 'none');
  if (spec?.clusterIP !== 'None' || tls.sends !== 'auto' || !bare) return tls;
  return {
    ...tls,
    sends: 'plain',
    says: l10n.t(
      'No tls is set, and Service {0} is headless with pods of {1} that have no proxy: automatic mutual TLS is off for all of it.',
      metadata?.name ?? '',
      bare.owner.name,
    ),
  };
}

/** ztunnel knows no DestinationRule: it sends mutual TLS (HBONE) to who takes that, plain text to the others. */
function ambientClients(namespaces: string[], ports: readonly NamedPort[], servers: readonly ServerMtls[]): Clients {
  const calls = ports.flatMap((port) =>
    servers.flatMap((server) => {
      const takesTunnel =
        server.server.standing === 'ambient' ||
        server.server.pod.metadata?.labels?.['networking.istio.io/tunnel'] === 'http';
      const says = takesTunnel
        ? l10n.t('ztunnel sends mutual TLS (HBONE), as the pod takes it.')
        : l10n.t('The pod does not take HBONE: ztunnel sends plain text.');
      return callsOf(port, { sends: takesTunnel ? 'auto' : 'plain', says }, [server]);
    }),
  );
  const says = l10n.t('Ambient clients go through ztunnel, which does not look at DestinationRules.');
  return {
    by: 'ambient',
    namespaces,
    steps: [{ check: 'standing', value: 'ambient', verdict: 'decides', says }],
    calls,
  };
}

/** Where clients with a proxy are known, where the Service is, and where somebody wrote a rule for the host. */
function clientNamespaces(host: string, home: string, world: SecurityWorld): string[] {
  const withProxy = namespacesOf(world, ({ standing }) => standing !== 'none' && standing !== 'ambient');
  const withRule = world.destinationRules
    .filter((rule) => hostOf(rule, world) === host)
    .map(({ metadata }) => metadata?.namespace ?? 'default');
  return [...new Set([home, ...withRule.filter((one) => one !== world.rootNamespace), ...withProxy])];
}

function namespacesOf({ pods }: SecurityWorld, keep: (pod: MeshPod) => boolean): string[] {
  return [...new Set(pods.filter(keep).map(({ pod }) => pod.metadata?.namespace ?? 'default'))].sort();
}

function settingNotes({ settings }: SecurityWorld): string[] {
  return [
    ...(settings?.minProtocolVersion
      ? [l10n.t('The mesh asks for at least {0} (meshMTLS).', settings.minProtocolVersion)]
      : []),
    ...(settings?.enableAutoMtls === false
      ? [
          l10n.t(
            'The mesh has enableAutoMtls: false: clients send mutual TLS only where a DestinationRule says ISTIO_MUTUAL.',
          ),
        ]
      : []),
    ...(settings?.trustDomainAliases
      ? [l10n.t('Certificates of the trust domains {0} are taken as well.', settings.trustDomainAliases.join(', '))]
      : []),
  ];
}
