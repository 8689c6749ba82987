/** What a CNI command is about: a node of the tree, nodes that the caller names, or all of them. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { CniMode } from '../../contract/cni-plugin.ts';
import { ClusterFailure, type Cluster, type ClusterContext } from '../cluster/cluster.ts';
import { listTargetNodes, type TargetNode } from './ask-nodes.ts';
import { listed } from './describe-outcomes.ts';
import { pick, type Choice } from '../pick.ts';

/** What tree, palette (nothing) or another program hands over. */
export interface CniTarget {
  /** `Node`: it comes from the tree, and `name` is the node's. */
  kind?: string;
  name?: string;
  nodes?: string[];
  mode?: CniMode;
  /** The caller has asked already: what is done is shown, the questions are not asked. */
  confirmed?: boolean;
  /** The plan of the one node is shown by who asks for it; the objects that change with it are shown all the same. */
  shownElsewhere?: boolean;
  /** For how long the first node is watched, in milliseconds. */
  settleMs?: number;
}

/** The nodes that are meant. @throws ClusterFailure when there is none. */
export async function chooseNodes(cluster: Cluster, target: CniTarget | undefined): Promise<TargetNode[]> {
  const all = await listTargetNodes(cluster);
  const named = target?.nodes ?? (target?.kind === 'Node' && target.name !== undefined ? [target.name] : undefined);
  const nodes = named ? all.filter(({ name }) => named.includes(name)) : all;
  if (nodes.length > 0) return nodes;
  throw new ClusterFailure(
    'not-found',
    named
      ? vscode.l10n.t('Context “{0}” has no Linux node {1}.', cluster.context.name, listed(named))
      : vscode.l10n.t('Context “{0}” has no Linux node.', cluster.context.name),
    vscode.l10n.t('Choose another cluster, or refresh the view.'),
  );
}

/** Undefined: the user pressed Escape. */
export async function chooseMode(target: CniTarget | undefined): Promise<CniMode | undefined> {
  if (target?.mode) return target.mode;
  if (target?.confirmed) return 'chained';
  const items = (['chained', 'standalone'] as const).map((mode) => ({
    label: mode === 'chained' ? vscode.l10n.t('Chained') : vscode.l10n.t('Stand-alone'),
    detail:
      mode === 'chained'
        ? vscode.l10n.t('Last in the list in force: it runs for every pod of the node. Only nodes change.')
        : vscode.l10n.t('A file of its own, for Multus or Galaxy to call: they and the injector are told to, too.'),
    mode,
  }));
  const picked = await pick(items, {
    title: vscode.l10n.t('How the CNI plugin is called'),
    placeHolder: vscode.l10n.t('Chained fits every cluster without a delegating plugin'),
    ignoreFocusOut: true,
  });
  return picked?.mode;
}

/** Nodes that cannot be changed, with the reason, are named; the person goes on with others, or not at all. */
export async function chooseAmong(
  title: string,
  willing: readonly string[],
  refusing: readonly { node: string; why: string }[],
): Promise<string[] | undefined> {
  const items = [
    ...willing.map((node): Choice & { node?: string } => ({ label: node, picked: true, node })),
    ...(refusing.length > 0
      ? [{ label: vscode.l10n.t('Not possible'), kind: vscode.QuickPickItemKind.Separator }]
      : []),
    ...refusing.map(({ node, why }) => ({ icon: 'circle-slash', label: node, detail: why })),
  ];
  const picked = await pick(items, {
    title,
    placeHolder: vscode.l10n.t('Nodes to go on with'),
    canPickMany: true,
    ignoreFocusOut: true,
  });
  const nodes = picked?.flatMap((item) => ('node' in item && item.node !== undefined ? [item.node] : []));
  return nodes && nodes.length > 0 ? nodes : undefined;
}

/** A modal question whose only other answer is Cancel. It ends with the server that would be written to. */
export async function agree(
  { server, name }: ClusterContext,
  question: string,
  words: string,
  button: string,
): Promise<boolean> {
  const detail = [words, vscode.l10n.t('API server: {0}.', server ?? name)].join('\n\n');
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, button)) === button;
}

/** Says it at its weight, and in the log. */
export function say(app: App, severity: 'information' | 'warning' | 'error', message: string): void {
  if (severity === 'information') app.log.info(message);
  else app.log.warn(message);
  const show =
    severity === 'information'
      ? vscode.window.showInformationMessage
      : severity === 'warning'
        ? vscode.window.showWarningMessage
        : vscode.window.showErrorMessage;
  void show(message);
}
