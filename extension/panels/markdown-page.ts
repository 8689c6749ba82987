import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { pageScheme as scheme } from './kept-pages.ts';

const keptPages = 30;
const pages = new Map<string, string>();
let provider: { dispose(): void; changed: vscode.EventEmitter<vscode.Uri> } | undefined;

/**
 * Shows a text of ours, read-only: rendered where the editor can, else as it is.
 * @param path of the page, e.g. `injection/shop/Pod/reviews`; the same path again is the same page, renewed.
 */
export async function showPage(app: App, path: string, markdown: string): Promise<void> {
  provider ??= providePages(app);
  const uri = vscode.Uri.from({ scheme, path: `/${path}.md` });
  // A preview outlives the document that it was made of, so a text is kept until many newer ones have come.
  pages.delete(uri.toString());
  pages.set(uri.toString(), markdown);
  const [oldest] = pages.keys();
  if (pages.size > keptPages && oldest !== undefined) pages.delete(oldest);
  provider.changed.fire(uri);
  try {
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  } catch {
    // The Markdown extension is built in, but it can be turned off.
    await vscode.window.showTextDocument(uri, { preview: true });
  }
}

function providePages(app: App): { dispose(): void; changed: vscode.EventEmitter<vscode.Uri> } {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const registration = vscode.workspace.registerTextDocumentContentProvider(scheme, {
    onDidChange: changed.event,
    // Nothing for one of before the window was loaded again: kept-pages.ts has words for that.
    provideTextDocumentContent: (uri) => pages.get(uri.toString()),
  });
  const dispose = () => {
    registration.dispose();
    changed.dispose();
    pages.clear();
    provider = undefined;
  };
  app.context.subscriptions.push({ dispose });
  return { dispose, changed };
}
