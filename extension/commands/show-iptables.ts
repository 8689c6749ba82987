import { defineCommand } from './define-command.ts';
import { commandIds } from '../ids.ts';
import { choosePod, type PodNode } from '../panels/pick-pod.ts';
import type { WorkloadReference } from '../../contract/language-server.ts';

/** The rules in a pod's network namespace, explained: from the tree, from a workload's code lens, or from the palette. */
export const showIptables = defineCommand<[PodNode | WorkloadReference]>(
  commandIds.showIptables,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    const pod = await choosePod(cluster, target);
    if (!pod) return undefined; // the user pressed Escape: not an error
    const { showInterception } = await import('../inspection.ts');
    return showInterception(app, cluster, pod);
  },
);
