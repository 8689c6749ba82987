import { commandIds } from '../ids.ts';
import { revealPodInTree } from '../trees/index.ts';
import { defineCommand } from './define-command.ts';

/** Selects a pod in Workloads; a node of another tree, or its names, say which. */
export const revealPod = defineCommand<[{ namespace: string; name: string }]>(
  commandIds.revealPod,
  async (app, pod) => {
    if (pod) await revealPodInTree(app, pod);
  },
);
