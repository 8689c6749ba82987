import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { ReadingView } from '../../contract/interception-view.ts';
import type { PodPlace } from './interception-state.ts';

const scheme = 'meshloom-rules';

const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();
let provider: vscode.Disposable | undefined;

/** Opens what the tool printed as a read-only document; the same reading opened again is the same document, renewed. */
export async function showRulesDocument(app: App, pod: PodPlace, reading: ReadingView): Promise<vscode.TextEditor> {
  register(app);
  const uri = vscode.Uri.from({
    scheme,
    path: `/${pod.name} ${reading.id}.rules`,
    query: `${pod.context}/${pod.namespace}`,
  });
  texts.set(uri.toString(), reading.raw);
  changed.fire(uri);
  const document = await vscode.workspace.openTextDocument(uri);
  return vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true });
}

/** Registered with the first document, not at activation. */
function register(app: App): void {
  if (provider) return;
  provider = vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === scheme) texts.delete(uri.toString());
    }),
  );
  app.context.subscriptions.push(provider);
}
