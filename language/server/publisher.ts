import type { Diagnostic } from 'vscode-languageserver';
import { isClusterUri } from '../engine/resource-index.ts';
import { toDiagnostic } from '../features/diagnostics.ts';
import type { Workspace } from '../workspace.ts';

/** How long rules are asked before messages get their turn again, in milliseconds: a keystroke may be among them. */
export const slice = 30;

/** Sends what is wrong to the editor: of the files in which something changed, and only when it is something else than before. */
export class Publisher {
  private readonly workspace: Workspace;
  private readonly clientUri: (uri: string) => string;
  private readonly send: (uri: string, diagnostics: Diagnostic[]) => void;
  private readonly published = new Map<string, string>();
  private planned: NodeJS.Timeout | undefined;

  constructor(
    workspace: Workspace,
    clientUri: (uri: string) => string,
    send: (uri: string, diagnostics: Diagnostic[]) => void,
  ) {
    this.workspace = workspace;
    this.clientUri = clientUri;
    this.send = send;
  }

  /** Messages that are already waiting (a burst of keys, a batch of file events) are taken in first. */
  publishSoon(): void {
    this.planned ??= setTimeout(() => {
      this.planned = undefined;
      // What was typed last was done first: it need not wait for the rest.
      if (!this.workspace.work(slice)) this.publishSoon();
      this.publish();
    });
  }

  private publish(): void {
    for (const uri of this.workspace.takeChangedFiles()) {
      // What is in the cluster is no file that an editor could show it in.
      if (!isClusterUri(uri)) this.publishFile(uri);
    }
  }

  private publishFile(uri: string): void {
    const diagnostics = this.workspace.findingsIn(uri).map((report) => toDiagnostic(report, this.clientUri));
    const content = JSON.stringify(diagnostics);
    if ((this.published.get(uri) ?? '[]') === content) return;
    if (diagnostics.length > 0) this.published.set(uri, content);
    else this.published.delete(uri);
    this.send(this.clientUri(uri), diagnostics);
  }
}
