import type { WorkloadReference } from '../../contract/language-server.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** Why a pod, or the pods of a workload, are injected or not: of the tree, of the manifest under the cursor, or picked. */
export const explainInjection = defineCommand<[WorkloadReference]>(commandIds.explainInjection, async (app, target) => {
  const { showInjection } = await import('../inspection.ts');
  return showInjection(app, target);
});
