import * as vscode from 'vscode';
import { commandIds } from '../ids.ts';

/** Of our pages: explanations, rules, a proxy's configuration. */
export const pageScheme = 'meshloom-page';

/** Which command makes a page, by the first part of its path. */
const makers: Record<string, string> = {
  cni: commandIds.showRule,
  injection: commandIds.explainInjection,
  mtls: commandIds.explainMtls,
  proxy: commandIds.showProxyConfig,
  rules: commandIds.showRule,
};

/**
 * A window that is loaded again brings the previews of our pages back, and nobody remembers what they said: it may no longer
 * hold either. They say so, until the page is made anew.
 */
export function keepPages({ extension }: vscode.ExtensionContext): vscode.Disposable {
  const { contributes } = extension.packageJSON as { contributes: { commands: { command: string; title: string }[] } };
  return vscode.workspace.registerTextDocumentContentProvider(pageScheme, {
    provideTextDocumentContent: ({ path }) => {
      const maker = makers[path.split('/')[1] ?? ''];
      const title = contributes.commands.find(({ command }) => command === maker)?.title ?? '';
      return vscode.l10n.t(
        'This page was made before the window was loaded again, and what it said may no longer hold. Ask again: “Mesh: {0}”.',
        title,
      );
    },
  });
}
