import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { ChainPlace } from './cni-chain-state.ts';
import { textsOf, type ShownPlan } from './cni-plan-view.ts';

const scheme = 'meshloom-cni-plan';

const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();
let provider: vscode.Disposable | undefined;

/** Opens a planned file in the editor's own diff view: as it stands on the node, and as it would. */
export async function openPlanDiff(
  app: App,
  { node, context }: ChainPlace,
  plan: ShownPlan,
  file: string,
): Promise<void> {
  register(app);
  const [before, after] = textsOf(plan, file);
  const uriOf = (side: 'before' | 'after', text: string) => {
    // JSON whatever the file is called, so that the editor colours it.
    const uri = vscode.Uri.from({ scheme, path: `/${node}/${side}/${file}.json`, query: context });
    texts.set(uri.toString(), text);
    changed.fire(uri);
    return uri;
  };
  await vscode.commands.executeCommand(
    'vscode.diff',
    uriOf('before', before),
    uriOf('after', after),
    vscode.l10n.t('{0} on {1}: now ↔ planned', file, node),
    { preview: true },
  );
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
