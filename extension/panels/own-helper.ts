import type * as vscode from 'vscode';
import { readHelperProgram } from '../node-helper/program.ts';

/** Hash of the node helper that this extension ships: another one's answer is noticed by it. */
export async function ownHelperHash({ extensionUri }: vscode.ExtensionContext): Promise<string> {
  return (await readHelperProgram(extensionUri.fsPath)).hash;
}

/** The version of this extension. */
export function ownVersion({ extension }: vscode.ExtensionContext): string {
  return String((extension.packageJSON as { version?: unknown }).version);
}
