import { chooseMode, chooseNodes, type CniTarget } from '../cni/targets.ts';
import { showPlans } from '../cni/show-plans.ts';
import { mountDirectories, offerHelper, planClusterChanges, planOnNodes } from '../cni/work.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** Shows what installing the CNI plugin would change on each node. Writes nothing, on no node and not in the cluster. */
export const planCniInstallation = defineCommand<[target: CniTarget]>(
  commandIds.planCniInstallation,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    const nodes = await chooseNodes(cluster, target);
    const mode = await chooseMode(target);
    if (!mode) return undefined; // the user pressed Escape: not an error
    if (!(await mountDirectories(app, cluster, target?.confirmed === true))) return undefined;
    const names = nodes.map(({ name }) => name);
    const { plans } = await planOnNodes(cluster, names, 'install', mode);
    if (offerHelper(app, plans)) return undefined;
    const { changes, says } = await planClusterChanges(cluster, plans, mode);
    const { summary, changes: count } = await showPlans(
      app,
      plans,
      { context: cluster.context.name, action: 'install', mode },
      { changes, says },
    );
    return { summary, changes: count };
  },
);
