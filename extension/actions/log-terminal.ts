/**
 * A log in a terminal of the editor. A terminal draws as many lines as the person's settings keep; this keeps up to
 * 100,000 of them, for an editor to search in.
 */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeFailure } from '../failures.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { followLogs, type LogRequest, type LogSource } from './follow-logs.ts';
import { forDocument, forTerminal } from './log-text.ts';
import { literalText } from '../trees/literal-text.ts';

export interface LogTerminalOptions {
  /** `Deployment shop/web` */
  title: string;
  /** Each line tells from where it is. */
  prefix: 'none' | 'container' | 'pod';
}

export const keptLines = 100_000;
const keptCharacters = 32 * 1024 * 1024;
/** Drawn at once, in milliseconds and characters; what is more is not drawn, but kept. */
const drawEveryMs = 50;
const drawnAtOnce = 256 * 1024;

/** For the in-editor tests, and whoever asks what was read. */
export interface OpenLog {
  terminal: vscode.Terminal;
  text(): string;
}

/** Opens the terminal, and reads until the log ends or the terminal is closed. */
export function openLogTerminal(app: App, cluster: Cluster, request: LogRequest, options: LogTerminalOptions): OpenLog {
  const pty = new LogPseudoterminal(app, cluster, request, options);
  const terminal = vscode.window.createTerminal({
    name: literalText(vscode.l10n.t('Logs: {0}', options.title)),
    iconPath: new vscode.ThemeIcon('output'),
    // A window that is reloaded does not keep it: nobody would read on.
    isTransient: true,
    pty,
  });
  terminal.show();
  return { terminal, text: () => pty.text() };
}

const colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

class LogPseudoterminal implements vscode.Pseudoterminal {
  readonly #writes = new vscode.EventEmitter<string>();
  readonly #closes = new vscode.EventEmitter<void>();
  readonly onDidWrite = this.#writes.event;
  readonly onDidClose = this.#closes.event;
  readonly #app: App;
  readonly #cluster: Cluster;
  readonly #request: LogRequest;
  readonly #options: LogTerminalOptions;
  readonly #stop = new AbortController();
  readonly #lines = new KeptLines();
  readonly #colours = new Map<string, number>();
  #undrawn: string[] = [];
  #undrawnSize = 0;
  #skipped = 0;
  #timer: NodeJS.Timeout | undefined;
  #drained: Promise<void> = Promise.resolve();
  #onDrained: (() => void) | undefined;
  #ended = false;

  constructor(app: App, cluster: Cluster, request: LogRequest, options: LogTerminalOptions) {
    this.#app = app;
    this.#cluster = cluster;
    this.#request = request;
    this.#options = options;
  }

  text(): string {
    return this.#lines.text();
  }

  open(): void {
    const { namespace } = this.#request.scope;
    this.#note(
      vscode.l10n.t(
        '{0} in namespace {1} of {2} · Ctrl+C stops · e opens all lines in an editor',
        this.#options.title,
        namespace,
        this.#cluster.context.name,
      ),
    );
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#onDrained?.();
  }

  handleInput(data: string): void {
    if (data === '\u0003' || data === 'q') {
      if (this.#ended) this.#closes.fire();
      this.#stop.abort();
      this.#onDrained?.();
    } else if (data === 'e') {
      const name = this.#options.title.replaceAll(/[^\w.-]+/g, '-');
      void showReadonly(this.#app.context, `${name}.log`, this.#lines.text(), { keep: true });
    } else if (this.#ended) this.#closes.fire();
  }

  async #run(): Promise<void> {
    try {
      await followLogs(
        this.#cluster,
        this.#request,
        {
          line: (source, text) => this.#line(source, text),
          note: (text) => this.#note(text),
          drained: () => this.#drained,
        },
        this.#stop.signal,
      );
    } catch (error) {
      this.#app.log.error(error instanceof Error ? error : String(error));
      this.#note(describeFailure(error));
    }
    this.#ended = true;
    this.#note(vscode.l10n.t('Nothing more is read. Press any key to close, e for an editor.'));
  }

  #line(source: LogSource, text: string): void {
    const prefix = this.#prefixOf(source);
    this.#lines.add((prefix === '' ? '' : `[${prefix}] `) + text);
    const coloured = prefix === '' ? '' : `\u001b[${this.#colourOf(prefix)}m[${prefix}]\u001b[0m `;
    this.#draw(`${coloured}${forTerminal(text)}\r\n`);
  }

  #note(text: string): void {
    const plain = forDocument(text.replaceAll(/\s*\n\s*/g, ' '));
    this.#lines.add(`── ${plain}`);
    this.#draw(`\u001b[2;3m── ${plain}\u001b[0m\r\n`);
  }

  /** Many lines at once are one write: each costs a message to the window. */
  #draw(text: string): void {
    this.#undrawn.push(text);
    this.#undrawnSize += text.length;
    // Only the end of a flood can be read anyway.
    while (this.#undrawnSize > drawnAtOnce && this.#undrawn.length > 1) {
      this.#undrawnSize -= this.#undrawn.shift()!.length;
      this.#skipped += 1;
      if (this.#skipped % 4096 === 0) this.#hold();
    }
    this.#timer ??= setTimeout(() => this.#flush(), drawEveryMs);
  }

  /** Lets the server wait until the next drawing, so that a flood leaves the editor time for others. */
  #hold(): void {
    if (this.#onDrained || this.#stop.signal.aborted) return;
    this.#drained = new Promise((resolve) => (this.#onDrained = resolve));
  }

  #flush(): void {
    this.#timer = undefined;
    const skipped =
      this.#skipped > 0
        ? `\u001b[2;3m── ${vscode.l10n.t('{0} lines came too fast to draw; press e to see them', this.#skipped)}\u001b[0m\r\n`
        : '';
    this.#writes.fire(skipped + this.#undrawn.join(''));
    this.#undrawn = [];
    this.#undrawnSize = 0;
    this.#skipped = 0;
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  #prefixOf({ pod, container }: LogSource): string {
    if (this.#options.prefix === 'none') return '';
    return this.#options.prefix === 'container' ? container : `${pod}/${container}`;
  }

  #colourOf(prefix: string): number {
    const known = this.#colours.get(prefix);
    if (known !== undefined) return known;
    const colour = colours[this.#colours.size % colours.length]!;
    this.#colours.set(prefix, colour);
    return colour;
  }
}

/** The last lines, within bounds. Raw: they are made readable when somebody reads them. */
class KeptLines {
  #lines: string[] = [];
  #first = 0;
  #size = 0;
  #dropped = 0;

  add(line: string): void {
    this.#lines.push(line);
    this.#size += line.length;
    while (this.#lines.length - this.#first > keptLines || this.#size > keptCharacters) {
      this.#size -= this.#lines[this.#first]!.length;
      this.#lines[this.#first] = '';
      this.#first += 1;
      this.#dropped += 1;
    }
    // Now and then, not with every line: each time costs a copy.
    if (this.#first > keptLines) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
  }

  text(): string {
    const lines = this.#lines.slice(this.#first).map((line) => forDocument(line));
    if (this.#dropped > 0) lines.unshift(`── ${vscode.l10n.t('{0} older lines are not kept', this.#dropped)}`);
    return `${lines.join('\n')}\n`;
  }
}
