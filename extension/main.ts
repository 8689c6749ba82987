import * as vscode from 'vscode';
import { keptForwardsKey } from './actions/kept-forwards-key.ts';
import type { Activation, App, OpenApp } from './app.ts';
import { noticeKubernetesExtension } from './hand-over/notice-kubernetes-extension.ts';
import { commandIds, webviewTypes, type WebviewType } from './ids.ts';
import { startLanguageClientWhenNeeded } from './language-support.ts';
import { LayerHub } from './live-layer/layer-hub.ts';
import { keepPages } from './panels/kept-pages.ts';
import { registerTools } from './tools/register-tools.ts';
import { offerViews } from './trees/view-places.ts';

/**
 * Registers; contacts nobody and reads nothing. The rest of the extension, the Kubernetes client and the language client are
 * chunks of their own that the first view, command or manifest loads.
 *
 * @returns what opens the rest.
 */
export function activate(context: vscode.ExtensionContext): { open(): Promise<App> } {
  const log = vscode.window.createOutputChannel('Meshloom', { log: true });
  const layer = new LayerHub();
  const language = startLanguageClientWhenNeeded({ context, log, layer });
  const views = offerViews(() => open());
  const open = opener({ context, log, layer, language, views });
  context.subscriptions.push(
    log,
    language,
    ...Object.values(views),
    ...Object.values(commandIds).map((id) =>
      vscode.commands.registerCommand(id, async (...target: unknown[]) => (await open()).runCommand(id, target)),
    ),
    registerTools(open),
    noticeKubernetesExtension(),
    keepPages(context),
    ...Object.entries(webviewTypes).map(([type, id]) =>
      vscode.window.registerWebviewPanelSerializer(id, {
        deserializeWebviewPanel: async (panel, kept) => (await open()).restorePanel(type as WebviewType, panel, kept),
      }),
    ),
  );
  // Ports were forwarded when the window was closed or loaded again: somebody may still rely on them.
  if (context.workspaceState.get(keptForwardsKey)) void open().catch(() => undefined); // it was logged
  return { open: async () => (await open()).app };
}

/** Once; whoever asks meanwhile waits for the same. What cannot be opened is tried again by the next who asks. */
function opener(activation: Activation): () => Promise<OpenApp> {
  let opening: Promise<OpenApp> | undefined;
  return () => {
    opening ??= import('./open-app.ts')
      .then(({ openApp }) => openApp(activation))
      .catch((error: unknown) => {
        opening = undefined;
        activation.log.error(error instanceof Error ? error : String(error));
        throw error;
      });
    return opening;
  };
}
