import * as vscode from 'vscode';
import type { App } from '../app.ts';

const scheme = 'meshloom-diff';
const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();
let provider: vscode.Disposable | undefined;

/** Two texts in the editor's own diff view, read-only. @param diff.name of the file they would be; its ending is the language. */
export async function showTextDiff(
  app: App,
  { name, before, after, title }: { name: string; before: string; after: string; title: string },
): Promise<void> {
  provider ??= register(app);
  const [left, right] = (['before', 'after'] as const).map((side) => {
    const uri = vscode.Uri.from({ scheme, path: `/${side}/${name}` });
    texts.set(uri.toString(), side === 'before' ? before : after);
    changed.fire(uri);
    return uri;
  });
  await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
}

function register(app: App): vscode.Disposable {
  const all = vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? '',
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === scheme) texts.delete(uri.toString());
    }),
  );
  app.context.subscriptions.push(all);
  return all;
}
