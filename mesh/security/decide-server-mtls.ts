import * as l10n from '@vscode/l10n';
import type { Pod } from '../kubernetes.ts';
import type { Step, StepSource } from '../step.ts';
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
 * `NONE`: there is no proxy. `OWN`: a gateway's, told by the Gateway and not by a PeerAuthentication.
 */
export type Taken = MtlsMode | 'BYPASSED' | 'NONE' | 'OWN';

export interface PortMtls extends ServedPort {
  takes: Taken;
  level: ChosenMode['level'];
  /** `shop/strict` */
  policy?: string;
  /** Why, in a sentence. */
  says: string;
}

/** What the pods of one workload demand of who calls them. */
export interface ServerMtls {
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
  const chosen = choosePolicies(policies, { namespace, labels: pod.metadata?.labels }, world.rootNamespace);
  const served = listPorts(pod, world.services);
  const takenWhere = (port: number | undefined) => taken(server, chosen, port);
  const ports = served.map((port) => ({ ...port, ...takenWhere(port.port) }));
  return {
    namespace,
    owner: server.owner,
    server,
    takes: takenWhere(undefined).takes,
    ports,
    steps: [standingStep(server), ...(hasPolicies(server) ? policySteps(chosen, policies, namespace, world) : [])],
  };
}

function hasPolicies({ standing }: MeshPod): boolean {
  return standing === 'sidecar' || standing === 'ambient' || standing === 'proxyless';
}

function taken(
  server: MeshPod,
  chosen: ChosenPolicies,
  port: number | undefined,
): { takes: Taken; level: ChosenMode['level']; policy?: string; says: string } {
  const { standing, pod } = server;
  if (standing === 'gateway' || standing === 'waypoint')
    return {
      takes: 'OWN',
      level: 'default',
      says: l10n.t('A gateway takes what its Gateway says under tls; PeerAuthentications do not count there.'),
    };
  if (standing === 'none')
    return { takes: 'NONE', level: 'default', says: l10n.t('No proxy of the mesh stands before the app.') };
  const { mode, level, policy } = modeOn(chosen, port);
  const by = policy && `${policy.namespace}/${policy.name}`;
  const bypass = standing === 'sidecar' && port !== undefined ? bypassOf(pod, port) : undefined;
  if (bypass) return { takes: 'BYPASSED', level, says: bypass };
  if (standing === 'ambient' && mode === 'DISABLE')
    return {
      takes: 'PERMISSIVE',
      level,
      ...(by && { policy: by }),
      says: l10n.t('{0} says DISABLE, which ztunnel does not know: it takes both.', by ?? ''),
    };
  return { takes: mode, level, ...(by && { policy: by }), says: sayLevel(level, by) };
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
function bypassOf({ metadata }: Pod, port: number): string | undefined {
  const { annotations = {} } = metadata ?? {};
  const has = (list: string) => list.split(',').some((one) => one.trim() === String(port));
  if (annotations['sidecar.istio.io/interceptionMode'] === 'NONE')
    return l10n.t('The interception mode is NONE: the app itself gets what is sent.');
  const excluded = annotations[inbound.exclude];
  if (excluded !== undefined && has(excluded))
    return l10n.t(
      '{0} leaves the port out: the app itself gets what is sent, whatever the policies say.',
      inbound.exclude,
    );
  const included = annotations[inbound.include];
  if (included !== undefined && included.trim() !== '*' && !has(included))
    return l10n.t(
      '{0} is “{1}”, without this port: the app itself gets what is sent, whatever the policies say.',
      inbound.include,
      included,
    );
  return undefined;
}

// ---- steps ----------------------------------------------------------------------------------------------------------

function standingStep(server: MeshPod): MtlsStep {
  const decides = !hasPolicies(server);
  return { check: 'standing', value: server.standing, verdict: decides ? 'decides' : 'continue', says: server.why };
}

function policySteps(
  chosen: ChosenPolicies,
  policies: readonly PeerPolicy[],
  namespace: string,
  { rootNamespace }: SecurityWorld,
): MtlsStep[] {
  const steps: MtlsStep[] = [levelStep('mesh', chosen.mesh, rootNamespace)];
  const astray = policies.filter((policy) => policy.namespace === rootNamespace && !isForAllPods(policy));
  if (namespace === rootNamespace || astray.length > 0) steps.push(...astray.map(rootSelectorStep));
  if (namespace !== rootNamespace) {
    steps.push(levelStep('namespace', chosen.namespace, namespace));
    steps.push(levelStep('workload', chosen.workload, namespace));
  }
  steps.push(...chosen.overruled.map(({ policy, by }) => overruledStep(policy, by)));
  steps.push(...portSteps(chosen.workload));
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

function portSteps(workload: PeerPolicy | undefined): MtlsStep[] {
  if (!workload) return [];
  const name = `${workload.namespace}/${workload.name}`;
  return Object.entries(workload.portModes ?? {}).map(([port, written]) => ({
    check: 'port',
    value: `${port}: ${written ?? 'UNSET'}`,
    verdict: saidMode(written) ? 'decides' : 'continue',
    says: saidMode(written)
      ? l10n.t('PeerAuthentication {0} says {1} for port {2}.', name, written ?? '', port)
      : l10n.t('PeerAuthentication {0} names no mode for port {1} (UNSET): the workload’s counts.', name, port),
    source: sourceOf(workload, 'spec', 'portLevelMtls', port),
  }));
}

function sourceOf({ namespace, name }: PeerPolicy, ...path: string[]): StepSource {
  return { kind: 'PeerAuthentication', namespace, name, path };
}
