/** Asks the cluster for one pod's rules, by the best way that is open → a state of the interception view. No editor here. */
import * as l10n from '@vscode/l10n';
import type { FailureView, InterceptionState } from '../../contract/interception-view.ts';
import { UnreadableReply } from '../../contract/node-helper.ts';
import type { ExpectedInputs } from '../../mesh/interception/expected-rules.ts';
import type { KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import type { ContainerOffer } from '../node-helper/debug-container.ts';
import { obtainRules, type NotObtained, type ObtainedRules } from '../node-helper/obtain-rules.ts';
import {
  describeClusterTrouble,
  failedState,
  offerFallbacks,
  podGone,
  readyState,
  whyNotReadable,
  type PodPlace,
} from './interception-state.ts';

/** What reading needs beside the cluster and the pod's name. */
export interface ReadOptions {
  signal?: AbortSignal;
  /** Of the helper that this extension ships. */
  ownHash: string;
  /** Of this extension. */
  version: string;
  /** The person wants to see computed rules where none can be read. */
  acceptComputed?: boolean;
  /** The person agreed to this debug container. */
  addContainer?: ContainerOffer;
  onProgress?: (message: string) => void;
  log?: (text: string) => void;
}

/** A state to show, and what else is known once it was read. */
export interface PodRules {
  state: InterceptionState;
  /** Absent: it is not there, or nobody could ask. */
  pod?: Pod;
  /** The pod is not there any more. */
  gone?: boolean;
  way?: ObtainedRules['way'];
  /** Tells a pod, and a network namespace of it, from the next of the same name. */
  identity?: string;
  /** A debug container could be added. */
  offer?: ContainerOffer;
  /** With computed rules: from what. */
  inputs?: ExpectedInputs;
}

/** Reads; whatever goes wrong is a state that says so. */
export async function readPodRules(cluster: Cluster, place: PodPlace, options: ReadOptions): Promise<PodRules> {
  const { namespace, name } = place;
  const { signal, ownHash, addContainer, onProgress, log } = options;
  try {
    // Asked anew each time: a pod of the same name (StatefulSet) may be another one by now, with another uid.
    const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace, ...(signal && { signal }) });
    if (!pod) return { state: failedState(place, podGone(place)), gone: true };
    const events = whyNotReadable(pod) ? await listEvents(cluster, pod, options) : [];
    const obtained = await obtainRules(cluster, pod, {
      ownHash,
      events,
      ...(signal && { signal }),
      ...(addContainer && { addContainer }),
      ...(onProgress && { onProgress }),
    });
    if (!obtained.ok || obtained.way === 'computed') {
      for (const { way, what, why, detail = '' } of obtained.whyNot)
        log?.(`${namespace}/${name}, ${way}: ${what} ${why} ${detail}`.trimEnd());
    }
    return { pod, identity: identityOf(pod, obtained), ...describeObtained(place, obtained, options) };
  } catch (error) {
    if (!signal?.aborted) log?.(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { state: failedState(place, describeError(error, place)) };
  }
}

function describeObtained(
  place: PodPlace,
  obtained: ObtainedRules | NotObtained,
  { version, acceptComputed, addContainer }: ReadOptions,
): Omit<PodRules, 'pod'> {
  const { whyNot, offer } = obtained;
  const rest = offer ? { offer } : {};
  const failure = addContainer ? (whyNot.at(-1) ?? whyNot[0]) : whyNot[0];
  const fallback = failure && offerOthers(failure, obtained);
  if (!obtained.ok) return { state: failedState(place, fallback ?? nothingKnown(place)), ...rest };
  const { way, result, says, helper, computed } = obtained;
  if (way === 'computed' && acceptComputed !== true && fallback)
    return { state: failedState(place, fallback), ...rest };
  const why = computed ? l10n.t('They follow from {0}.', computed.basis) : says;
  const origin = way === 'helper' ? undefined : { kind: way, why };
  const state = readyState(
    place,
    {
      // That they are computed stands in the origin already.
      result: computed ? { ...result, notes: computed.assumptions } : result,
      at: new Date(),
      says,
      ...(origin && { origin }),
      ...(helper && {
        helper: helper.identity,
        helperPod: helper.pod,
        node: helper.node,
        ...(helper.outdated && { outdated: true }),
      }),
    },
    version,
  );
  const banner = way === 'computed' && fallback ? { failure: withoutAction(fallback, 'show-computed') } : {};
  return { state: { ...state, ...banner }, way, ...rest, ...(computed && { inputs: computed.inputs }) };
}

/** Three parts of a failure; `way` and `code` of it stay behind. */
function offerOthers(failure: FailureView, obtained: ObtainedRules | NotObtained): FailureView {
  const { what, why, next, actions } = failure;
  return offerFallbacks(
    { what, why, next, actions },
    { canReadInside: obtained.offer !== undefined, canCompute: obtained.ok && obtained.way === 'computed' },
  );
}

function withoutAction(failure: FailureView, left: FailureView['actions'][number]['id']): FailureView {
  return { ...failure, actions: failure.actions.filter(({ id }) => id !== left) };
}

function nothingKnown(place: PodPlace): FailureView {
  return describeClusterTrouble(place, '', l10n.t('The log has the details.'));
}

/** What happened to the pod; nothing when events may not be read, for they only add a reason. */
async function listEvents(cluster: Cluster, pod: Pod, { signal, log }: ReadOptions): Promise<KubernetesEvent[]> {
  const { name = '', namespace = '', uid } = pod.metadata ?? {};
  try {
    const { items } = await cluster.list<KubernetesEvent>(resourceTypes.events, {
      namespace,
      fieldSelector: `involvedObject.name=${name}`,
      ...(signal && { signal }),
    });
    return items.filter(({ involvedObject }) => involvedObject?.uid === undefined || involvedObject.uid === uid);
  } catch (error) {
    if (!(error instanceof ClusterFailure)) throw error;
    log?.(error.message);
    return [];
  }
}

function identityOf(pod: Pod, obtained: ObtainedRules | NotObtained): string {
  const netns = obtained.ok && obtained.way === 'helper' ? obtained.result.netns : '';
  return `${pod.metadata?.uid ?? ''} ${netns}`;
}

/** Whatever keeps one from asking, as a failure of the view. */
export function describeError(error: unknown, place: PodPlace): FailureView {
  const next = error instanceof ClusterFailure ? error.next : l10n.t('The log has the details.');
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof UnreadableReply)
    return describeClusterTrouble(place, why, l10n.t('Deploy the node helper again.'));
  return describeClusterTrouble(place, why, next);
}
