import * as vscode from 'vscode';
import type { InterceptionTab } from '../../contract/interception-view.ts';
import type { WorkloadReference } from '../../contract/language-server.ts';
import { commandIds } from '../ids.ts';
import { choosePod, type PodNode } from '../panels/pick-pod.ts';
import { defineCommand, type Command } from './define-command.ts';

/** Opens the interception view of a pod on one of its tabs. */
function openTab(id: string, tab: InterceptionTab, placeHolder: () => string): Command {
  return defineCommand<[PodNode | WorkloadReference]>(id, async (app, target) => {
    const cluster = await app.clusters.connect();
    const pod = await choosePod(cluster, target, placeHolder());
    if (!pod) return undefined; // the user pressed Escape: not an error
    const { showInterception } = await import('../inspection.ts');
    return showInterception(app, cluster, pod, tab);
  });
}

/** Which way one packet takes through a pod's rules. */
export const tracePacket = openTab(commandIds.tracePacket, 'trace', () =>
  vscode.l10n.t('Pod through whose rules to follow a packet'),
);

/** What a pod's rules are and Istio would not have programmed, or the other way round. */
export const showDrift = openTab(commandIds.showDrift, 'drift', () =>
  vscode.l10n.t('Pod whose rules to compare with what Istio would program'),
);

/** Which rules are hit from now on. */
export const watchCounters = openTab(commandIds.watchCounters, 'watch', () =>
  vscode.l10n.t('Pod whose counters to watch'),
);
