import type { Diagnostic } from 'vscode-languageserver';
import { isClusterUri } from '../engine/resource-index.ts';
import { toDiagnostic } from '../features/diagnostics.ts';
import type { Workspace } from '../workspace.ts';

/** How long rules are asked before messages get their turn again, in milliseconds: a keystroke may be among them. */
export const slice = 15;

/** Sends what is wrong to the editor: of the files in which something changed, and only when it is something else than before. */
export class Publisher {
  private readonly workspace: Workspace;
  private readonly clientUri: (uri: string) => string;
  private readonly send: (uri: string, diagnostics: Diagnostic[]) => void;
  private readonly published = new Map<string, string>();
  private readonly log: (message: string) => void;
  private planned: NodeJS.Timeout | undefined;
  /** Since when rules have been asked that did not fit into one slice. */
  private busySince: number | undefined;

  constructor(
    workspace: Workspace,
    clientUri: (uri: string) => string,
    send: (uri: string, diagnostics: Diagnostic[]) => void,
    log: (message: string) => void,
  ) {
    this.log = log;
    this.workspace = workspace;
    this.clientUri = clientUri;
    this.send = send;
  }

  /** Messages that are already waiting (a burst of keys, a batch of file events) are taken in first. */
  publishSoon(): void {
    this.planned ??= setTimeout(() => {
      this.planned = undefined;
      // What was typed last was done first: it need not wait for the rest.
      const started = performance.now();
      const isDone = this.workspace.work(slice);
      if (isDone) this.tellEnd();
      else {
        this.busySince ??= started;
        this.publishSoon();
      }
      this.publish();
    });
  }

  private tellEnd(): void {
    if (this.workspace.isHeld) return;
    if (this.busySince !== undefined)
      this.log(`asked all rules in ${Math.round(performance.now() - this.busySince)} ms`);
    this.busySince = undefined;
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
