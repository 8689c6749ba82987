import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';

/** What to record without asking; what is absent is asked for. */
export interface RecordTarget {
  /** Empty: all namespaces. */
  namespace?: string;
  anonymize?: boolean;
  /** Path of the file to write. */
  file?: string;
}

/** Writes a snapshot of the chosen cluster to a file, after showing what it will hold. */
export const recordClusterCommand = defineCommand<[RecordTarget]>(commandIds.recordCluster, async (app, target) => {
  const { recordCluster } = await import('../inspection.ts');
  return recordCluster(app, await app.clusters.connect(), target ?? {});
});
