import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, extname, join } from 'node:path';
import * as l10n from '@vscode/l10n';

export interface ProgramResult {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** How long a program may take to end after it was asked to, in milliseconds. */
const graceMs = 3_000;
const maxStdout = 1024 * 1024;
const maxStderr = 64 * 1024;

/**
 * Runs a program to its end, without a terminal or in that of this process. Comes back at the deadline and when `signal` aborts, whatever the program
 * does: one that does not listen, or whose children keep its output open, is left behind, killed.
 * @param options.onStderr is told what it writes for a person, as it comes; in a terminal that stands there.
 * @param options.terminal the descriptor of the terminal that it may ask in; absent: nobody can answer it.
 * @throws the error of the start (`ENOENT`, `EACCES`), or one that says what it was ended by.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  {
    env,
    timeoutMs,
    signal,
    onStderr,
    terminal,
  }: {
    env: NodeJS.ProcessEnv;
    timeoutMs: number;
    signal?: AbortSignal;
    onStderr?: (text: string) => void;
    terminal?: number;
  },
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const start = findStart(command, args, env, process.platform);
    const child = spawn(start.command, start.args, {
      env,
      stdio: terminal === undefined ? ['ignore', 'pipe', 'pipe'] : [terminal, 'pipe', 'inherit'],
      windowsHide: terminal === undefined,
      windowsVerbatimArguments: start.verbatim,
      // A group of its own: what it has started ends with it. Only who stays in the terminal's may read there.
      detached: process.platform !== 'win32' && terminal === undefined,
    });
    let stdout = '';
    let stderr = '';
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const giveUp = (why: string) => {
      endGroup(child, terminal === undefined);
      finish(() => reject(new Error(why)));
    };
    const onAbort = () => giveUp(l10n.t('it is not needed any more.'));
    const timer = setTimeout(
      () => giveUp(l10n.t('it was ended by {0} after {1} s.', 'SIGTERM', timeoutMs / 1000)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(0, maxStdout)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-maxStderr);
      onStderr?.(text);
    });
    child.on('error', (error) => finish(() => reject(error)));
    child.on('exit', (code, by) => {
      // What it printed last may still be on its way; a child of it that lives on must not hold us.
      const done = () => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        finish(() => (by ? reject(new Error(l10n.t('it was ended by {0}.', by))) : resolve({ stdout, stderr, code })));
      };
      const late = setTimeout(done, 500);
      child.on('close', () => {
        clearTimeout(late);
        done();
      });
    });
    if (signal?.aborted) onAbort();
  });
}

function endGroup(child: ChildProcess, hasGroup: boolean): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (process.platform === 'win32' || !hasGroup) child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  kill('SIGTERM');
  setTimeout(() => {
    if (child.exitCode === null && child.signalCode === null) kill('SIGKILL');
  }, graceMs).unref();
}

/**
 * Windows starts only `.exe` by a bare name, and batch files (`gcloud.cmd`, `az.cmd`) only through its shell.
 * @param exists tells whether there is such a file.
 */
export function findStart(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  exists: (file: string) => boolean = existsSync,
): { command: string; args: string[]; verbatim: boolean } {
  const plain = { command, args: [...args], verbatim: false };
  if (platform !== 'win32') return plain;
  const read = (name: string) => Object.entries(env).find(([key]) => key.toUpperCase() === name)?.[1] ?? '';
  const directories = /[/\\]/.test(command) ? [''] : read('PATH').split(delimiter === ':' ? ';' : delimiter);
  const endings = extname(command) ? [''] : (read('PATHEXT') || '.COM;.EXE;.BAT;.CMD').split(';');
  for (const directory of directories) {
    for (const ending of endings) {
      const file = directory === '' ? command + ending : join(directory, command + ending);
      if (!exists(file)) continue;
      if (!/\.(bat|cmd)$/i.test(file)) return { ...plain, command: file };
      const line = [file, ...args].map(quoteForCmd).join(' ');
      return { command: read('COMSPEC') || 'cmd.exe', args: ['/d', '/s', '/c', `"${line}"`], verbatim: true };
    }
  }
  return plain;
}

/** One argument for `cmd /s /c "…"`: quoted for the program, then every character escaped that the shell would take. */
function quoteForCmd(argument: string): string {
  const quoted = `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\*)$/, '$1$1')}"`;
  return quoted.replace(/[()%!^"<>&|;, ]/g, '^$&');
}
