/** Plans in the editor: a summary, and every distinct change as a diff. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { describePlans, type PlanSubject } from './describe-plans.ts';
import { listed } from './describe-outcomes.ts';
import type { FileChange, NodePlans } from './node-plans.ts';

const scheme = 'meshloom-cni';
const texts = new Map<string, string>();
let registered = false;
let shows = 0;

/** What was put before the person. */
export interface ShownPlans {
  /** The summary's text. */
  summary: string;
  /** How many files differ, each distinct change counted once. */
  changes: number;
  /** Brings the diff to the front again, after something else was shown. */
  reveal: () => Promise<void>;
}

/** What changes in the cluster itself. */
export interface ClusterChanges {
  changes: readonly FileChange[];
  /** As Markdown, for the summary's end. */
  says: string;
}

/**
 * Opens the summary and, where something changes, one editor with all changes.
 * @param more objects in the cluster whose change belongs to the plan.
 */
export async function showPlans(
  app: App,
  plans: NodePlans,
  subject: PlanSubject,
  more: ClusterChanges = { changes: [], says: '' },
): Promise<ShownPlans> {
  registerOnce(app);
  const run = ++shows;
  const summary = [describePlans(plans, subject), more.says].filter(Boolean).join('\n');
  await showReadonly(app.context, `meshloom-cni-${subject.action}.md`, summary, { keep: true });
  const groups = plans.groups.filter(({ changes }) => changes.length > 0);
  const changes = [
    ...groups.flatMap(({ nodes, changes: files }, group) =>
      files.map((change) => ({ place: `${run}.${group}`, label: listed(nodes, 3), change })),
    ),
    ...more.changes.map((change) => ({ place: `${run}.wiring`, label: subject.context, change })),
  ];
  const resources = changes.map(({ place, label, change }) => resourceOf(place, label, change));
  const title = titleOf(subject);
  if (resources.length > 0) {
    await vscode.commands.executeCommand('vscode.changes', title, resources);
    // What is shown next must not take its tab: a person compares until they agree.
    await vscode.commands.executeCommand('workbench.action.keepEditor');
  }
  const reveal = async () => {
    const at = vscode.window.tabGroups.activeTabGroup.tabs.findLastIndex(({ label }) => label.startsWith(title));
    if (at >= 0) await vscode.commands.executeCommand('workbench.action.openEditorAtIndex', at);
  };
  return { summary, changes: changes.length, reveal };
}

function titleOf({ action, context }: PlanSubject): string {
  switch (action) {
    case 'install':
      return vscode.l10n.t('Install CNI Plugin: {0}', context);
    case 'repair':
      return vscode.l10n.t('Repair CNI Chain: {0}', context);
    case 'uninstall':
      return vscode.l10n.t('Uninstall CNI Plugin: {0}', context);
  }
}

/** Label, before, after: as `vscode.changes` takes them. */
function resourceOf(place: string, label: string, { path, before, after }: FileChange) {
  const uri = (side: string, text: string | undefined) => {
    if (text === undefined) return undefined;
    const at = vscode.Uri.from({ scheme, path: `/${label}${path}`, query: `${place}.${side}` });
    texts.set(at.toString(), text);
    return at;
  };
  return [vscode.Uri.from({ scheme, path: `/${label}${path}` }), uri('before', before), uri('after', after)];
}

function registerOnce(app: App): void {
  if (registered) return;
  registered = true;
  const provider = { provideTextDocumentContent: (uri: vscode.Uri) => texts.get(uri.toString()) ?? '' };
  app.context.subscriptions.push(
    vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === scheme) texts.delete(uri.toString());
    }),
  );
}
