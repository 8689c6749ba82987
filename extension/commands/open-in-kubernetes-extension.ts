import type { TreeTarget } from '../actions/pod-targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Hands an object over to the Kubernetes extension, for what that one does better. */
export const openInKubernetesCommand = defineCommand<[target: TreeTarget]>(
  commandIds.openInKubernetesExtension,
  async (app, target) => (await loadInspection()).openInKubernetesExtension(app, target),
);
