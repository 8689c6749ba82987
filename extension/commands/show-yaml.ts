import type * as vscode from 'vscode';
import type { TreeTarget } from '../actions/pod-targets.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Shows an object as read-only YAML, or reads the document in front again. */
export const showYamlCommand = defineCommand<[target: TreeTarget | vscode.Uri]>(
  commandIds.showYaml,
  async (app, target) => (await loadInspection()).showYaml(app, target),
);

/** Unfolds the managedFields of the document in front, or folds them away again. */
export const toggleManagedFieldsCommand = defineCommand<[target: vscode.Uri]>(
  commandIds.toggleManagedFields,
  async (app, target) => (await loadInspection()).toggleManagedFields(app, target as vscode.Uri | undefined),
);
