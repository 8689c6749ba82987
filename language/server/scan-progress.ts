import * as l10n from '@vscode/l10n';
import type { Connection, WorkDoneProgressServerReporter } from 'vscode-languageserver';

/** Who waits longer than this wants to know for what, in milliseconds. */
const patience = 1_000;

/** Shows that folders are being read, when that takes long, with a button that stops it. */
export class ScanProgress {
  private readonly timer: NodeJS.Timeout;
  private reporter: WorkDoneProgressServerReporter | undefined;
  private manifests = 0;
  private isOver = false;

  /** @param stop called when the user has had enough. */
  constructor(connection: Connection, stop: () => void) {
    this.timer = setTimeout(() => {
      connection.window.createWorkDoneProgress().then(
        (reporter) => {
          // An editor that shows no progress is given a reporter all the same, which does nothing.
          if (this.isOver) return;
          this.reporter = reporter;
          reporter.begin(l10n.t('Meshloom reads manifests'), undefined, this.text(), true);
          reporter.token.onCancellationRequested(stop);
        },
        (error: unknown) => connection.console.error(String(error)),
      );
    }, patience);
  }

  read(manifests: number): void {
    this.manifests = manifests;
    this.reporter?.report(this.text());
  }

  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.reporter?.done();
  }

  private text(): string {
    return l10n.t('{0} so far', this.manifests);
  }
}
