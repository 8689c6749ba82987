/** A shell in a container, in a terminal of the editor. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, type Cluster, type TerminalSession } from '../cluster/cluster.ts';
import { describeFailure } from '../failures.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { literalText } from '../trees/literal-text.ts';
import { addShellContainer, offerShellContainer, type ShellPlace } from './shell-container.ts';

/** Small, with `sh`, and on most registries’ mirrors; the person may name another. */
const usualImage = 'busybox:stable';

/** In one go where there is `sh`: bash if there is one, it is friendlier. Else what an image without `sh` may have. */
const shells = [
  ['/bin/sh', '-c', 'if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi'],
  ['bash'],
  ['ash'],
  ['/busybox/sh'],
];

/** Opens the terminal; it closes with the shell, or when the person closes it. */
export function openShellTerminal(app: App, cluster: Cluster, place: ShellPlace): vscode.Terminal {
  const terminal = vscode.window.createTerminal({
    name: literalText(vscode.l10n.t('{0}/{1} ({2})', place.name, place.container, cluster.context.name)),
    iconPath: new vscode.ThemeIcon('terminal'),
    isTransient: true,
    pty: new ShellPseudoterminal(app, cluster, place),
  });
  terminal.show();
  return terminal;
}

class ShellPseudoterminal implements vscode.Pseudoterminal {
  readonly #writes = new vscode.EventEmitter<string>();
  readonly #closes = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.#writes.event;
  readonly onDidClose = this.#closes.event;
  readonly #app: App;
  readonly #cluster: Cluster;
  #place: ShellPlace;
  readonly #stop = new AbortController();
  #session: TerminalSession | undefined;
  #size = { columns: 80, rows: 24 };
  /** What was typed before the shell was there. */
  #early = '';
  #ended: { exitCode?: number; lacksShell?: boolean } | undefined;

  constructor(app: App, cluster: Cluster, place: ShellPlace) {
    this.#app = app;
    this.#cluster = cluster;
    this.#place = place;
  }

  open(size: vscode.TerminalDimensions | undefined): void {
    if (size) this.setDimensions(size);
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    this.#session?.close();
  }

  setDimensions({ columns, rows }: vscode.TerminalDimensions): void {
    this.#size = { columns, rows };
    this.#session?.resize(columns, rows);
  }

  handleInput(data: string): void {
    if (this.#ended?.lacksShell && data.toLowerCase() === 'd') void this.#offerContainer();
    else if (this.#ended) this.#closes.fire(this.#ended.exitCode ?? 0);
    else if (this.#session) this.#session.write(data);
    else if (data === '\u0003') this.#closes.fire(0);
    else this.#early = (this.#early + data).slice(0, 4096);
  }

  async #run(): Promise<void> {
    try {
      const exitCode = await this.#runFirstShell();
      if (this.#stop.signal.aborted) return;
      if (exitCode === 0) return this.#closes.fire(0);
      this.#finish(
        exitCode === undefined
          ? vscode.l10n.t('The session has ended.')
          : vscode.l10n.t('The shell has ended with exit code {0}.', exitCode),
        exitCode,
      );
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#app.log.error(error instanceof Error ? error : String(error));
      this.#finish(describeFailure(error));
      if (!(error instanceof NoShell)) return;
      this.#ended = { lacksShell: true };
      this.#say(vscode.l10n.t('Press d to add a debug container that has one.'));
    }
  }

  /** Shows what would be added and asks; the terminal goes on in it. */
  async #offerContainer(): Promise<void> {
    this.#ended = {};
    try {
      const image = await vscode.window.showInputBox({
        title: vscode.l10n.t('Image of the debug container'),
        prompt: vscode.l10n.t('It needs “sh” and “sleep”.'),
        value: usualImage,
        ignoreFocusOut: true,
      });
      const offer = image?.trim() && (await offerShellContainer(this.#cluster, this.#place, image.trim()));
      if (!offer || !(await this.#agree(offer.question, offer.detail, offer.preview)))
        return this.#finish(vscode.l10n.t('Nothing was added.'));
      this.#say(vscode.l10n.t('Waiting for the debug container “{0}” to start', offer.place.container));
      await addShellContainer(this.#cluster, offer, this.#stop.signal);
      this.#place = offer.place;
      this.#ended = undefined;
      await this.#run();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#app.log.error(error instanceof Error ? error : String(error));
      this.#finish(describeFailure(error));
    }
  }

  async #agree(question: string, detail: string, preview: string): Promise<boolean> {
    await showReadonly(this.#app.context, 'meshloom-shell.yaml', preview);
    const add = vscode.l10n.t('Add');
    return (await vscode.window.showWarningMessage(question, { modal: true, detail }, add)) === add;
  }

  #say(text: string): void {
    this.#writes.fire(`\u001b[2;3m── ${text}\u001b[0m\r\n`);
  }

  #finish(text: string, exitCode?: number): void {
    this.#session = undefined;
    this.#ended = exitCode === undefined ? {} : { exitCode };
    const hint = vscode.l10n.t('Press any key to close.');
    this.#writes.fire(`\r\n\u001b[2;3m── ${text.replaceAll(/\s*\n\s*/g, ' ')} ${hint}\u001b[0m\r\n`);
  }

  /** @throws ClusterFailure when the container has none of the shells, or cannot be reached. */
  async #runFirstShell(): Promise<number | undefined> {
    for (const command of shells) {
      try {
        return await this.#runShell(command);
      } catch (error) {
        if (!isMissingProgram(error)) throw error;
      }
    }
    const { container, name } = this.#place;
    throw new NoShell(
      vscode.l10n.t('Container {0} of pod {1} has no shell: its image holds nothing but the program.', container, name),
      vscode.l10n.t(
        'A debug container has one: kubectl --context {0} -n {1} debug -it {2} --image=busybox --target={3}',
        this.#cluster.context.name,
        this.#place.namespace,
        name,
        container,
      ),
    );
  }

  async #runShell(command: string[]): Promise<number | undefined> {
    let begin = '';
    const session = await this.#cluster.openTerminal(this.#place, command, {
      ...this.#size,
      signal: this.#stop.signal,
      onOutput: (text) => {
        if (begin.length < 2048) begin += text;
        this.#writes.fire(text);
      },
    });
    this.#session = session;
    // The size may have changed while the connection was being opened.
    session.resize(this.#size.columns, this.#size.rows);
    if (this.#early !== '') session.write(this.#early);
    try {
      const { exitCode } = await session.ended;
      // Some runtimes start what is not there, and let its output say so.
      if ((exitCode === 126 || exitCode === 127) && /^(?:OCI runtime )?exec failed|^rpc error/i.test(begin))
        throw new ClusterFailure('not-found', begin.trim(), '');
      this.#early = '';
      return exitCode;
    } finally {
      this.#session = undefined;
    }
  }
}

/** The image holds nothing but the program. */
class NoShell extends Error {
  constructor(message: string, next: string) {
    super(`${message} ${next}`);
  }
}

/** The runtime could not start it: no such file, or not in $PATH. Other failures concern every shell. */
function isMissingProgram(error: unknown): boolean {
  const said = error instanceof ClusterFailure ? `${error.message} ${error.said ?? ''}` : '';
  return /no such file or directory|executable file not found|not found in \$PATH/i.test(said);
}
