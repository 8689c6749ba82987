import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { resourceTypes } from '../cluster/cluster.ts';
import { listProjects, mostNamespaces } from '../cluster/readable-namespaces.ts';
import { commandIds } from '../ids.ts';
import { chosenNamespaces } from '../trees/store/chosen-namespaces.ts';
import { allNamespaces } from '../trees/index.ts';
import { parseNames } from '../trees/store/namespace-names.ts';
import { defineCommand } from './define-command.ts';
import { pick } from '../pick.ts';

interface NameItem extends vscode.QuickPickItem {
  name?: string;
}

/**
 * The namespaces that the views follow, for the chosen context: in place of a cluster that is too large, or may not be read
 * as a whole. The kubeconfig stays as it is.
 * @param target the names, to set them without asking; none: all namespaces.
 */
export const chooseNamespaces = defineCommand<[target: string[]]>(commandIds.chooseNamespaces, async (app, target) => {
  const chosen = chosenNamespaces(app);
  if (Array.isArray(target) && target.every((name) => typeof name === 'string')) return await chosen.set(target);
  const names = await listNames(app);
  const picked = names.length === 0 ? await typeNames(app, chosen.current) : await pickNames(app, names);
  if (picked) await chosen.set(picked);
});

/** What the views know already; else the cluster is asked. Empty: they may not be listed. */
async function listNames(app: App): Promise<string[]> {
  const known = allNamespaces(app);
  if (known.length > 0) return known;
  const location = { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Listing namespaces…') };
  return await vscode.window.withProgress(location, async () => {
    const cluster = await app.clusters.connect();
    try {
      const { items } = await cluster.list(resourceTypes.namespaces, { timeoutMs: 5_000 });
      return items.flatMap(({ metadata }) => metadata?.name ?? []);
    } catch {
      return await listProjects(cluster);
    }
  });
}

async function pickNames(app: App, names: string[]): Promise<string[] | undefined> {
  const { current } = chosenNamespaces(app);
  const items: NameItem[] = [...new Set([...current, ...names])].sort().map((name) => ({
    label: name,
    name,
    picked: current.includes(name),
  }));
  items.push({
    label: vscode.l10n.t('Other Namespaces…'),
    detail: vscode.l10n.t('For those that cannot be listed'),
    alwaysShow: true,
  });
  const picked = await pick(items, {
    title: vscode.l10n.t('Namespaces of {0}', app.clusters.chosen.name),
    canPickMany: true,
    placeHolder: vscode.l10n.t('None chosen: all that you may read. At most {0}.', mostNamespaces),
  });
  if (!picked) return undefined;
  const ticked = picked.flatMap(({ name }) => name ?? []);
  return picked.some(({ name }) => name === undefined) ? await typeNames(app, ticked) : ticked;
}

async function typeNames(app: App, current: readonly string[]): Promise<string[] | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Namespaces of {0}', app.clusters.chosen.name),
    prompt: vscode.l10n.t('Names with commas between them; empty: all that you may read'),
    value: current.join(', '),
    validateInput: (value) => {
      const { names, wrong } = parseNames(value);
      if (wrong.length > 0) return vscode.l10n.t('No name of a namespace: {0}', wrong.join(', '));
      return names.length > mostNamespaces ? vscode.l10n.t('At most {0} namespaces are followed.', mostNamespaces) : '';
    },
  });
  return text === undefined ? undefined : parseNames(text).names;
}
