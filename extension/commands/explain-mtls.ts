import type { WorkloadReference } from '../../contract/language-server.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** Which mutual TLS holds, and why: of the tree, of the manifest under the cursor, or picked. */
export const explainMtls = defineCommand<[WorkloadReference]>(commandIds.explainMtls, async (app, target) => {
  const { showMtls } = await import('../inspection.ts');
  return showMtls(app, target);
});
