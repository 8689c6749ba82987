import * as vscode from 'vscode';

/** A notification with a Cancel button whose press aborts the signal. */
export async function withAbortableProgress<T>(
  title: string,
  work: (progress: vscode.Progress<{ message?: string; increment?: number }>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const stop = new AbortController();
      const subscription = token.onCancellationRequested(() => stop.abort(new vscode.CancellationError()));
      return await work(progress, stop.signal).finally(() => subscription.dispose());
    },
  );
}
