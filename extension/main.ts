import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import type { App } from './app.ts';
import { createClusters } from './cluster/clusters.ts';
import { watchAgentSettings } from './cni/settings-notice.ts';
import { registerCommands } from './commands/define-command.ts';
import { commands } from './commands/index.ts';
import { noticeKubernetesExtension } from './hand-over/notice-kubernetes-extension.ts';
import { webviewTypes } from './ids.ts';
import { startLanguageClientWhenNeeded } from './language-support.ts';
import { LayerHub } from './live-layer/layer-hub.ts';
import { registerTools } from './tools/register-tools.ts';
import { registerTrees } from './trees/index.ts';

/**
 * Registers; contacts nobody and reads nothing. The Kubernetes client, the demo cluster and the language client are
 * chunks of their own that the first view, command or manifest loads.
 */
export function activate(context: vscode.ExtensionContext): App {
  const log = vscode.window.createOutputChannel('Meshloom', { log: true });
  if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });
  const parts = { context, log, clusters: createClusters(context, log), layer: new LayerHub() };
  const language = startLanguageClientWhenNeeded(parts);
  const app: App = { ...parts, language };
  context.subscriptions.push(
    log,
    language,
    registerCommands(app, commands),
    registerTrees(app),
    registerTools(app, language),
    watchAgentSettings(app),
    noticeKubernetesExtension(),
    vscode.window.registerWebviewPanelSerializer(webviewTypes.interception, {
      deserializeWebviewPanel: async (panel, kept) =>
        (await import('./inspection.ts')).restoreInterception(app, panel, kept),
    }),
    vscode.window.registerWebviewPanelSerializer(webviewTypes.cniChain, {
      deserializeWebviewPanel: async (panel, kept) =>
        (await import('./inspection.ts')).restoreCniChain(app, panel, kept),
    }),
    vscode.window.registerWebviewPanelSerializer(webviewTypes.servicePath, {
      deserializeWebviewPanel: async (panel, kept) =>
        (await import('./inspection.ts')).restoreServicePath(app, panel, kept),
    }),
  );
  return app;
}
