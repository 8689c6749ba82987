import * as vscode from 'vscode';
import type { LanguageServerSettings } from '../contract/language-server.ts';
import type { App } from './app.ts';
import { settingIds } from './ids.ts';

/** Languages whose documents are manifests, or may be. */
export const manifestLanguages = ['yaml', 'json', 'jsonc'];

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
      const message = vscode.l10n.t('Manifests are not checked: the language server did not start. Reload the window to try again.');
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

/** The settings that the server is told, at the start and whenever they change. */
export function languageServerSettings(): LanguageServerSettings {
  const settings = vscode.workspace.getConfiguration();
  return {
    strictness: settings.get<'strict' | 'lenient'>(settingIds.strictness, 'lenient'),
    exclude: settings.get<string[]>(settingIds.exclude, []),
    codeLens: settings.get<boolean>(settingIds.codeLens, true),
  };
}

function isManifestLanguage({ languageId, uri }: vscode.TextDocument): boolean {
  return (uri.scheme === 'file' || uri.scheme === 'untitled') && manifestLanguages.includes(languageId);
}
