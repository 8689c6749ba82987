import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { commandIds, viewIds } from '../ids.ts';
import { namespacesInTree } from '../trees/index.ts';
import { readFilter, type TreeFilter } from '../trees/workloads/tree-filter.ts';
import { workloadsFilter } from '../trees/workloads/workloads-filter.ts';
import { defineCommand } from './define-command.ts';
import { pick, type Choice } from '../pick.ts';

interface FilterItem extends Choice {
  run: () => Promise<void>;
}

/**
 * Filters Workloads by name, namespace, or what has a problem. Asks the cluster nothing.
 * @param target a whole filter, to set it without asking.
 */
export const filterWorkloads = defineCommand<[target: TreeFilter]>(commandIds.filterWorkloads, async (app, target) => {
  const filter = workloadsFilter(app);
  // From a view's title comes the selected node, or nothing.
  if (isFilter(target)) return await filter.set(readFilter(target));
  const { name, namespaces = [], onlyProblems } = filter.current;
  const items: FilterItem[] = [
    {
      icon: 'search',
      label: vscode.l10n.t('Name…'),
      description: name ?? '',
      detail: vscode.l10n.t('Part of the name of a workload or a pod'),
      run: () => askName(app),
    },
    {
      icon: 'symbol-namespace',
      label: vscode.l10n.t('Namespaces…'),
      description: namespaces.join(', '),
      run: () => askNamespaces(app),
    },
    {
      icon: onlyProblems ? 'check' : 'warning',
      label: vscode.l10n.t('Only problems'),
      description: onlyProblems ? vscode.l10n.t('on') : '',
      detail: vscode.l10n.t(
        'What has an error or a warning, may not create pods, or would be otherwise after a restart',
      ),
      run: () => filter.set({ ...filter.current, onlyProblems: !onlyProblems }),
    },
    { icon: 'clear-all', label: vscode.l10n.t('Clear'), run: () => filter.set({}) },
  ];
  const picked = await pick(items, { title: vscode.l10n.t('Filter Workloads') });
  if (!picked) return; // the user pressed Escape: not an error
  await picked.run();
  // From the palette the view may not be in sight.
  await vscode.commands.executeCommand(`${viewIds.workloads}.focus`);
});

/** Shows everything again. */
export const clearWorkloadsFilter = defineCommand(
  commandIds.clearWorkloadsFilter,
  async (app) => await workloadsFilter(app).set({}),
);

async function askName(app: App): Promise<void> {
  const filter = workloadsFilter(app);
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('Filter Workloads'),
    prompt: vscode.l10n.t('Part of the name of a workload or a pod'),
    value: filter.current.name ?? '',
  });
  if (name !== undefined) await filter.set({ ...filter.current, name });
}

async function askNamespaces(app: App): Promise<void> {
  const filter = workloadsFilter(app);
  const { namespaces = [] } = filter.current;
  const names = [...new Set([...namespacesInTree(app), ...namespaces])].sort();
  const picked = await pick(
    names.map((label) => ({ label, picked: namespaces.includes(label) })),
    { title: vscode.l10n.t('Filter Workloads'), canPickMany: true, placeHolder: vscode.l10n.t('None chosen: all') },
  );
  if (picked) await filter.set({ ...filter.current, namespaces: picked.map(({ label }) => label) });
}

function isFilter(value: unknown): value is TreeFilter {
  return (
    typeof value === 'object' &&
    value !== null &&
    !('id' in value) &&
    /name|onlyProblems/.test(Object.keys(value).join())
  );
}
