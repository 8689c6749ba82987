import * as vscode from 'vscode';
import type { WorkloadReference } from '../../contract/language-server.ts';
import { commandIds } from '../ids.ts';
import { choosePod, type PodNode } from '../panels/pick-pod.ts';
import { defineCommand } from './define-command.ts';

/** Reads a pod's rules and writes them, as the tool printed them, to a file that the person chooses. */
export const saveRules = defineCommand<[PodNode | WorkloadReference]>(commandIds.saveRules, async (app, target) => {
  const cluster = await app.clusters.connect();
  const pod = await choosePod(cluster, target, vscode.l10n.t('Pod whose rules to save'));
  if (!pod) return undefined; // the user pressed Escape: not an error
  const { saveInterception } = await import('../inspection.ts');
  return saveInterception(app, cluster, pod);
});
