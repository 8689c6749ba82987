import * as vscode from 'vscode';

/** Lets the person choose a file for a text and writes it. @returns the file; undefined when none was chosen. */
export async function saveText(name: string, text: string): Promise<vscode.Uri | undefined> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const file = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Save Rules'),
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder.uri, name.replace(/[^\w.-]+/g, '-')) }),
    filters: { [vscode.l10n.t('Packet rules')]: ['rules', 'txt'], [vscode.l10n.t('All files')]: ['*'] },
  });
  if (!file) return undefined;
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  vscode.window.setStatusBarMessage(vscode.l10n.t('Saved {0}', vscode.workspace.asRelativePath(file)), 3000);
  return file;
}
