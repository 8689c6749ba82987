import * as l10n from '@vscode/l10n';
import { hostCovers } from '../hosts.ts';
import { matchesLabels } from '../selectors.ts';
import type { ServiceObject } from '../service-path/service-objects.ts';
import { hostOfService, hostsOfEntry, podsBehind, podsOfEntry } from './called-host.ts';
import type { CalledHost } from './called-host.ts';
import { choosePolicies, isForAllPods } from './choose-policies.ts';
import { decideServerMtls } from './decide-server-mtls.ts';
import type { ServerMtls } from './decide-server-mtls.ts';
import { clientNamespaces, distinct, explainHost } from './explain-host.ts';
import type { CalledServiceMtls } from './explain-host.ts';
import { findClientRules, hostOf, ruleName } from './find-client-rule.ts';
import { findStrictBreakers } from './find-strict-breakers.ts';
import type { StrictBreaker } from './find-strict-breakers.ts';
import { servicesBefore } from './list-ports.ts';
import { asPolicy } from './security-objects.ts';
import type { DestinationRule, MeshPod, SecurityWorld } from './security-objects.ts';

export type { Call, CalledServiceMtls, Clients } from './explain-host.ts';

/** What mutual TLS is asked about: a pod, a workload, a Service, a ServiceEntry, a PeerAuthentication or a DestinationRule. */
export interface MtlsSubject {
  kind: string;
  namespace: string;
  name: string;
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
  const services = found.hosts.slice(0, mostParts).map((host) => explainHost(host, world));
  const workloads = distinct(found.pods);
  const servers = workloads.slice(0, mostParts).map((pod) => {
    const server = decideServerMtls(pod, world);
    return { ...server, breakers: wantsHint(server) ? findStrictBreakers(server, world, services) : [] };
  });
  const left = Math.max(workloads.length, found.hosts.length) - mostParts;
  const more =
    left > 0
      ? [l10n.t('It is about {0} more of them, which are not told here: ask for a workload or a Service.', left)]
      : [];
  return { subject, servers, services, notes: [...found.notes, ...more, ...settingNotes(world)] };
}

/** A policy may be about all of a mesh, and nobody reads a thousand chapters. */
const mostParts = 30;

/** Where STRICT would change something. */
function wantsHint({ takes, ports }: ServerMtls): boolean {
  return [takes, ...ports.map((port) => port.takes)].some((one) => one === 'PERMISSIVE' || one === 'DISABLE');
}

// ---- whom it is about -----------------------------------------------------------------------------------------------

interface Targets {
  pods: MeshPod[];
  hosts: CalledHost[];
  notes: string[];
}

function findTargets(subject: MtlsSubject, world: SecurityWorld): Targets | undefined {
  switch (subject.kind) {
    case 'Service':
      return ofService(subject, world);
    case 'ServiceEntry':
      return ofEntry(subject, world);
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
  const hosts = hostsBefore(pods, world);
  const notes =
    hosts.length > 0 ? [] : [l10n.t('No Service leads to these pods, so that no DestinationRule is about them.')];
  return { pods, hosts, notes };
}

/** The hosts that lead to any of the pods, each once. */
function hostsBefore(pods: readonly MeshPod[], world: SecurityWorld): CalledHost[] {
  const { services, endpointSlices, serviceEntries = [] } = world;
  const before = new Set(pods.flatMap(({ pod }) => servicesBefore(pod, services, endpointSlices)));
  const entries = serviceEntries.filter((entry) => podsOfEntry(entry, world).some((one) => pods.includes(one)));
  return [
    ...[...before].map((service) => hostOfService(service, world)),
    ...entries.flatMap((entry) => hostsOfEntry(entry, world)),
  ];
}

function ofEntry({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const entry = world.serviceEntries?.find(
    ({ metadata }) => (metadata?.namespace ?? 'default') === namespace && metadata?.name === name,
  );
  if (!entry) return undefined;
  const hosts = hostsOfEntry(entry, world);
  return { pods: hosts[0]?.isExternal ? [] : podsOfEntry(entry, world), hosts, notes: [] };
}

function ofService({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const service = world.services.find(
    ({ metadata }) => (metadata?.namespace ?? 'default') === namespace && metadata?.name === name,
  );
  if (!service) return undefined;
  const pods = podsBehind(service, world);
  return { pods, hosts: [hostOfService(service, world)], notes: pods.length > 0 ? [] : [whyNoPods(service)] };
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
  const isUsed = ({ pod, rootNamespace }: MeshPod) => {
    const chosen = choosePolicies(
      policies,
      { namespace: pod.metadata?.namespace ?? '', labels: pod.metadata?.labels },
      rootNamespace ?? world.rootNamespace,
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
  return { pods: reached, hosts: isMeshWide ? [] : hostsBefore(reached, world), notes };
}

function ofRule({ namespace, name }: MtlsSubject, world: SecurityWorld): Targets | undefined {
  const rule = world.destinationRules.find(
    ({ metadata }) => (metadata?.namespace ?? 'default') === namespace && metadata?.name === name,
  );
  if (!rule) return undefined;
  const hosts = hostsOf(hostOf(rule, world), world);
  const notes =
    hosts.length > 0
      ? useNotes(rule, hosts, world)
      : [l10n.t('No Service with the host {0} is known.', hostOf(rule, world))];
  return { pods: hosts.flatMap(({ isExternal, pods }) => (isExternal ? [] : pods)), hosts, notes };
}

/** More hosts of a wildcard would make a page that nobody reads. */
const mostHosts = 10;

/** The known hosts that a host as a rule writes it takes: one, or more for a wildcard. */
function hostsOf(written: string, world: SecurityWorld): CalledHost[] {
  if (written === '') return [];
  const isWildcard = written.startsWith('*');
  const takes = (host: string) => (isWildcard ? hostCovers(written, host) : host === written);
  const services = world.services.filter(({ metadata }) =>
    takes(`${metadata?.name ?? ''}.${metadata?.namespace ?? 'default'}.svc.${world.clusterDomain}`),
  );
  const entries = (world.serviceEntries ?? []).flatMap((entry) => hostsOfEntry(entry, world));
  return [
    ...services.slice(0, mostHosts).map((service) => hostOfService(service, world)),
    ...entries.filter(({ host }) => takes(host)),
  ].slice(0, mostHosts);
}

/** For which clients the rule is the one that counts. */
function useNotes(rule: DestinationRule, hosts: readonly CalledHost[], world: SecurityWorld): string[] {
  const isUsed = (called: CalledHost, clientNamespace: string) =>
    findClientRules({ host: called.host, clientNamespace, serviceNamespace: called.namespace }, world).rules.includes(
      rule,
    );
  const users = [...new Set(hosts.flatMap((host) => clientNamespaces(host, world).filter((one) => isUsed(host, one))))];
  return [
    users.length > 0
      ? l10n.t('DestinationRule {0} is used by the clients of {1}.', ruleName(rule), users.join(', '))
      : l10n.t(
          'DestinationRule {0} is used by no client that is known: another one comes before it, or nobody sees it.',
          ruleName(rule),
        ),
  ];
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
    ...(settings?.discoverySelectors
      ? [
          l10n.t(
            'The control plane looks at the namespaces only that its discoverySelectors name: what policies and rules of others say does not count.',
          ),
        ]
      : []),
    ...(settings?.trustDomainAliases
      ? [l10n.t('Certificates of the trust domains {0} are taken as well.', settings.trustDomainAliases.join(', '))]
      : []),
  ];
}
