import * as vscode from 'vscode';
import type { FindingsReply, ObjectsReply, ObjectsRequest } from '../contract/language-server.ts';
import { yamlScheme } from './actions/yaml-scheme.ts';
import type { Activation } from './app.ts';
import type { RunningLanguageClient } from './language-client.ts';
import { manifestLanguages } from './language-settings.ts';

/** The language server, as far as commands and tools ask it. */
export interface LanguageSupport extends vscode.Disposable {
  /** What is wrong in a document, once everything that was read has been judged. Starts the server when it does not run. */
  findings(document: vscode.TextDocument, token: vscode.CancellationToken): Promise<FindingsReply>;
  /** What the files of the window define, those that are being typed included. Starts the server when it does not run. */
  objects(request: ObjectsRequest): Promise<ObjectsReply>;
}

/**
 * Starts the language server with the first manifest that is open, now or later. Not at activation: a window that only
 * looks at trees pays nothing for it.
 */
export function startLanguageClientWhenNeeded(app: Omit<Activation, 'language' | 'views'>): LanguageSupport {
  let running: Promise<RunningLanguageClient> | undefined;
  const start = () => {
    opened.dispose();
    running ??= import('./language-client.ts').then(({ startLanguageClient }) => startLanguageClient(app));
    return running;
  };
  const startInBackground = async () => {
    try {
      await start();
    } catch (error) {
      await tellItDidNotStart(app, error);
    }
  };
  const opened = vscode.workspace.onDidOpenTextDocument((document) => {
    if (isManifestLanguage(document)) void startInBackground();
  });
  if (vscode.workspace.textDocuments.some(isManifestLanguage)) setImmediate(() => void startInBackground());
  return {
    async findings(document, token) {
      if (!isManifestLanguage(document)) return {};
      return (await start()).findings(document.uri.toString(), token);
    },
    objects: async (request) => (await start()).objects(request),
    dispose() {
      opened.dispose();
      void running?.then((client) => client.stop()).catch(() => undefined);
    },
  };
}

async function tellItDidNotStart({ log }: Pick<Activation, 'log'>, error: unknown): Promise<void> {
  log.error(error instanceof Error ? error : String(error));
  const showLog = vscode.l10n.t('Show Log');
  const message = vscode.l10n.t(
    'Manifests are not checked: the language server did not start. Reload the window to try again.',
  );
  if ((await vscode.window.showErrorMessage(message, showLog)) === showLog) log.show();
}

function isManifestLanguage({ languageId, uri }: vscode.TextDocument): boolean {
  return ['file', 'untitled', yamlScheme].includes(uri.scheme) && manifestLanguages.includes(languageId);
}
