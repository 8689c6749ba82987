import * as vscode from 'vscode';
import type { App } from './app.ts';
import { ClusterFailure } from './cluster/cluster.ts';
import { commandIds, settingIds } from './ids.ts';
import { literalText } from './trees/literal-text.ts';

/** Every error the user sees in a notification goes through here: what happened, why, what to do next, and the log. */
export async function showFailure(app: App, error: unknown): Promise<void> {
  if (error instanceof ClusterFailure && error.reason === 'cancelled') return;
  if (error instanceof vscode.CancellationError) return;
  app.log.error(error instanceof Error ? error : String(error));
  const chooseCluster = vscode.l10n.t('Choose Cluster');
  const openSettings = vscode.l10n.t('Open Settings');
  const showLog = vscode.l10n.t('Show Log');
  const message = describeFailure(error);
  const picked = await vscode.window.showErrorMessage(
    message,
    ...(error instanceof ClusterFailure ? [chooseCluster] : []),
    ...(error instanceof ClusterFailure && error.reason === 'protected' ? [openSettings] : []),
    showLog,
  );
  if (picked === openSettings)
    await vscode.commands.executeCommand('workbench.action.openSettings', settingIds.protectedContexts);
  if (picked === chooseCluster) await vscode.commands.executeCommand(commandIds.chooseCluster);
  if (picked === showLog) app.log.show();
}

/**
 * One line for a person. Notifications make links of `[words](command:…)`, and run the command: what a server says must not
 * be one.
 */
export function describeFailure(error: unknown): string {
  return literalText(wordsOf(error), 2_000).replaceAll('](', '] (');
}

function wordsOf(error: unknown): string {
  if (error instanceof ClusterFailure) return `${error.message} ${error.next}`.trim();
  return error instanceof Error ? error.message : String(error);
}
