import * as vscode from 'vscode';
import { recordingContext } from '../cluster/clusters.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/**
 * Lets the demo cluster replay a file that *Record Cluster* wrote. A file that cannot be replayed says why, and the chosen
 * cluster stays.
 * @param target path of the file, to open it without asking.
 */
export const openRecording = defineCommand<[file: string]>(commandIds.openRecording, async (app, target) => {
  const file = typeof target === 'string' ? target : await pickFile();
  if (file === undefined) return; // the user pressed Escape: not an error
  const { readRecordedFile } = await import('../demo/demo-cluster.ts');
  // Read before it is chosen: what is no recording shall not take the place of what is open.
  await readRecordedFile(file);
  await app.clusters.choose(recordingContext(file));
});

async function pickFile(): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: vscode.l10n.t('Open Recording'),
    openLabel: vscode.l10n.t('Replay'),
    filters: { [vscode.l10n.t('Recordings')]: ['json', 'gz'], [vscode.l10n.t('All files')]: ['*'] },
  });
  return picked?.[0]?.fsPath;
}
