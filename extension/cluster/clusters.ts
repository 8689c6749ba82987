import * as vscode from 'vscode';
import type { Cluster, ClusterContext } from './cluster.ts';

/**
 * The chosen cluster. Choosing contacts nobody; {@link Clusters.connect} loads the client (and starts the demo server)
 * when a view or a command first needs it.
 */
export interface Clusters {
  /** The chosen one; the demo cluster until the user chooses another. */
  readonly chosen: ClusterContext;
  readonly onDidChoose: vscode.Event<ClusterContext>;
  /** All that can be chosen: the demo's states, then the kubeconfig's contexts. Reads files, contacts nobody. */
  listContexts(): Promise<{ contexts: ClusterContext[]; problem?: string }>;
  choose(context: ClusterContext): Promise<void>;
  connect(): Promise<Cluster>;
}
