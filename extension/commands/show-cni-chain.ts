import * as vscode from 'vscode';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import type { CniAction, CniActionResult } from '../../contract/cni-plugin.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { defineCommand } from './define-command.ts';
import { pickName } from '../pick.ts';

/** A node of the tree, or who has made a plan for it and wants it shown. */
export interface ChainTarget {
  name: string;
  plan?: CniActionResult;
  action?: CniAction;
  /** The plan was carried out. */
  done?: boolean;
}

/** The CNI chain of a node as a page: files, plugins and their versions, problems, pods that hang on it, plans. */
export const showCniChainCommand = defineCommand<[ChainTarget]>(commandIds.showCniChain, async (app, target) => {
  const cluster = await app.clusters.connect();
  const node = target?.name ?? (await chooseNode(cluster));
  if (node === undefined) return undefined; // the user pressed Escape: not an error
  const { showCniChain } = await import('../inspection.ts');
  const { plan, action = 'plan', done = false } = target ?? {};
  return showCniChain(app, cluster, node, plan && { result: plan, action, done });
});

async function chooseNode(cluster: Cluster): Promise<string | undefined> {
  const { items } = await cluster.list<KubernetesObject>(resourceTypes.nodes);
  const names = items.flatMap(({ metadata }) => metadata?.name ?? []).sort();
  if (names.length === 0)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t('Cluster {0} has no node whose chain could be shown.', cluster.context.name),
      vscode.l10n.t('Choose a cluster with nodes.'),
    );
  if (names.length === 1) return names[0];
  return pickName(names, {
    title: vscode.l10n.t('Nodes of cluster {0}', cluster.context.name),
    placeHolder: vscode.l10n.t('Node whose CNI chain to show'),
  });
}
