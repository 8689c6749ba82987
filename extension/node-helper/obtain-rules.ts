/**
 * A pod's rules by the best way that is open, and why the better ones were not:
 *
 *     helper     the node helper on the pod's node                    asks nobody, changes nothing
 *     ephemeral  a debug container in the pod, of the proxy's image   stays in the pod's spec for ever: never without consent
 *     computed   what Istio would program for this pod                nobody looked: always labelled so
 *
 * How a view uses it:
 *
 *     const obtained = await obtainRules(cluster, pod, { ownHash, events, signal });
 *     if (!obtained.ok) show(obtained.whyNot.at(-1))         // host network, finished, not started: nothing to read, nothing to compute
 *     obtained.way                                           // say it; 'computed' → obtained.says in a place that nobody overlooks
 *     obtained.result.readings                               // RulesReading as from the helper; backend and origin 'computed' when computed
 *     obtained.whyNot                                        // a FailureView each (what, why, next, actions) plus `way`
 *     obtained.offer                                         // a debug container could be added: offer the action “Read from inside the pod…”
 *
 * and when the person takes the offer: show `obtained.offer.preview` (YAML with comments), ask with `offer.question` and
 * `offer.detail` (modal), then `obtainRules(cluster, pod, { …, addContainer: obtained.offer })`. A debug container of ours
 * that still runs in the pod is asked again without a question: nothing new is added.
 */
import * as l10n from '@vscode/l10n';
import type { FailureView } from '../../contract/interception-view.ts';
import {
  UnreadableReply,
  type HelperIdentity,
  type InspectPodResult,
  type RulesReading,
} from '../../contract/node-helper.ts';
import { expectedRules, type ExpectedInputs, type ExpectedRules } from '../../mesh/interception/expected-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import type { KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { whyNotReadable } from '../panels/interception-state.ts';
import { inspectPod } from './client.ts';
import {
  findRunningDebugContainer,
  offerDebugContainer,
  readWithNewContainer,
  readWithRunningContainer,
  type ContainerOffer,
} from './debug-container.ts';
import { gatherExpectedInputs } from './expected-inputs.ts';
import { whyDebugContainerNotTried, whyNoDebugContainer, whyNoHelper, whyRefused } from './why-not.ts';

export type Way = 'helper' | 'ephemeral' | 'computed';

/** Why one way was not possible, in three parts, with what a button can do about it. */
export interface WhyNot extends FailureView {
  way: Way;
  /** For the log: what arrived, where it could not be read. */
  detail?: string;
  /** `not-asked`: a debug container would be possible, nobody agreed to it. */
  code?: 'not-asked';
}

export interface ObtainOptions {
  /** Hash of the program that this extension ships, to notice a helper of another version. */
  ownHash?: string;
  signal?: AbortSignal;
  /** The pod's events: without a sandbox only they tell what it waits for. */
  events?: KubernetesEvent[];
  /** Consent: add this debug container. Absent: one that runs already is used, none is added. */
  addContainer?: ContainerOffer;
  /** One line for a person while it takes long. */
  onProgress?: (message: string) => void;
  /** What computing needs; read from the cluster when absent. */
  expectedInputs?: ExpectedInputs;
}

export interface ObtainedRules {
  ok: true;
  way: Way;
  /** As from the helper. Computed: readings alone, the rest is empty; ephemeral: without listening sockets. */
  result: InspectPodResult;
  /** How the rules were obtained, in a sentence: “Computed, not read: …”. */
  says: string;
  /** The better ways, in their order, and why each was not possible. Empty when the helper answered. */
  whyNot: WhyNot[];
  helper?: { identity: HelperIdentity; pod: string; node: string; outdated: boolean };
  container?: { name: string; image: string };
  computed?: ComputedRules;
  /** A debug container could be tried: not read by it, and not refused before. */
  offer?: ContainerOffer;
}

export interface ComputedRules {
  /** One per family: IPv6 only where Istio would program it. */
  expected: ExpectedRules[];
  /** From what they were computed, in words. */
  basis: string;
  /** What had to be assumed. */
  assumptions: string[];
  inputs: ExpectedInputs;
}

/** Nothing was read and nothing can be computed: the last of `whyNot` tells best. */
export interface NotObtained {
  ok: false;
  whyNot: WhyNot[];
  offer?: ContainerOffer;
}

/**
 * @throws ClusterFailure when no way is open at all: the API server is out of reach, the login is gone, it was cancelled.
 */
export async function obtainRules(
  cluster: Cluster,
  pod: Pod,
  options: ObtainOptions = {},
): Promise<ObtainedRules | NotObtained> {
  const never = whyNotReadable(pod, options.events);
  if (never) return { ok: false, whyNot: [{ way: 'helper', ...never }] };
  const whyNot: WhyNot[] = [];
  const read = (await askHelper(cluster, pod, options, whyNot)) ?? (await askPod(cluster, pod, options, whyNot));
  if (read) return { ok: true, whyNot, ...read };
  const offer = whyNot.some(({ way, code }) => way === 'ephemeral' && code === 'not-asked')
    ? offerDebugContainer(cluster, pod)
    : undefined;
  const computed = await compute(cluster, pod, options, whyNot);
  return { ...(computed ? { ok: true, ...computed } : { ok: false }), whyNot, ...(offer && { offer }) };
}

type Read = Omit<ObtainedRules, 'ok' | 'whyNot' | 'offer'>;

async function askHelper(
  cluster: Cluster,
  pod: Pod,
  { ownHash, signal, onProgress }: ObtainOptions,
  whyNot: WhyNot[],
): Promise<Read | undefined> {
  onProgress?.(l10n.t('Asking the node helper'));
  try {
    const answer = await inspectPod(cluster, pod, signal, ownHash === undefined ? {} : { ownHash });
    const { reply, node, helperPod, outdated = false } = answer;
    if (reply.ok) {
      const says = l10n.t('Read on node {0} by {1}.', node, helperPod);
      return {
        way: 'helper',
        result: reply.result,
        says,
        helper: { identity: reply.helper, pod: helperPod, node, outdated },
      };
    }
    whyNot.push({ way: 'helper', ...whyRefused(reply.error, pod) });
  } catch (error) {
    const why = whyNoHelper(error, pod);
    if (!why) throw error;
    const detail = error instanceof UnreadableReply ? error.text.slice(0, 4000) : undefined;
    whyNot.push({ way: 'helper', ...why, ...(detail !== undefined && { detail }) });
  }
  return undefined;
}

async function askPod(cluster: Cluster, pod: Pod, options: ObtainOptions, whyNot: WhyNot[]): Promise<Read | undefined> {
  const { addContainer, signal, onProgress } = options;
  const call = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const running = findRunningDebugContainer(pod);
  try {
    if (running) return fromContainer(running, pod, await readWithRunningContainer(cluster, pod, running, call));
  } catch (error) {
    // It may have ended a moment ago, or commands may not be run in it: a new one tells through its log.
    if (!addContainer || !whyNoDebugContainer(error, pod)) pushWhyNoContainer(error, pod, whyNot);
  }
  if (!addContainer) {
    const canOffer = offerDebugContainer(cluster, pod) !== undefined;
    whyNot.push({
      way: 'ephemeral',
      ...(canOffer && { code: 'not-asked' }),
      ...whyDebugContainerNotTried(pod, canOffer),
    });
    return undefined;
  }
  try {
    const { result, container } = await readWithNewContainer(cluster, pod, addContainer, call);
    return fromContainer(container, pod, result, addContainer.image);
  } catch (error) {
    pushWhyNoContainer(error, pod, whyNot);
    return undefined;
  }
}

function pushWhyNoContainer(error: unknown, pod: Pod, whyNot: WhyNot[]): void {
  const why = whyNoDebugContainer(error, pod);
  if (!why) throw error;
  whyNot.push({ way: 'ephemeral', ...why });
}

function fromContainer(name: string, pod: Pod, result: InspectPodResult, newImage?: string): Read {
  const image = newImage ?? pod.spec?.ephemeralContainers?.find((container) => container.name === name)?.image ?? '';
  const says = l10n.t('Read from inside pod {0}, by its debug container “{1}”.', pod.metadata?.name ?? '', name);
  return { way: 'ephemeral', result, says, container: { name, image } };
}

async function compute(
  cluster: Cluster,
  pod: Pod,
  options: ObtainOptions,
  whyNot: WhyNot[],
): Promise<Read | undefined> {
  const inputs = options.expectedInputs ?? (await gatherExpectedInputs(cluster, pod, options.signal));
  const name = pod.metadata?.name ?? '';
  const expected = (['4', '6'] as const)
    .map((family) => expectedRules({ ...inputs, family }))
    .filter(
      ({ settings, mode, rules }, at) =>
        at === 0 || settings?.ipv6 === true || (mode === 'ambient' && rules.length > 0),
    );
  const [first] = expected;
  if (first?.mode === 'ambient' && first.whyNone !== undefined) {
    whyNot.push({
      way: 'computed',
      what: l10n.t('The rules of {0} cannot be computed.', name),
      why: first.whyNone ?? '',
      next: l10n.t('Deploy the node helper to read them.'),
      actions: [{ id: 'deploy-node-helper', label: l10n.t('Deploy Node Helper…') }],
    });
    return undefined;
  }
  const basis = describeBasis(pod, first);
  const assumptions = [...new Set(expected.flatMap((one) => one.assumptions))];
  const says = first?.whyNone
    ? l10n.t('Computed, not read: Istio would program nothing here. {0}', first.whyNone)
    : l10n.t(
        'Computed, not read: nobody looked into the pod. These are the rules that Istio would program for {0}, from {1}.',
        name,
        basis,
      );
  return {
    way: 'computed',
    result: computedResult(expected, [says, ...assumptions]),
    says,
    computed: { expected, basis, assumptions, inputs },
  };
}

function computedResult(expected: readonly ExpectedRules[], notes: string[]): InspectPodResult {
  const readings = expected.map(({ ruleset }): RulesReading => {
    const text = printRules(ruleset, { counters: false });
    return { family: ruleset.family === '6' ? '6' : '4', backend: 'computed', origin: 'computed', command: '', text };
  });
  return { pid: 0, netns: '', readings, interfaces: [], listening: [], policyRules: [], routes: [], notes, tookMs: 0 };
}

function describeBasis({ spec }: Pod, expected: ExpectedRules | undefined): string {
  const has = (wanted: string) => spec?.initContainers?.some(({ name }) => name === wanted);
  if (expected?.by === 'init' && has('istio-init')) return l10n.t('the arguments of its istio-init');
  if (expected?.by === 'cni') return l10n.t('its annotations and the defaults of Istio’s CNI plugin');
  return l10n.t('its annotations and the mesh configuration');
}
