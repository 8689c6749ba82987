import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { describeFailure, showFailure } from '../failures.ts';
import { commandIds } from '../ids.ts';
import { startOrExplain } from './forward-port.ts';
import { describeEnded, takeKeptForwards, type KeptForward } from './kept-forwards.ts';

/** Says which forwarded ports ended when the window was closed or loaded again, and opens them again for who wants that. */
export async function offerForwards(app: App): Promise<void> {
  await offer(app, takeKeptForwards(app.context.workspaceState));
}

async function offer(app: App, kept: readonly KeptForward[]): Promise<void> {
  if (kept.length === 0) return;
  const isChosen = ({ contextId }: KeptForward) => contextId === app.clusters.chosen.id;
  const again = vscode.l10n.t('Open Again');
  const choose = vscode.l10n.t('Choose Cluster');
  const picked = await vscode.window.showInformationMessage(
    describeFailure(describeEnded(kept, app.clusters.chosen.id)),
    kept.some(isChosen) ? again : choose,
  );
  if (picked === undefined) return;
  if (picked === choose) await vscode.commands.executeCommand(commandIds.chooseCluster);
  // Another cluster may have been chosen while the question stood there.
  else for (const one of kept.filter(isChosen)) await openAgain(app, one);
  await offer(app, picked === choose ? kept : kept.filter((one) => !isChosen(one)));
}

async function openAgain(app: App, { target, localPort }: KeptForward): Promise<void> {
  try {
    await startOrExplain(app, await app.clusters.connect(), target, localPort);
  } catch (error) {
    void showFailure(app, error);
  }
}
