import * as l10n from '@vscode/l10n';
import { findProxy } from '../pods/describe-pod.ts';
import { announcementOf } from './announce.ts';
import type { CalledHost, NamedPort } from './called-host.ts';
import { clientTls } from './client-tls.ts';
import type { ClientTls } from './client-tls.ts';
import { compareOutsider, compareSides, compareTunnel } from './compare-sides.ts';
import type { Agreement } from './compare-sides.ts';
import { decideServerMtls } from './decide-server-mtls.ts';
import type { MtlsStep, ServerMtls, Taken } from './decide-server-mtls.ts';
import { findClientRules, hostOf, ruleName } from './find-client-rule.ts';
import { resolveTarget } from './list-ports.ts';
import type { MeshPod, SecurityWorld } from './security-objects.ts';

/** One way to call one port of a host, and what comes of it. */
export interface Call {
  /** The Service's port, and the container's behind it. */
  port: number;
  target?: number;
  tls: ClientTls;
  takes: Taken;
  /** Whether clients are told that mutual TLS is taken there. */
  told: boolean;
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
  kind: CalledHost['kind'];
  namespace: string;
  name: string;
  host: string;
  clients: Clients[];
  /** Clients without any proxy. */
  outsiders: { port: number; agreement: Agreement }[];
}

/** Who calls a host, what each of them sends, and what comes of it. */
export function explainHost(called: CalledHost, world: SecurityWorld): CalledServiceMtls {
  const { kind, namespace, name, host, ports } = called;
  const servers = distinct(called.pods).map((pod) => decideServerMtls(pod, world));
  const groups = new Map<string, Clients>();
  for (const clientNamespace of clientNamespaces(called, world)) {
    const { rules, steps } = findClientRules({ host, clientNamespace, serviceNamespace: namespace }, world);
    const tunnel = tunnelOf(clientNamespace, world);
    const calls = ports.flatMap((port) =>
      clientTls(rules, { namespace, port: port.port, isExternal: called.isExternal }, world).flatMap((tls) =>
        callsOf(port, straight(called, servers, tls), servers, { tunnel, isExternal: called.isExternal }),
      ),
    );
    const key = JSON.stringify([rules.map(ruleName), calls]);
    const known = groups.get(key);
    if (known) known.namespaces.push(clientNamespace);
    else groups.set(key, { by: 'sidecar', namespaces: [clientNamespace], steps, calls });
  }
  const ambient = namespacesOf(world, ({ standing }) => standing === 'ambient');
  return {
    ...{ kind, namespace, name, host },
    clients: [
      ...groups.values(),
      ...(ambient.length > 0 && !called.isExternal ? [ambientClients(ambient, called, servers)] : []),
    ],
    outsiders: ports.flatMap((port) => {
      // Workloads that end alike for them are one line.
      const ends = new Map(
        takenOn(port, servers).map(({ takes }) => {
          const agreement = compareOutsider(takes);
          return [agreement.says, agreement];
        }),
      );
      return Array.from(ends.values(), (agreement) => ({ port: port.port, agreement }));
    }),
  };
}

/** One pod for all that are alike: of the same workload, standing the same way and told of alike. */
export function distinct(pods: readonly MeshPod[]): MeshPod[] {
  const seen = new Map<string, MeshPod>();
  for (const one of pods) {
    const { mtls, tunnel } = announcementOf(one);
    const { kind, name } = one.owner;
    const key = [one.pod.metadata?.namespace, kind, name, one.standing, mtls, tunnel, one.rootNamespace].join('/');
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
}

/** Whether the proxies of a namespace speak HBONE; `unknown`: none is known there. */
type Tunnel = 'all' | 'some' | 'none' | 'unknown';

/** Each host asks it of each namespace, and there may be ten thousand pods. */
const tunnels = new WeakMap<SecurityWorld, Map<string, Tunnel>>();

function tunnelOf(namespace: string, world: SecurityWorld): Tunnel {
  const known = tunnels.get(world) ?? new Map<string, Tunnel>();
  tunnels.set(world, known);
  const tunnel = known.get(namespace) ?? findTunnel(namespace, world);
  known.set(namespace, tunnel);
  return tunnel;
}

function findTunnel(namespace: string, world: SecurityWorld): Tunnel {
  const clients = world.pods.filter(
    ({ pod, standing }) =>
      (pod.metadata?.namespace ?? 'default') === namespace && standing !== 'none' && standing !== 'ambient',
  );
  if (clients.length === 0) return 'unknown';
  const speaking = clients.filter((client) => speaksTunnel(client, world));
  return speaking.length === clients.length ? 'all' : speaking.length > 0 ? 'some' : 'none';
}

const tunnelSwitch = 'ISTIO_META_ENABLE_HBONE';

function speaksTunnel({ pod, standing }: MeshPod, { settings }: SecurityWorld): boolean {
  const proxy = findProxy(pod);
  return (
    standing === 'waypoint' ||
    pod.metadata?.labels?.['networking.istio.io/tunnel'] === 'http' ||
    (proxy ? proxy.env?.find(({ name }) => name === tunnelSwitch)?.value : settings?.proxyMetadata?.[tunnelSwitch]) ===
      'true'
  );
}

function callsOf(
  port: NamedPort,
  tls: ClientTls,
  servers: readonly ServerMtls[],
  { tunnel, isExternal }: { tunnel: Tunnel; isExternal: boolean },
): Call[] {
  return takenOn(port, servers, isExternal).map(({ takes, told, target, names, server }) => ({
    port: port.port,
    ...(target !== undefined && { target }),
    tls,
    takes,
    told,
    servers: names,
    agreement: (server && agreeByTunnel(tls, server, takes, tunnel)) ?? compareSides(tls.sends, takes, told),
  }));
}

/** HBONE comes before what a DestinationRule says, where both sides speak it; undefined where it plays no part. */
function agreeByTunnel(tls: ClientTls, server: ServerMtls, takes: Taken, tunnel: Tunnel): Agreement | undefined {
  const { standing } = server.server;
  const isAmbient = standing === 'ambient' || standing === 'waypoint';
  if (!announcementOf(server.server).tunnel) return undefined;
  if (tunnel === 'all' || (isAmbient && tunnel === 'unknown')) return compareTunnel(takes, true);
  if (!isAmbient) return undefined;
  const without =
    tls.sends === 'auto' || tls.sends === 'plain' ? compareTunnel(takes, false) : compareSides(tls.sends, 'NONE');
  return tunnel === 'none'
    ? without
    : { outcome: 'depends', says: l10n.t('Of the clients that do not speak HBONE: {0}', without.says) };
}

interface TakenOnPort {
  takes: Taken;
  told: boolean;
  target: number | undefined;
  names: string[];
  server?: ServerMtls;
}

/** What the pods behind a port take; workloads that take the same stand together. */
function takenOn(port: NamedPort, servers: readonly ServerMtls[], isExternal = false): TakenOnPort[] {
  if (isExternal) return [{ takes: 'OUTSIDE', told: false, target: undefined, names: [] }];
  const found = new Map<string, TakenOnPort>();
  for (const server of servers) {
    const target = resolveTarget(server.server.pod, port);
    const { takes, told } = server.ports.find((one) => one.port === target) ?? server;
    const key = [takes, told, target, server.server.standing, announcementOf(server.server).tunnel].join(' ');
    const entry = found.get(key) ?? { takes, told, target, names: [], server };
    entry.names.push(`${server.owner.kind} ${server.owner.name}`);
    found.set(key, entry);
  }
  return [...found.values()];
}

/**
 * Clients of a headless Service, or with a load balancer that passes through, go to the pods themselves. One pod that says
 * it takes no mutual TLS turns the automatic off for all of them, and so does having none.
 */
function straight({ name, isPassthrough }: CalledHost, servers: readonly ServerMtls[], tls: ClientTls): ClientTls {
  if (tls.sends !== 'auto' || !(isPassthrough || tls.passthrough)) return tls;
  const bare = servers.find(({ server }) => !announcementOf(server).mtls && server.standing !== 'ambient');
  if (servers.length > 0 && !bare) return tls;
  return {
    ...tls,
    sends: 'plain',
    says: bare
      ? l10n.t(
          'No tls is set, and clients of {0} go straight to the pods, of which those of {1} say that they take no mutual TLS: it is off for all of them.',
          name,
          bare.owner.name,
        )
      : l10n.t('No tls is set, and clients of {0} go straight to the pods, of which there is none: plain text.', name),
  };
}

/**
 * ztunnel knows no DestinationRule: it sends mutual TLS (HBONE) to who takes that, plain text to the others. A waypoint on
 * the way is a proxy like others: it goes by what pods announce.
 */
function ambientClients(
  namespaces: string[],
  { ports, waypoint }: Pick<CalledHost, 'ports' | 'waypoint'>,
  servers: readonly ServerMtls[],
): Clients {
  const calls = ports.flatMap((port) =>
    servers.flatMap((server) => {
      const isTaken = announcementOf(server.server).tunnel;
      return takenOn(port, [server]).map(({ takes, told, target, names }): Call => ({
        port: port.port,
        ...(target !== undefined && { target }),
        tls: { sends: isTaken || waypoint !== undefined ? 'auto' : 'plain', says: sayTunnel(isTaken, waypoint) },
        ...{ takes, told },
        servers: names,
        agreement:
          isTaken || waypoint === undefined ? compareTunnel(takes, isTaken) : compareSides('auto', takes, told),
      }));
    }),
  );
  const says =
    waypoint === undefined
      ? l10n.t('Ambient clients go through ztunnel, which does not look at DestinationRules.')
      : l10n.t(
          'Ambient clients go through ztunnel to waypoint {0}, which obeys the DestinationRules that it sees; they are not told here.',
          waypoint,
        );
  return {
    by: 'ambient',
    namespaces,
    steps: [{ check: 'standing', value: 'ambient', verdict: 'decides', says }],
    calls,
  };
}

function sayTunnel(isTaken: boolean, waypoint: string | undefined): string {
  if (isTaken) return l10n.t('ztunnel sends mutual TLS (HBONE), as the pod takes it.');
  return waypoint === undefined
    ? l10n.t('The pod does not take HBONE: ztunnel sends plain text.')
    : l10n.t('The pod does not take HBONE: waypoint {0} sends what the pod announces.', waypoint);
}

/** Where clients with a proxy are known, where the host is, and where somebody wrote a rule for it. */
export function clientNamespaces(
  { host, namespace }: Pick<CalledHost, 'host' | 'namespace'>,
  world: SecurityWorld,
): string[] {
  const withProxy = namespacesOf(world, ({ standing }) => standing !== 'none' && standing !== 'ambient');
  const withRule = world.destinationRules
    .filter((rule) => hostOf(rule, world) === host)
    .map(({ metadata }) => metadata?.namespace ?? 'default');
  return [...new Set([namespace, ...withRule.filter((one) => one !== world.rootNamespace), ...withProxy])];
}

function namespacesOf({ pods }: SecurityWorld, keep: (pod: MeshPod) => boolean): string[] {
  return [...new Set(pods.filter(keep).map(({ pod }) => pod.metadata?.namespace ?? 'default'))].sort();
}
