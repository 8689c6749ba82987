import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { showFailure } from '../failures.ts';

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

/** Registers them all. A command that throws shows why, in one place, with what to do next. */
export function registerCommands(app: App, commands: readonly Command[]): vscode.Disposable {
  return vscode.Disposable.from(
    ...commands.map(({ id, run }) =>
      vscode.commands.registerCommand(id, (...target: unknown[]) =>
        run(app, ...target).catch((error: unknown) => showFailure(app, error)),
      ),
    ),
  );
}
