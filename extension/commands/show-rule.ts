import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { commandIds } from '../ids.ts';
import { showPage } from '../panels/markdown-page.ts';
import { findRulePage, listRulePages } from '../rule-pages.ts';
import { defineCommand } from './define-command.ts';

/** Shows what triggers a rule and why it matters, good and bad side by side. The code of every diagnostic leads here. */
export const showRule = defineCommand<[string]>(commandIds.showRule, async (app, id) => {
  const text = await readFile(app.context.asAbsolutePath('docs/rules.md'), 'utf8');
  const chosen = typeof id === 'string' ? id : await pickRule(text);
  if (chosen === undefined) return undefined; // the user pressed Escape: not an error
  const page = findRulePage(text, chosen);
  if (page === undefined) throw new Error(vscode.l10n.t('There is no rule “{0}” in this version of Meshloom.', chosen));
  await showPage(app, `rules/${chosen}`, page);
  return page;
});

async function pickRule(text: string): Promise<string | undefined> {
  const items = listRulePages(text).map(({ id, code, level }) => ({ label: id, description: `${code} · ${level}` }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Rules'),
    placeHolder: vscode.l10n.t('Rule to read about'),
    matchOnDescription: true,
  });
  return picked?.label;
}
