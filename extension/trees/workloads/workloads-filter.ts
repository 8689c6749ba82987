import * as vscode from 'vscode';
import type { App } from '../../app.ts';
import { contextKeys } from '../../ids.ts';
import { isFiltering, readFilter, type TreeFilter } from './tree-filter.ts';

const memoryKey = 'meshloom.workloadsFilter';

/** The filter of the Workloads view, as this workspace remembers it. */
export class WorkloadsFilter {
  readonly #app: App;
  readonly #changed = new vscode.EventEmitter<TreeFilter>();
  readonly onDidChange = this.#changed.event;
  #filter: TreeFilter;

  constructor(app: App) {
    this.#app = app;
    this.#filter = readFilter(app.context.workspaceState.get(memoryKey));
    void this.#tell();
  }

  get current(): TreeFilter {
    return this.#filter;
  }

  async set(filter: TreeFilter): Promise<void> {
    this.#filter = readFilter(filter);
    await this.#app.context.workspaceState.update(memoryKey, this.#filter);
    await this.#tell();
    this.#changed.fire(this.#filter);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  async #tell(): Promise<void> {
    await vscode.commands.executeCommand('setContext', contextKeys.workloadsFiltered, isFiltering(this.#filter));
  }
}

const filters = new WeakMap<App, WorkloadsFilter>();

/** One for each window. */
export function workloadsFilter(app: App): WorkloadsFilter {
  const known = filters.get(app);
  if (known) return known;
  const made = new WorkloadsFilter(app);
  filters.set(app, made);
  return made;
}
