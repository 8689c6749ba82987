import { basename } from 'node:path';
import * as vscode from 'vscode';
import { literalText } from '../trees/literal-text.ts';
import { createLoginTerminal, type LoginTerminal, type OpenedTerminal, type TerminalStart } from './login-terminal.ts';

/** A terminal of the editor for a login program; undefined on Windows, where no shell is sure to take arguments as they are. */
export function editorLoginTerminal(): LoginTerminal | undefined {
  return process.platform === 'win32' ? undefined : createLoginTerminal(openTerminal);
}

function openTerminal({ program, user, shellPath, shellArgs, env, cwd, mayTakeFocus }: TerminalStart): OpenedTerminal {
  const terminal = vscode.window.createTerminal({
    name: literalText(vscode.l10n.t('Login: {0} ({1})', basename(program), user)),
    iconPath: new vscode.ThemeIcon('key'),
    // It must not come back with the window: the one who waits for it is gone then.
    isTransient: true,
    // Nothing that the editor adds to its terminals.
    strictEnv: true,
    ...{ shellPath, shellArgs, env, cwd },
  });
  const closed = new Promise<void>((resolve) => {
    const following = vscode.window.onDidCloseTerminal((other) => {
      if (other !== terminal) return;
      following.dispose();
      resolve();
    });
  });
  terminal.show(!mayTakeFocus);
  return { closed, close: () => terminal.dispose() };
}
