import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { findingsRequest, objectsRequest } from '../contract/language-server.ts';
import type {
  FindingsReply,
  LanguageServerOptions,
  ObjectsReply,
  ObjectsRequest,
} from '../contract/language-server.ts';
import { yamlScheme } from './actions/yaml-scheme.ts';
import type { App } from './app.ts';
import { commandIds } from './ids.ts';
import { languageServerSettings, manifestLanguages } from './language-settings.ts';

export interface RunningLanguageClient {
  stop(): Promise<void>;
  /** What is wrong in a file that is open or lies in a folder of the window. */
  findings(uri: string, token: vscode.CancellationToken): Promise<FindingsReply>;
  /** What the files of the window define. */
  objects(request: ObjectsRequest): Promise<ObjectsReply>;
}

/** Starts `dist/language-server.js` as a process of its own: a bad file cannot stall the editor. */
export async function startLanguageClient(app: Pick<App, 'context' | 'log' | 'layer'>): Promise<RunningLanguageClient> {
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
        { scheme: yamlScheme, language },
      ]),
      initializationOptions: options,
      outputChannel: log,
      diagnosticCollectionName: 'meshloom',
      middleware: {
        handleDiagnostics: (uri, diagnostics, next) => {
          for (const diagnostic of diagnostics) linkToRule(diagnostic);
          next(uri, diagnostics);
        },
      },
    },
  );
  await client.start();
  const layer = app.layer.attach((method, value) => void client.sendNotification(method, value));
  const changed = vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration('meshloom') && !change.affectsConfiguration('files.exclude')) return;
    void client.sendNotification('workspace/didChangeConfiguration', { settings: languageServerSettings() });
  });
  return {
    async stop() {
      layer.dispose();
      changed.dispose();
      await client.dispose();
    },
    findings: (uri, token) => client.sendRequest<FindingsReply>(findingsRequest, { uri }, token),
    objects: (request) => client.sendRequest<ObjectsReply>(objectsRequest, request),
  };
}

/** The code of a diagnostic opens its rule's page, which is here without a network. */
function linkToRule(diagnostic: vscode.Diagnostic): void {
  const { data } = diagnostic as { data?: { rule?: unknown } };
  const { code } = diagnostic;
  if (typeof data?.rule === 'string' && typeof code === 'object')
    diagnostic.code = { value: code.value, target: ruleLink(data.rule) };
}

/** Runs the command that shows the page. */
function ruleLink(id: string): vscode.Uri {
  return vscode.Uri.parse(`command:${commandIds.showRule}?${encodeURIComponent(JSON.stringify([id]))}`);
}
