import * as vscode from 'vscode';
import { read, report } from './eyes.ts';

/**
 * What one activation takes, by the editor's own account (*Developer: Show Running Extensions*): loading the bundle and
 * `activate()`. Nothing has activated us before.
 */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension('meshloom.meshloom');
  if (!extension || extension.isActive) {
    await report({ milliseconds: Number.NaN, loaded: [extension ? 'was active already' : 'is not installed'] });
    return;
  }
  await extension.activate();
  const loaded = Object.keys(require.cache).filter((file) =>
    /dist[\\/](app|kubernetes|language-client)\.js$/.test(file),
  );
  await vscode.commands.executeCommand('workbench.action.showRuntimeExtensions');
  const row = await read({ selector: '.runtime-extensions-editor .monaco-list-row', text: 'Meshloom' });
  const milliseconds = Number(/(\d+)\s*ms/.exec(row)?.[1]);
  await report({ milliseconds, loaded: Number.isNaN(milliseconds) ? [row] : loaded });
}
