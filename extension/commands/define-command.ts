import type { App } from '../app.ts';
import { showFailure } from '../failures.ts';
import { isExplorerNode } from '../hand-over/explorer-node.ts';

export interface Command {
  id: string;
  run: (app: App, ...target: unknown[]) => Promise<unknown>;
}

/**
 * A command: it chooses its target, asks the cluster, lets `mesh/` think, and shows. `target` is what the tree, the code
 * lens or the palette (nothing) hands over.
 */
export function defineCommand<Target extends unknown[]>(
  id: string,
  run: (app: App, ...target: Partial<Target>) => Promise<unknown>,
): Command {
  return { id, run: run as Command['run'] };
}

/** A command that throws shows why, in one place, with what to do next. */
export function runCommand(app: App, command: Command, target: unknown[]): Promise<unknown> {
  return runAimed(app, command, target).catch((error: unknown) => showFailure(app, error));
}

/** A node of the Kubernetes extension's tree is made one of ours first. */
async function runAimed(app: App, { id, run }: Command, target: unknown[]): Promise<unknown> {
  if (!isExplorerNode(target[0])) return await run(app, ...target);
  const { takeExplorerNode } = await import('../inspection.ts');
  const aimed = await takeExplorerNode(app, id, target[0]);
  return aimed && (await run(app, aimed));
}
