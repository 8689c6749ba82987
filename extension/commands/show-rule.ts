import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { listCniHazards } from '../../mesh/cni/hazards.ts';
import { commandIds } from '../ids.ts';
import { showPage } from '../panels/markdown-page.ts';
import { findCodePage, findRulePage, listRulePages } from '../rule-pages.ts';
import { defineCommand } from './define-command.ts';
import { pick } from '../pick.ts';

/** Shows what triggers a rule and why it matters, good and bad side by side. The code of every diagnostic leads here. */
export const showRule = defineCommand<[string | { code?: string }]>(commandIds.showRule, async (app, target) => {
  const id = typeof target === 'object' ? target.code : target;
  const hazard = typeof id === 'string' ? await findHazardPage(app, id) : undefined;
  if (hazard !== undefined) {
    await showPage(app, `cni/${id}`, hazard);
    return hazard;
  }
  const text = await readFile(app.context.asAbsolutePath('docs/rules.md'), 'utf8');
  const chosen = typeof id === 'string' ? id : await pickRule(text);
  if (chosen === undefined) return undefined; // the user pressed Escape: not an error
  const page = findRulePage(text, chosen);
  if (page === undefined) throw new Error(vscode.l10n.t('There is no rule “{0}” in this version of Meshloom.', chosen));
  await showPage(app, `rules/${chosen}`, page);
  return page;
});

/** What can be wrong with a node's CNI chain has pages of its own; a code that has none there is shown in short. */
async function findHazardPage(app: App, code: string): Promise<string | undefined> {
  const hazard = listCniHazards().find((known) => known.code === code);
  if (!hazard) return undefined;
  const pages = await readFile(app.context.asAbsolutePath('docs/cni-hazards.md'), 'utf8').catch(() => '');
  return findCodePage(pages, code) ?? `# ${hazard.code}: ${hazard.title}\n\n${hazard.whatToDo}\n`;
}

async function pickRule(text: string): Promise<string | undefined> {
  const items = listRulePages(text).map(({ id, code, level }) => ({ label: id, description: `${code} · ${level}` }));
  const picked = await pick(items, {
    title: vscode.l10n.t('Rules'),
    placeHolder: vscode.l10n.t('Rule to read about'),
    matchOnDescription: true,
  });
  return picked?.label;
}
