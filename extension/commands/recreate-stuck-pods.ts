import * as vscode from 'vscode';
import { offerRecreation, type Recreation } from '../cni/recreate.ts';
import { chooseNodes, type CniTarget } from '../cni/targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** Lists the pods that hang on the nodes’ networks, and deletes those that the person picks and a controller makes again. */
export const recreateStuckPods = defineCommand<[target: CniTarget]>(
  commandIds.recreateStuckPods,
  async (app, target): Promise<Recreation> => {
    const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Recreate Stuck Pods') });
    const nodes = await chooseNodes(cluster, target);
    return await offerRecreation(
      app,
      cluster,
      nodes.map(({ name }) => name),
      { wait: false, confirmed: target?.confirmed === true },
    );
  },
);
