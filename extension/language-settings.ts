import * as vscode from 'vscode';
import type { LanguageServerSettings } from '../contract/language-server.ts';
import { settingIds } from './ids.ts';

/** Languages whose documents are manifests, or may be. */
export const manifestLanguages = ['yaml', 'json', 'jsonc'];

/** What the editor hides (`files.exclude`) is not analysed, either. Globs that depend on a neighbour (`when`) are left to the eye. */
function hiddenFiles(): string[] {
  const globs = vscode.workspace.getConfiguration('files').get<Record<string, unknown>>('exclude', {});
  return Object.keys(globs).filter((glob) => globs[glob] === true);
}

/** The settings that the server is told, at the start and whenever they change. */
export function languageServerSettings(): LanguageServerSettings {
  const settings = vscode.workspace.getConfiguration();
  return {
    strictness: settings.get<'strict' | 'lenient'>(settingIds.strictness, 'lenient'),
    exclude: [...settings.get<string[]>(settingIds.exclude, []), ...hiddenFiles()],
    codeLens: settings.get<boolean>(settingIds.codeLens, true),
  };
}
