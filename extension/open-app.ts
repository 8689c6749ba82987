/**
 * Door to the chunk that holds all but what activation needs: commands, trees, panels, tools, the demo cluster. One bundle,
 * so that they share their modules; what is behind an `import()` in it is evaluated when it is first used.
 */
import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import type { Activation, App, OpenApp } from './app.ts';
import { createClusters } from './cluster/clusters.ts';
import { keptForwardsKey } from './actions/kept-forwards-key.ts';
import { watchAgentSettings } from './cni/settings-notice.ts';
import { runCommand } from './commands/define-command.ts';
import { commands } from './commands/index.ts';
import { registerTrees } from './trees/index.ts';

/** What commands and panels do; evaluated when first asked for. */
export const inspect = () => import('./inspection.ts');

/** Contacts nobody: that is for the command that asks, and for the trees while somebody looks. */
export async function openApp({ context, log, layer, language, views }: Activation): Promise<OpenApp> {
  if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });
  const app: App = { context, log, layer, language, clusters: createClusters(context, log) };
  context.subscriptions.push(registerTrees(app, views), watchAgentSettings(app));
  if (context.workspaceState.get(keptForwardsKey)) void inspect().then(({ offerForwards }) => offerForwards(app));
  const byId = new Map(commands.map((command) => [command.id, command]));
  return {
    app,
    runCommand: (id, target) => runCommand(app, byId.get(id)!, target),
    async restorePanel(type, panel, kept) {
      const { restoreInterception, restoreCniChain, restoreServicePath } = await inspect();
      const restore = { interception: restoreInterception, cniChain: restoreCniChain, servicePath: restoreServicePath };
      restore[type](app, panel, kept);
    },
    openTool: async (name) => (await inspect()).openTool(app, language, name),
  };
}
