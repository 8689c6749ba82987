import * as l10n from '@vscode/l10n';
import type { PodRules } from '../panels/read-pod-rules.ts';
import type { PodPlace } from '../panels/interception-state.ts';
import type { InputReader } from './read-input.ts';
import { ToolFailure, type ToolServices } from './tool.ts';

export interface PodTarget {
  namespace: string;
  pod: string;
}

export function readPodTarget(reader: InputReader): PodTarget {
  return { namespace: reader.text('namespace'), pod: reader.text('pod') };
}

/** What the person is asked before a pod's rules are read. */
export function confirmReading(
  { namespace, pod }: PodTarget,
  { chosenCluster }: Pick<ToolServices, 'chosenCluster'>,
): { title: string; message: string } {
  return {
    title: l10n.t('Read the packet rules of {0}?', pod),
    message: l10n.t(
      'The node helper in cluster {0} lists the packet rules of pod {1}/{2}. Nothing is changed. Without a helper they are computed, and labelled so.',
      chosenCluster(),
      namespace,
      pod,
    ),
  };
}

/** @throws ToolFailure with what, why and what to do next. */
export async function readRulesOf(
  { namespace, pod }: PodTarget,
  services: ToolServices,
  signal: AbortSignal,
): Promise<PodRules & { place: PodPlace }> {
  const cluster = await services.connect();
  const place = { namespace, name: pod, context: cluster.context.name };
  const rules = await services.readPod(cluster, place, signal);
  const { state } = rules;
  if (state.phase === 'ready') return { ...rules, place };
  const { what = '', why = '', next = '' } = state.failure ?? {};
  throw new ToolFailure([what, why, next].filter(Boolean).join(' '));
}

/** How the rules came about: a model must not take computed ones for read ones. */
export function originOf({ way = 'helper', state }: PodRules): { origin: string; originSays: string } {
  return { origin: way, originSays: state.origin?.why ?? state.source ?? '' };
}
