import * as vscode from 'vscode';
import type { App } from '../../app.ts';
import { settingIds } from '../../ids.ts';
import { readNames } from './namespace-names.ts';

const memoryKey = 'meshloom.chosenNamespaces';

/**
 * The namespaces that the views follow in place of the whole cluster, for each context: as chosen in this workspace, else as
 * the setting has them. The kubeconfig is neither asked nor changed.
 */
export class ChosenNamespaces {
  readonly #app: App;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;

  constructor(app: App) {
    this.#app = app;
  }

  /** Of the chosen cluster; empty: all. */
  get current(): readonly string[] {
    const { id, name } = this.#app.clusters.chosen;
    const remembered = this.#remembered()[id];
    if (remembered !== undefined) return readNames(remembered);
    const setting = vscode.workspace.getConfiguration().get<Record<string, unknown>>(settingIds.namespaces);
    return readNames(setting?.[name]);
  }

  /** For the chosen cluster, in this workspace. @param names empty: all, whatever the setting says. */
  async set(names: readonly string[]): Promise<void> {
    const { id } = this.#app.clusters.chosen;
    await this.#app.context.workspaceState.update(memoryKey, { ...this.#remembered(), [id]: readNames(names) });
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #remembered(): Record<string, unknown> {
    return this.#app.context.workspaceState.get<Record<string, unknown>>(memoryKey) ?? {};
  }
}

const known = new WeakMap<App, ChosenNamespaces>();

/** One for each window. */
export function chosenNamespaces(app: App): ChosenNamespaces {
  let chosen = known.get(app);
  if (!chosen) known.set(app, (chosen = new ChosenNamespaces(app)));
  return chosen;
}
