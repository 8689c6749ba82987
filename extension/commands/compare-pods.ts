import * as vscode from 'vscode';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { commandIds } from '../ids.ts';
import { choosePod, type PodNode } from '../panels/pick-pod.ts';
import { defineCommand } from './define-command.ts';

/** A pod's rules beside those of another: the second one is asked for, unless the caller names it. */
export const comparePods = defineCommand<[target: PodNode | WorkloadReference, other: PodNode | { pod?: Pod }[]]>(
  commandIds.comparePods,
  async (app, target, other) => {
    const cluster = await app.clusters.connect();
    const pod = await choosePod(cluster, target, vscode.l10n.t('First pod to compare'));
    if (!pod) return undefined; // the user pressed Escape: not an error
    const { compareInterception } = await import('../inspection.ts');
    return compareInterception(app, cluster, pod, findOther(pod, other));
  },
);

/** From the tree comes the whole selection as second argument: with two pods selected, the other one is meant. */
function findOther(pod: Pod, other: Partial<PodNode> | Partial<PodNode>[] | undefined): Pod | undefined {
  const others = Array.isArray(other) ? other : [other];
  return others.find((each) => each?.pod && each.pod.metadata?.uid !== pod.metadata?.uid)?.pod;
}
