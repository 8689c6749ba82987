import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { describeLogin, type LoginWait } from '../cluster/login-wait.ts';
import { literalText } from './literal-text.ts';
import type { TreeStore } from './store/tree-store.ts';

/**
 * A login that takes its time is told of in the tree that waits for it; where a command waits for it, or a tree whose data
 * are there already, in a notification that can cancel it.
 * @param isLookedAt whether one of the trees is.
 */
export function followLogin({ clusters }: App, store: TreeStore, isLookedAt: () => boolean): vscode.Disposable {
  let told: { report: (login: LoginWait) => void; end: () => void } | undefined;
  const show = (first: LoginWait) => {
    const options = {
      location: vscode.ProgressLocation.Notification,
      cancellable: true,
      title: literalText(describeLogin(first)),
    };
    void vscode.window.withProgress(options, (progress, cancel) => {
      cancel.onCancellationRequested(() => clusters.login?.cancel());
      return new Promise<void>((resolve) => {
        const report = ({ says }: LoginWait) => progress.report({ message: plain(says) });
        told = { report, end: resolve };
        report(first);
      });
    });
  };
  return clusters.onLogin(() => {
    const { login } = clusters;
    store.noteLogin(login);
    if (!login) {
      told?.end();
      told = undefined;
    } else if (told) told.report(login);
    else if (!(isLookedAt() && store.login)) show(login);
  });
}

/** Notifications make links of `[words](command:…)`: a program that was named by a file must not have one. */
function plain(text: string): string {
  return literalText(text, 500).replaceAll('](', '] (');
}
