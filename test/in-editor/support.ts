import * as vscode from 'vscode';
import type { App } from '../../extension/app.ts';
import { readAll } from './eyes.ts';

/** The running extension, opened. */
export async function activated(): Promise<App> {
  const extension = vscode.extensions.getExtension<{ open(): Promise<App> }>('meshloom.meshloom');
  if (!extension) throw new Error('meshloom.meshloom is not installed in this window.');
  return (await extension.activate()).open();
}

/** Asks again until the answer is not undefined, false or an empty list. */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      last = answer;
      if (answer && !(Array.isArray(answer) && answer.length === 0)) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`Did not happen within ${timeoutMs} ms: ${what}. Last seen: ${seen}`);
    }
    await pause(50);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export function workspaceFolder(): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('The window has no workspace folder.');
  return folder.uri;
}

export const ours = (uri: vscode.Uri) =>
  vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'meshloom');

export function codeOf({ code }: vscode.Diagnostic): string {
  return String(typeof code === 'object' ? code.value : code);
}

const row = '.part.sidebar .monaco-list-row';

/** What a person sees in the side bar now, a line a row. */
export async function visibleRows(): Promise<string[]> {
  return (await readAll({ selector: row })).map((text) => text.replace(/\s+/g, ' ').trim());
}

/**
 * Walks through a whole tree with the arrow keys, unfolding it, and reads every row that comes into sight: only those are
 * in the page.
 */
export async function readTree(view: string): Promise<string[]> {
  await vscode.commands.executeCommand(`${view}.focus`);
  await vscode.commands.executeCommand('list.focusFirst');
  const seen = new Set<string>();
  for (let quiet = 0, step = 0; quiet < 12 && step < 150; step++) {
    await vscode.commands.executeCommand('list.expand');
    await pause(25);
    const before = seen.size;
    for (const text of await visibleRows()) seen.add(text);
    quiet = seen.size > before ? 0 : quiet + 1;
    await vscode.commands.executeCommand('list.focusDown');
  }
  await vscode.commands.executeCommand('list.focusFirst');
  return [...seen];
}

export async function setTheme(theme: 'light' | 'dark'): Promise<void> {
  const name = theme === 'light' ? 'Default Light Modern' : 'Default Dark Modern';
  await vscode.workspace.getConfiguration('workbench').update('colorTheme', name, vscode.ConfigurationTarget.Global);
  await pause(700);
}
