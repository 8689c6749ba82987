import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { ClusterContext } from '../cluster/cluster.ts';
import type { KubeconfigProblem } from '../cluster/kubeconfig.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { pick, type Choice } from '../pick.ts';

interface ChoiceItem extends Choice {
  context?: ClusterContext;
  problem?: KubeconfigProblem;
}

/**
 * Lets the user choose a state of the demo cluster or a context of the kubeconfig. Reads files, contacts nobody.
 * @param target the id of a context, `demo:with-cni`, to choose it without asking.
 */
export const chooseCluster = defineCommand<[target: string]>(commandIds.chooseCluster, async (app, target) => {
  const { contexts, problems } = await app.clusters.listContexts();
  if (typeof target === 'string') {
    const context = contexts.find(({ id }) => id === target);
    if (!context) throw new Error(vscode.l10n.t('There is no cluster “{0}”. Choose one from the list.', target));
    return await app.clusters.choose(context);
  }
  const picked = await pick(listItems(app, contexts, problems), {
    title: vscode.l10n.t('Choose Cluster'),
    placeHolder: vscode.l10n.t('Nothing is contacted until a view or a command needs it'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked?.problem) return await openProblem(picked.problem);
  if (picked?.context) await app.clusters.choose(picked.context);
});

function listItems(app: App, contexts: ClusterContext[], problems: KubeconfigProblem[]): ChoiceItem[] {
  const separator = (label: string): ChoiceItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const item = (context: ClusterContext): ChoiceItem => {
    const isChosen = context.id === app.clusters.chosen.id;
    return {
      icon: isChosen ? 'check' : context.kind === 'demo' ? 'beaker' : 'plug',
      label: context.name,
      context,
      ...(isChosen && { description: vscode.l10n.t('chosen') }),
      ...(context.description && { detail: context.description }),
    };
  };
  const own = contexts.filter(({ kind }) => kind === 'kubeconfig');
  return [
    separator(vscode.l10n.t('Demo cluster')),
    ...contexts.filter(({ kind }) => kind === 'demo').map(item),
    separator(vscode.l10n.t('kubeconfig')),
    ...own.map(item),
    ...problems.map((problem): ChoiceItem => ({
      icon: 'warning',
      label: vscode.l10n.t('Open file'),
      description: problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`,
      detail: problem.message,
      alwaysShow: own.length === 0,
      problem,
    })),
  ];
}

async function openProblem({ file, line, message }: KubeconfigProblem): Promise<void> {
  const uri = vscode.Uri.file(file);
  const exists = await vscode.workspace.fs.stat(uri).then(
    ({ type }) => (type & vscode.FileType.File) !== 0,
    () => false,
  );
  if (exists) {
    const position = new vscode.Position((line ?? 1) - 1, 0);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(position, position) });
    return;
  }
  const openSettings = vscode.l10n.t('Open Settings');
  const picked = await vscode.window.showWarningMessage(message, openSettings);
  if (picked === openSettings)
    await vscode.commands.executeCommand('workbench.action.openSettings', 'meshloom.cluster.kubeconfig');
}
