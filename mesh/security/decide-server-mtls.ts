import * as l10n from '@vscode/l10n';
import { splitList } from '../interception/interception-settings.ts';
import { settingsOfInit } from '../interception/gather-settings.ts';
import type { Pod } from '../kubernetes.ts';
import type { Step, StepSource } from '../step.ts';
import { announcementOf, tlsModeLabel } from './announce.ts';
import { choosePolicies, isForAllPods, modeOn, saidMode } from './choose-policies.ts';
import type { ChosenMode, ChosenPolicies, MtlsMode, PeerPolicy } from './choose-policies.ts';
import { listPorts } from './list-ports.ts';
import type { ServedPort } from './list-ports.ts';
import { asPolicy } from './security-objects.ts';
import type { MeshPod, SecurityWorld } from './security-objects.ts';

/** One thing that was looked at on the way to a mode. */
export type MtlsStep = Step<'continue' | 'decides'>;

/**
 * What a port takes. `BYPASSED`: the port is not redirected to the proxy, so that the app itself gets what is sent.
 * `NONE`: there is no proxy. `OWN`: a gateway's, told by the Gateway and not by a PeerAuthentication. `OUTSIDE`: not of
 * the mesh.
 */
export type Taken = MtlsMode | 'BYPASSED' | 'NONE' | 'OWN' | 'OUTSIDE';

export interface PortMtls extends ServedPort, Told {
  takes: Taken;
  level: ChosenMode['level'];
  /** `shop/strict` */
  policy?: string;
  /** Why, in a sentence. */
  says: string;
}

/** What clients are told, from which automatic mutual TLS makes up its mind. */
export interface Told {
  /** That mutual TLS of the mesh is taken here. */
  told: boolean;
}

/** What the pods of one workload demand of who calls them. */
export interface ServerMtls extends Told {
  namespace: string;
  owner: { kind: string; name: string };
  server: MeshPod;
  /** For ports that nobody named. */
  takes: Taken;
  ports: PortMtls[];
  /** In the order of Istio: the mesh, the namespace, the workload, its ports. */
  steps: MtlsStep[];
}

/** Which mutual TLS a pod's proxy demands, on every port that can be seen, and every step that leads there. */
export function decideServerMtls(server: MeshPod, world: SecurityWorld): ServerMtls {
  const { pod } = server;
  const namespace = pod.metadata?.namespace ?? 'default';
  const policies = world.peerAuthentications.map(asPolicy);
  const rootNamespace = server.rootNamespace ?? world.rootNamespace;
  const chosen = choosePolicies(policies, { namespace, labels: pod.metadata?.labels }, rootNamespace);
  const served = listPorts(pod, world.services, hasPolicies(server) ? namedPorts(chosen) : []);
  const takenWhere = (port: number | undefined) => taken(server, chosen, port);
  const ports = served.map((port) => ({ ...port, ...takenWhere(port.port) }));
  return {
    namespace,
    owner: server.owner,
    server,
    takes: takenWhere(undefined).takes,
    told: takenWhere(undefined).told,
    ports,
    steps: [
      standingStep(server),
      ...announcementSteps(server),
      ...(hasPolicies(server) ? policySteps(chosen, policies, namespace, rootNamespace, served) : []),
    ],
  };
}

/** Ports that the workload's policy speaks of: it is obeyed also where nobody declares the port. */
function namedPorts({ workload }: ChosenPolicies): number[] {
  return Object.keys(workload?.portModes ?? {})
    .map(Number)
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
}

function hasPolicies({ standing }: MeshPod): boolean {
  return standing === 'sidecar' || standing === 'ambient' || standing === 'proxyless';
}

function taken(
  server: MeshPod,
  chosen: ChosenPolicies,
  port: number | undefined,
): Told & { takes: Taken; level: ChosenMode['level']; policy?: string; says: string } {
  const { standing, pod } = server;
  const { mode, level, policy } = modeOn(chosen, port);
  // Clients are told by the labels and the policies, whatever stands there.
  const told = announcementOf(server).mtls && mode !== 'DISABLE';
  if (standing === 'gateway' || standing === 'waypoint')
    return { takes: 'OWN', told, level: 'default', says: sayOwn(standing) };
  if (standing === 'none')
    return { takes: 'NONE', told, level: 'default', says: l10n.t('No proxy of the mesh stands before the app.') };
  const by = policy && `${policy.namespace}/${policy.name}`;
  const bypass = standing === 'sidecar' && port !== undefined ? bypassOf(pod, port) : undefined;
  if (bypass) return { takes: 'BYPASSED', told, level, says: bypass };
  const found = { level, told, ...(by && { policy: by }) };
  if (standing === 'ambient' && mode === 'DISABLE')
    return {
      ...found,
      takes: 'PERMISSIVE',
      says: l10n.t('{0} says DISABLE, which ztunnel does not know: it takes both.', by ?? ''),
    };
  return { ...found, takes: mode, says: sayLevel(level, by) };
}

function sayOwn(standing: 'gateway' | 'waypoint'): string {
  return standing === 'gateway'
    ? l10n.t('A gateway takes what its Gateway says under tls; PeerAuthentications do not count there.')
    : l10n.t(
        'A waypoint takes mutual TLS (HBONE) on port 15008, from ztunnel and from proxies that speak it; PeerAuthentications do not count there.',
      );
}

function sayLevel(level: ChosenMode['level'], by = ''): string {
  switch (level) {
    case 'port':
      return l10n.t('{0} says so for this port.', by);
    case 'workload':
      return l10n.t('{0} selects the workload.', by);
    case 'namespace':
      return l10n.t('{0} is for the whole namespace.', by);
    case 'mesh':
      return l10n.t('{0} is for the whole mesh.', by);
    case 'default':
      return l10n.t('Nobody says otherwise: Istio’s default.');
  }
}

const inbound = {
  include: 'traffic.sidecar.istio.io/includeInboundPorts',
  exclude: 'traffic.sidecar.istio.io/excludeInboundPorts',
};

/** Why a port is not redirected to the proxy; undefined when it is. */
function bypassOf(pod: Pod, port: number): string | undefined {
  const { annotations = {} } = pod.metadata ?? {};
  const has = (ports: readonly string[]) => ports.includes(String(port));
  if (interceptionModeOf(pod) === 'NONE')
    return l10n.t('The interception mode is NONE: the app itself gets what is sent.');
  if (has(splitList(annotations[inbound.exclude] ?? '')))
    return l10n.t(
      '{0} leaves the port out: the app itself gets what is sent, whatever the policies say.',
      inbound.exclude,
    );
  const included = annotations[inbound.include];
  if (included !== undefined && included.trim() !== '*' && !has(splitList(included)))
    return l10n.t(
      '{0} is “{1}”, without this port: the app itself gets what is sent, whatever the policies say.',
      inbound.include,
      included,
    );
  return bypassOfInit(pod, port);
}

/** What the mesh's administrator said for all pods stands in the arguments of istio-init, and in no annotation. */
function bypassOfInit({ spec, metadata }: Pod, port: number): string | undefined {
  const init = spec?.initContainers?.find(({ name }) => name === 'istio-init' || name === 'istio-validation');
  // Without any argument it is not the injector's, or it was cut.
  if (!init || (init.args ?? init.command ?? []).length === 0) return undefined;
  const { includeInboundPorts: included, excludeInboundPorts: excluded } = settingsOfInit(
    init,
    metadata?.annotations ?? {},
  ).settings;
  const isOut = excluded.includes(String(port)) || (included !== '*' && !included.includes(String(port)));
  return isOut
    ? l10n.t(
        'The arguments of {0} leave the port out: the app itself gets what is sent, whatever the policies say.',
        init.name,
      )
    : undefined;
}

function interceptionModeOf({ metadata, spec }: Pod): string | undefined {
  const said = metadata?.annotations?.['sidecar.istio.io/interceptionMode'];
  const proxy = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
    ({ name }) => name === 'istio-proxy',
  );
  return said ?? proxy?.env?.find(({ name }) => name === 'ISTIO_META_INTERCEPTION_MODE')?.value;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

function standingStep(server: MeshPod): MtlsStep {
  const decides = !hasPolicies(server);
  return { check: 'standing', value: server.standing, verdict: decides ? 'decides' : 'continue', says: server.why };
}

function announcementSteps(server: MeshPod): MtlsStep[] {
  const { odd } = announcementOf(server);
  if (odd === undefined) return [];
  const value = server.pod.metadata?.labels?.[tlsModeLabel];
  return [{ check: 'label', ...(value !== undefined && { value }), verdict: 'continue', says: odd }];
}

function policySteps(
  chosen: ChosenPolicies,
  policies: readonly PeerPolicy[],
  namespace: string,
  rootNamespace: string,
  served: readonly ServedPort[],
): MtlsStep[] {
  const steps: MtlsStep[] = [levelStep('mesh', chosen.mesh, rootNamespace)];
  const astray = policies.filter((policy) => policy.namespace === rootNamespace && !isForAllPods(policy));
  if (namespace === rootNamespace || astray.length > 0) steps.push(...astray.map(rootSelectorStep));
  if (namespace !== rootNamespace) {
    steps.push(levelStep('namespace', chosen.namespace, namespace));
    steps.push(levelStep('workload', chosen.workload, namespace));
  }
  steps.push(...chosen.overruled.map(({ policy, by }) => overruledStep(policy, by)));
  steps.push(...portSteps(chosen.workload, served));
  // The workload's own mode; single ports have their step.
  const { mode, level, policy } = modeOn(chosen);
  const deciding = steps.find(({ check, source }) => check === level && source?.name === policy?.name);
  if (deciding) deciding.verdict = 'decides';
  else
    steps.push({
      check: 'default',
      value: mode,
      verdict: 'decides',
      says: l10n.t('No policy names a mode: PERMISSIVE, both mutual TLS and plain text are taken.'),
    });
  return steps;
}

function levelStep(level: 'mesh' | 'namespace' | 'workload', policy: PeerPolicy | undefined, place: string): MtlsStep {
  if (!policy) return { check: level, verdict: 'continue', says: sayNone(level, place) };
  const name = `${policy.namespace}/${policy.name}`;
  const mode = saidMode(policy.mode);
  return {
    check: level,
    value: policy.mode ?? 'UNSET',
    verdict: 'continue',
    says: mode
      ? sayMode(level, name, mode)
      : l10n.t('PeerAuthentication {0} names no mode (UNSET): the level above decides.', name),
    source: sourceOf(policy, 'spec', 'mtls', 'mode'),
  };
}

function sayNone(level: 'mesh' | 'namespace' | 'workload', place: string): string {
  switch (level) {
    case 'mesh':
      return l10n.t(
        'No PeerAuthentication without selector in the root namespace {0}: nothing holds for the mesh.',
        place,
      );
    case 'namespace':
      return l10n.t('No PeerAuthentication without selector in namespace {0}.', place);
    case 'workload':
      return l10n.t('No PeerAuthentication in namespace {0} selects these pods.', place);
  }
}

function sayMode(level: 'mesh' | 'namespace' | 'workload', name: string, mode: MtlsMode): string {
  switch (level) {
    case 'mesh':
      return l10n.t('PeerAuthentication {0} says {1} for the whole mesh.', name, mode);
    case 'namespace':
      return l10n.t('PeerAuthentication {0} says {1} for its namespace.', name, mode);
    case 'workload':
      return l10n.t('PeerAuthentication {0} selects these pods and says {1}.', name, mode);
  }
}

function rootSelectorStep(policy: PeerPolicy): MtlsStep {
  return {
    check: 'root-selector',
    verdict: 'continue',
    says: l10n.t(
      'PeerAuthentication {0} has a selector and stands in the root namespace: it selects nothing there.',
      `${policy.namespace}/${policy.name}`,
    ),
    source: sourceOf(policy, 'spec', 'selector'),
  };
}

function overruledStep(policy: PeerPolicy, by: PeerPolicy): MtlsStep {
  const names = [`${policy.namespace}/${policy.name}`, `${by.namespace}/${by.name}`] as const;
  return {
    check: 'overruled',
    value: policy.mode ?? 'UNSET',
    verdict: 'continue',
    says:
      policy.created === undefined || by.created === undefined
        ? l10n.t(
            'PeerAuthentication {0} is ignored: of one level the oldest counts, and {1} comes first in the files.',
            ...names,
          )
        : l10n.t('PeerAuthentication {0} is ignored: of one level the oldest counts, and that is {1}.', ...names),
    source: sourceOf(policy, 'metadata', 'creationTimestamp'),
  };
}

function portSteps(workload: PeerPolicy | undefined, served: readonly ServedPort[]): MtlsStep[] {
  if (!workload) return [];
  const name = `${workload.namespace}/${workload.name}`;
  return Object.entries(workload.portModes ?? {}).map(([port, written]) => {
    const said = saidMode(written)
      ? l10n.t('PeerAuthentication {0} says {1} for port {2}.', name, written ?? '', port)
      : l10n.t('PeerAuthentication {0} names no mode for port {1} (UNSET): the workload’s counts.', name, port);
    const mixedUp = servicePortOnly(Number(port), served);
    return {
      check: 'port',
      value: `${port}: ${written ?? 'UNSET'}`,
      verdict: saidMode(written) ? 'decides' : 'continue',
      says: mixedUp === undefined ? said : `${said} ${mixedUp}`,
      source: sourceOf(workload, 'spec', 'portLevelMtls', port),
    };
  });
}

/** Says so where a policy names a Service's port, and the pod's is meant. */
function servicePortOnly(port: number, served: readonly ServedPort[]): string | undefined {
  const own = served.find((one) => one.port === port);
  if (own === undefined || own.declared || own.behind.length > 0) return undefined;
  const meant = served.find(({ behind }) => behind.some((one) => one.port === port));
  return (
    meant &&
    l10n.t(
      'The pod serves nothing there: {0} is the Service’s port, and leads to port {1} of the pod, which is the one to name.',
      port,
      meant.port,
    )
  );
}

function sourceOf({ namespace, name }: PeerPolicy, ...path: string[]): StepSource {
  return { kind: 'PeerAuthentication', namespace, name, path };
}
