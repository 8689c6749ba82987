import * as vscode from 'vscode';
import type { App } from './app.ts';
import { manifestLanguages } from './language-settings.ts';

/**
 * Starts the language server with the first manifest that is open, now or later. Not at activation: a window that only
 * looks at trees pays nothing for it.
 */
export function startLanguageClientWhenNeeded(app: App): vscode.Disposable {
  let stop: (() => Promise<void>) | undefined;
  let disposed = false;
  const start = async () => {
    opened.dispose();
    try {
      const { startLanguageClient } = await import('./language-client.ts');
      stop = await startLanguageClient(app);
      if (disposed) await stop();
    } catch (error) {
      app.log.error(error instanceof Error ? error : String(error));
      const showLog = vscode.l10n.t('Show Log');
      const message = vscode.l10n.t(
        'Manifests are not checked: the language server did not start. Reload the window to try again.',
      );
      if ((await vscode.window.showErrorMessage(message, showLog)) === showLog) app.log.show();
    }
  };
  const opened = vscode.workspace.onDidOpenTextDocument((document) => {
    if (isManifestLanguage(document)) void start();
  });
  if (vscode.workspace.textDocuments.some(isManifestLanguage)) setImmediate(() => void start());
  return new vscode.Disposable(() => {
    disposed = true;
    opened.dispose();
    void stop?.();
  });
}

function isManifestLanguage({ languageId, uri }: vscode.TextDocument): boolean {
  return (uri.scheme === 'file' || uri.scheme === 'untitled') && manifestLanguages.includes(languageId);
}
