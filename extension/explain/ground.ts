import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import { settingIds } from '../ids.ts';

/** What files are explained on: a cluster that lies under them, or nothing, with the reason. */
export interface Ground {
  cluster?: Cluster;
  /** Where the objects come from, for a person. */
  origin: string;
}

/**
 * The chosen cluster under the files of the window: not the demo, which is nobody's mesh, and not where the user turned
 * that off. A cluster that does not answer is left out; what the files tell is explained all the same.
 */
export async function groundOfFiles({ clusters, log }: App): Promise<Ground> {
  const { chosen } = clusters;
  const isWanted = vscode.workspace.getConfiguration().get<boolean>(settingIds.liveCluster, true);
  if (chosen.kind === 'demo' || !isWanted)
    return { origin: vscode.l10n.t('From the files of this window; no cluster was asked.') };
  try {
    const cluster = await clusters.connect();
    return { cluster, origin: vscode.l10n.t('From the files of this window, over cluster {0}.', chosen.name) };
  } catch (error) {
    return { origin: withoutCluster(chosen.name, error, log) };
  }
}

/** The files alone, because the cluster failed. */
export function withoutCluster(name: string, error: unknown, log: App['log']): string {
  if (!(error instanceof ClusterFailure)) throw error;
  log.warn(error.message);
  return vscode.l10n.t('From the files of this window alone: cluster {0} gave no answer. {1}', name, error.message);
}
