import * as vscode from 'vscode';

const scheme = 'meshloom-preview';
const texts = new Map<string, string>();
let registered = false;

/**
 * Opens a text beside nothing and above nothing: read-only, never dirty, gone when closed.
 * @param name as the tab shows it; its ending chooses the language.
 * @param options.keep the next text that is shown so does not take its tab.
 */
export async function showReadonly(
  context: vscode.ExtensionContext,
  name: string,
  text: string,
  { keep = false }: { keep?: boolean } = {},
): Promise<void> {
  if (!registered) {
    registered = true;
    const provider = {
      // Nothing for a text of the other bundle, which has a provider of its own: the editor then asks that one.
      provideTextDocumentContent: (uri: vscode.Uri) => texts.get(uri.path),
      onDidChange: changed.event,
    };
    context.subscriptions.push(vscode.workspace.registerTextDocumentContentProvider(scheme, provider));
  }
  const uri = vscode.Uri.from({ scheme, path: `/${name}` });
  texts.set(uri.path, text);
  changed.fire(uri);
  await vscode.window.showTextDocument(uri, { preview: !keep });
}

const changed = new vscode.EventEmitter<vscode.Uri>();
