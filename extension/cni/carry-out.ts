/**
 * Changes nodes one after the other: the first is the canary, each is looked at afterwards, and the first failure ends it.
 * Whoever stops in between learns what stands where.
 */
import * as l10n from '@vscode/l10n';
import type { CniActionResult, CniMode, PlannedAction } from '../../contract/cni-plugin.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { askNode, getTargetNode } from './ask-nodes.ts';
import { isRefused, sameChange, whyRefused } from './node-plans.ts';
import { faultsBefore, verifyNode } from './verify-node.ts';

export type NodeOutcome = { node: string; result?: CniActionResult } & (
  | { state: 'done' | 'nothing' }
  /** `unknown`: the answer got lost. `refused`: nothing was changed there. `broken`: it was changed, and does not look well. */
  | { state: 'refused' | 'failed' | 'unknown' | 'broken'; why: string }
  | { state: 'untouched' }
);

export interface CarryOutOptions {
  action: PlannedAction;
  mode?: CniMode;
  /** What was agreed to, by node; a node that would now do something else is not touched. */
  agreed: ReadonlyMap<string, CniActionResult>;
  signal?: AbortSignal;
  /** For how long the first node must stay ready before the next one is touched, in milliseconds. Default 12 s. */
  settleMs?: number;
  onProgress?: (message: string, done: number) => void;
}

/** An install probes programs, waits for other installers and asks the runtime: longer than a reading. */
const actionTimeoutMs = 90_000;
const kubeletNoticesMs = 12_000;

/** @returns one outcome for each node, in order. Never throws for what happens on the way. */
export async function carryOut(
  cluster: Cluster,
  nodes: readonly string[],
  options: CarryOutOptions,
): Promise<NodeOutcome[]> {
  const outcomes: NodeOutcome[] = [];
  let stopped = false;
  for (const [at, node] of nodes.entries()) {
    if (stopped || options.signal?.aborted) {
      outcomes.push({ node, state: 'untouched' });
      continue;
    }
    options.onProgress?.(progressOf(node, at, nodes.length), at);
    const outcome = await workOn(cluster, node, at === 0 ? (options.settleMs ?? kubeletNoticesMs) : 0, options);
    outcomes.push(outcome);
    stopped = outcome.state !== 'done' && outcome.state !== 'nothing';
  }
  return outcomes;
}

function progressOf(node: string, at: number, of: number): string {
  return at === 0 && of > 1
    ? l10n.t('{0}, the first of {1}: the others wait until it is well', node, of)
    : l10n.t('{0} ({1} of {2})', node, at + 1, of);
}

async function workOn(
  cluster: Cluster,
  node: string,
  settleMs: number,
  { action, mode, agreed, signal }: CarryOutOptions,
): Promise<NodeOutcome> {
  const before = await changedSinceAgreed(cluster, node, action, mode, agreed.get(node), signal);
  if (before) return before;
  try {
    const stoodBefore = await faultsBefore(cluster, node, action).catch(() => undefined);
    // No signal: what has begun on a node is brought to its end; a person cancels between nodes.
    const question = { verb: 'cni', action, ...(mode && { mode }) } as const;
    const answer = await askNode(cluster, node, question, { timeoutMs: actionTimeoutMs });
    if (!answer.ok) {
      const why = [answer.why, answer.next].filter(Boolean).join(' ');
      return { node, state: answer.mayHaveHappened ? 'unknown' : 'refused', why };
    }
    const { result } = answer;
    if (isRefused(result)) return { node, state: 'refused', why: whyRefused(result), result };
    if (result.exit !== 0) return { node, state: 'failed', why: whyRefused(result), result };
    const broken = await verifyNode(cluster, node, {
      action,
      settleMs,
      known: new Set([...(stoodBefore ?? []), ...(action === 'install' ? codesIn(result) : [])]),
      ...(mode && { mode }),
      ...(signal && { signal }),
    });
    if (broken) return { node, state: 'broken', why: broken, result };
    return { node, state: result.plan.action === 'none' ? 'nothing' : 'done', result };
  } catch (error) {
    return { node, state: 'unknown', why: inWords(error) };
  }
}

function codesIn({ plan }: CniActionResult): string[] {
  return plan.problems.map(({ code }) => code);
}

/** Somebody else may have written to the directory since the plan was shown: what was not agreed to is not done. */
async function changedSinceAgreed(
  cluster: Cluster,
  node: string,
  action: PlannedAction,
  mode: CniMode | undefined,
  agreed: CniActionResult | undefined,
  signal: AbortSignal | undefined,
): Promise<NodeOutcome | undefined> {
  try {
    const target = await getTargetNode(cluster, node, signal);
    if (!target) return { node, state: 'refused', why: l10n.t('The node is gone from the cluster.') };
    if (!agreed) return undefined;
    const question = { verb: 'cni', action: 'plan', planFor: action, ...(mode && { mode }) } as const;
    const answer = await askNode(cluster, node, question, signal ? { signal } : {});
    if (!answer.ok) return { node, state: 'refused', why: [answer.why, answer.next].filter(Boolean).join(' ') };
    const { result } = answer;
    // A helper that does not know what else to plan for has planned an installation: nothing to compare with.
    if ((result.plannedFor ?? 'install') !== action) return undefined;
    if (isRefused(result)) return { node, state: 'refused', why: whyRefused(result), result };
    if (sameChange(result, agreed)) return undefined;
    const why = l10n.t(
      'Its CNI directory has changed since the plan was shown, and other bytes would be written now. Plan again.',
    );
    return { node, state: 'refused', why, result };
  } catch (error) {
    if (signal?.aborted) return { node, state: 'untouched' };
    return { node, state: 'refused', why: inWords(error) };
  }
}

function inWords(error: unknown): string {
  if (error instanceof ClusterFailure) return [error.message, error.next].filter(Boolean).join(' ');
  return error instanceof Error ? error.message : String(error);
}
