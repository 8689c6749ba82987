import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import type { LanguageServerOptions } from '../contract/language-server.ts';
import type { App } from './app.ts';
import { languageServerSettings, manifestLanguages } from './language-settings.ts';

/** Starts `dist/language-server.js` as a process of its own: a bad file cannot stall the editor. Returns how to stop it. */
export async function startLanguageClient(app: App): Promise<() => Promise<void>> {
  const { context, log } = app;
  const module = context.asAbsolutePath('dist/language-server.js');
  const options: LanguageServerOptions = {
    ...(vscode.l10n.bundle && { strings: vscode.l10n.bundle as Record<string, string> }),
    settings: languageServerSettings(),
  };
  const client = new LanguageClient(
    'meshloom',
    'Meshloom',
    {
      run: { module, transport: TransportKind.ipc },
      debug: { module, transport: TransportKind.ipc, options: { execArgv: ['--inspect=6009'] } },
    },
    {
      documentSelector: manifestLanguages.flatMap((language) => [
        { scheme: 'file', language },
        { scheme: 'untitled', language },
      ]),
      initializationOptions: options,
      outputChannel: log,
      diagnosticCollectionName: 'meshloom',
    },
  );
  await client.start();
  const layer = app.layer.attach((method, value) => void client.sendNotification(method, value));
  const changed = vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration('meshloom') && !change.affectsConfiguration('files.exclude')) return;
    void client.sendNotification('workspace/didChangeConfiguration', { settings: languageServerSettings() });
  });
  return async () => {
    layer.dispose();
    changed.dispose();
    await client.dispose();
  };
}
