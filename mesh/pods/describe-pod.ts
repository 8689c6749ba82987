import * as l10n from '@vscode/l10n';
import { decideAmbient } from '../injection/decide-ambient.ts';
import type { Container, Pod } from '../kubernetes.ts';
import type { Step } from '../step.ts';
import { imageTag, plainVersion } from './image-tag.ts';
import { findPodTrouble } from './find-pod-trouble.ts';
import type { Trouble, TroubleInputs } from './find-pod-trouble.ts';

/** What the injector would decide about the pod if it were created now: `decideInjection`'s answer. */
export interface PodDecision {
  injected: boolean;
  revision?: string;
  /** Of the proxy that it would get. */
  proxyVersion?: string;
  steps: Step[];
}

export interface PodInputs extends TroubleInputs {
  /** Absent: nobody could be asked, so nothing is said on why (not). */
  decision?: PodDecision;
  /** Ambient is wanted for the pod's namespace (`istio.io/dataplane-mode: ambient`). */
  namespaceLabels?: Record<string, string>;
}

/** How a pod takes part in the mesh. */
export type MeshRole = 'sidecar' | 'native-sidecar' | 'gateway' | 'waypoint' | 'ambient' | 'ztunnel' | 'none';

export interface Interception {
  /** Who programmed the redirect: `istio-init`, the CNI plugin, ztunnel's node agent, or nobody. */
  by: 'init' | 'cni' | 'ztunnel' | 'none';
  mode?: 'REDIRECT' | 'TPROXY';
  /** How one can tell. */
  says: string;
}

export interface Proxy {
  container: string;
  image: string;
  /** The image's tag without its variant: `1.32.0` of `proxyv2:1.32.0-distroless`. */
  version?: string;
}

/** A pod, as the mesh sees it: reasons instead of booleans. */
export interface PodMeshState {
  role: MeshRole;
  /** In a sentence. */
  says: string;
  interception: Interception;
  /** The control plane that injected it. */
  revision?: string;
  proxy?: Proxy;
  /** Why the injector would (not) take it, in the order of its steps; the last one decided. */
  why: Step[];
  /** What would be otherwise if the pod were created again now. */
  differs?: string;
  trouble?: Trouble;
  /** It has ended, well or badly, and runs nothing any more. */
  over?: true;
}

/**
 * What the API tells of a pod's part in the mesh. Whether the rules really stand in the pod's network namespace only the
 * node can tell: `interception` is what the pod's spec says was meant.
 */
export function describePod(pod: Pod, inputs: PodInputs = {}): PodMeshState {
  const container = findProxy(pod);
  const role = roleOf(pod, container);
  const revision = container && revisionOf(pod);
  const interception = interceptionOf(pod, role, container);
  const differs = differenceOf(pod, role, revision, inputs);
  const trouble = findPodTrouble(pod, inputs);
  return {
    role,
    says: describeRole(role),
    interception,
    ...(revision && { revision }),
    ...(container && { proxy: describeProxy(container) }),
    why: role === 'none' ? whyNot(pod, inputs) : (inputs.decision?.steps ?? []),
    ...(differs && { differs }),
    ...(trouble && { trouble }),
    ...(isOver(pod) && { over: true as const }),
  };
}

/** What ended stays in the API until somebody, or a controller, clears it away. */
function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** A static pod's like in the API: what runs is made by the kubelet from a file, whatever webhooks do to the like. */
function isMirror({ metadata }: Pod): boolean {
  return (
    metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined ||
    (metadata?.ownerReferences ?? []).some(({ kind }) => kind === 'Node')
  );
}

function isWindows({ spec }: Pod): boolean {
  return spec?.os?.name === 'windows' || spec?.nodeSelector?.['kubernetes.io/os'] === 'windows';
}

/** The injector's steps; where it has no say, or ambient is asked for instead, those that count. */
function whyNot(pod: Pod, { decision, namespaceLabels }: PodInputs): Step[] {
  if (isMirror(pod))
    return [
      {
        check: 'static-pod',
        verdict: 'skip',
        says: l10n.t('It is a static pod: the node’s kubelet makes it from a file, and no webhook changes what runs.'),
      },
    ];
  const steps = decision?.steps ?? [];
  if (decision?.injected && isWindows(pod))
    return [
      ...steps,
      { check: 'windows', verdict: 'skip', says: l10n.t('It runs on Windows, for which there is no proxy.') },
    ];
  const isAsked = [pod.metadata?.labels, namespaceLabels].some((labels) => labels?.[modeLabel] === 'ambient');
  if (decision?.injected || !isAsked) return steps;
  const namespace = { metadata: { name: pod.metadata?.namespace ?? '', labels: namespaceLabels ?? {} } };
  return [...steps, ...decideAmbient({ pod, namespace }).steps];
}

/** What is asked of ambient for the pod: the pod's own label before the namespace's. */
function modeFor({ metadata }: Pod, namespaceLabels: Record<string, string> | undefined): string | undefined {
  return metadata?.labels?.[modeLabel] ?? namespaceLabels?.[modeLabel];
}

const modeLabel = 'istio.io/dataplane-mode';

/** Whether its traffic goes through a proxy of the mesh. */
export function isInMesh(state: PodMeshState): boolean {
  return state.role !== 'none' && state.role !== 'ztunnel';
}

/** The step that decided; undefined when nobody could be asked. */
export function decidingStep(steps: readonly Step[]): Step | undefined {
  return steps.at(-1);
}

/** The proxy's container, wherever it stands: beside the app, or before it as a native sidecar. */
export function findProxy(pod: Pod): Container | undefined {
  const isProxy = ({ name }: Container) => name === 'istio-proxy';
  return pod.spec?.containers?.find(isProxy) ?? pod.spec?.initContainers?.find(isProxy);
}

function roleOf(pod: Pod, proxy: Container | undefined): MeshRole {
  if (proxy) {
    // pilot-agent's own words: `proxy sidecar`, `proxy router`, `proxy waypoint`.
    const node = proxy.args?.[0] === 'proxy' ? proxy.args[1] : undefined;
    if (node === 'router') return 'gateway';
    if (node === 'waypoint') return 'waypoint';
    if (node === 'ztunnel') return 'ztunnel';
    return pod.spec?.initContainers?.includes(proxy) && proxy.restartPolicy === 'Always' ? 'native-sidecar' : 'sidecar';
  }
  return pod.metadata?.annotations?.[redirection] === 'enabled' ? 'ambient' : 'none';
}

function describeRole(role: MeshRole): string {
  switch (role) {
    case 'sidecar':
      return l10n.t('In the mesh: the proxy runs as a sidecar beside the app.');
    case 'native-sidecar':
      return l10n.t('In the mesh: the proxy runs as a native sidecar (an init container that goes on running).');
    case 'gateway':
      return l10n.t('In the mesh: the pod is a gateway.');
    case 'waypoint':
      return l10n.t('In the mesh: the pod is a waypoint.');
    case 'ambient':
      return l10n.t('In the mesh: ambient, its traffic goes through the node’s ztunnel.');
    case 'ztunnel':
      return l10n.t('Of the mesh itself: it carries the traffic of the node’s ambient pods.');
    case 'none':
      return l10n.t('Not in the mesh: the pod has no proxy.');
  }
}

function interceptionOf(pod: Pod, role: MeshRole, proxy: Container | undefined): Interception {
  if (role === 'none') return { by: 'none', says: l10n.t('Nothing is intercepted.') };
  if (role === 'ambient')
    return { by: 'ztunnel', says: l10n.t('The node’s istio-cni agent took the pod in, as its annotation says.') };
  if (role === 'gateway' || role === 'waypoint' || role === 'ztunnel')
    return { by: 'none', says: l10n.t('Traffic is sent to its ports; nothing is redirected.') };
  const find = (wanted: string) => pod.spec?.initContainers?.find(({ name }) => name === wanted);
  const programmer = find('istio-init') ?? find('istio-validation');
  const mode = modeOf(pod, programmer, proxy);
  if (mode === 'NONE')
    return { by: 'none', says: l10n.t('The interception mode is NONE: the app must be told of its proxy.') };
  if (programmer?.name === 'istio-init') {
    return { by: 'init', mode, says: l10n.t('The init container istio-init programs the rules ({0}).', mode) };
  }
  if (programmer) {
    return {
      by: 'cni',
      mode,
      says: l10n.t('The CNI plugin programs the rules ({0}); istio-validation checks that it did.', mode),
    };
  }
  // What istio-cni asks of a pod before it programs it: a proxy, no istio-init, and the injector's status.
  if (pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined) {
    return { by: 'cni', mode, says: l10n.t('There is no istio-init: the CNI plugin programs the rules ({0}).', mode) };
  }
  return { by: 'none', says: l10n.t('The proxy was added by hand, and nothing redirects traffic to it.') };
}

/** istio-init obeys its arguments, the CNI plugin the annotation; both default to REDIRECT. */
function modeOf(
  pod: Pod,
  programmer: Container | undefined,
  proxy: Container | undefined,
): 'REDIRECT' | 'TPROXY' | 'NONE' {
  const args = programmer?.args ?? [];
  const flag = args.findIndex((arg) => arg === '-m' || arg === '--istio-inbound-interception-mode');
  const said =
    (programmer?.name === 'istio-init' && flag >= 0 ? args[flag + 1] : undefined) ??
    pod.metadata?.annotations?.['sidecar.istio.io/interceptionMode'] ??
    (flag >= 0 ? args[flag + 1] : undefined) ??
    proxy?.env?.find(({ name }) => name === 'ISTIO_META_INTERCEPTION_MODE')?.value;
  return said === 'TPROXY' || said === 'NONE' ? said : 'REDIRECT';
}

function revisionOf(pod: Pod): string | undefined {
  const { annotations = {}, labels = {} } = pod.metadata ?? {};
  return (
    statusRevision(annotations['sidecar.istio.io/status']) ?? annotations['istio.io/rev'] ?? labels['istio.io/rev']
  );
}

/** `{"initContainers":["istio-init"],…,"revision":"default"}`, written by the injector. */
function statusRevision(status: string | undefined): string | undefined {
  try {
    const revision: unknown = (JSON.parse(status ?? 'null') as { revision?: unknown } | null)?.revision;
    return typeof revision === 'string' && revision !== '' ? revision : undefined;
  } catch {
    return undefined;
  }
}

function describeProxy({ name, image = '' }: Container): Proxy {
  const version = plainVersion(imageTag(image));
  return { container: name, image, ...(version && { version }) };
}

function differenceOf(pod: Pod, role: MeshRole, revision: string | undefined, inputs: PodInputs): string | undefined {
  if (isOver(pod) || pod.metadata?.deletionTimestamp !== undefined || isMirror(pod)) return undefined;
  switch (role) {
    case 'none':
      return missingPart(pod, inputs);
    case 'ambient':
      return leftAmbient(pod, inputs);
    case 'sidecar':
    case 'native-sidecar':
    case 'gateway':
      return pod.metadata?.annotations?.['sidecar.istio.io/status'] === undefined
        ? undefined
        : outdatedProxy(pod, role, revision, inputs);
    default:
      return undefined;
  }
}

/** What a pod that is not in the mesh lacks. */
function missingPart(pod: Pod, { decision, namespaceLabels }: PodInputs): string | undefined {
  if (decision?.injected)
    return isWindows(pod)
      ? l10n.t(
          'It would be injected if it were created now, and could not start: there is no proxy for Windows. Label it sidecar.istio.io/inject=false.',
        )
      : l10n.t(
          'It would be injected if it were created now: it started before that was decided. Restart its workload to take it into the mesh.',
        );
  // The agent takes it in when its network is set up; before that there is nothing to miss.
  const hasNetwork = pod.status?.podIP !== undefined && pod.spec?.hostNetwork !== true;
  if (!hasNetwork || modeFor(pod, namespaceLabels) !== 'ambient') return undefined;
  return pod.metadata?.annotations?.[redirection] === 'pending'
    ? l10n.t(
        'Ambient is asked for, and the node’s istio-cni agent has not finished taking the pod in: it tries again. Its log says why.',
      )
    : l10n.t('Ambient is asked for, but the node’s istio-cni agent has not taken the pod in.');
}

const redirection = 'ambient.istio.io/redirection';

/** Nobody asks for ambient any more, or for something else. */
function leftAmbient(pod: Pod, { decision, namespaceLabels }: PodInputs): string | undefined {
  if (decision?.injected)
    return l10n.t('It is in ambient; created now, it would get a sidecar, which wins over ambient.');
  // Without the namespace's labels nobody knows what it asks for.
  if (namespaceLabels === undefined || modeFor(pod, namespaceLabels) === 'ambient') return undefined;
  return l10n.t('Ambient is not asked for any more, but the node’s istio-cni agent has not let the pod go.');
}

function outdatedProxy(
  pod: Pod,
  role: MeshRole,
  revision: string | undefined,
  { decision }: PodInputs,
): string | undefined {
  if (!decision) return undefined;
  const last = decidingStep(decision.steps);
  if (last?.verdict === 'reject') return l10n.t('It could not be created again as things are now. {0}', last.says);
  if (!decision.injected)
    return role === 'gateway'
      ? undefined
      : l10n.t('It would not be injected if it were created now; it keeps its proxy until it is restarted.');
  if (revision && decision.revision && revision !== decision.revision)
    return l10n.t(
      'Its proxy belongs to revision {0}; created now, it would get revision {1}.',
      revision,
      decision.revision,
    );
  const container = findProxy(pod);
  const version = container && describeProxy(container).version;
  const isOwn = pod.metadata?.annotations?.['sidecar.istio.io/proxyImage'] !== undefined;
  if (isOwn || version === undefined || decision.proxyVersion === undefined || version === decision.proxyVersion)
    return undefined;
  return l10n.t(
    'Its proxy is version {0}; created now, it would get version {1} of its control plane.',
    version,
    decision.proxyVersion,
  );
}
