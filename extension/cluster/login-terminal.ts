/**
 * A login program that asks a person in a terminal. It reads and asks there; the credential that it prints on its standard
 * output goes into a file of a folder that only this user may enter, never onto the screen, and is gone when this returns.
 */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';

/** What is to be run, as the kubeconfig names it. */
export interface LoginProgram {
  command: string;
  args: readonly string[];
  /** All of its environment. */
  env: NodeJS.ProcessEnv;
  /** As the kubeconfig names who logs in. */
  user: string;
  /** Somebody was logged in before, so nobody need be looking: what he types meanwhile must not land in the terminal. */
  isRenewal: boolean;
  timeoutMs: number;
  signal: AbortSignal;
}

/** `code` is undefined when the person ended it: closed the terminal, or pressed Ctrl+C. */
export interface LoginOutput {
  stdout: string;
  code: number | undefined;
}

/** Where a program can ask a person. */
export interface LoginTerminal {
  /** The person sits before it already: a program that asks if it can may do so, too. */
  isThere: boolean;
  /** @throws when it could not be started, or did not end in time. */
  run(program: LoginProgram): Promise<LoginOutput>;
}

/** What a terminal is opened with: it runs that file, with all of that environment and no other. */
export interface TerminalStart {
  program: string;
  user: string;
  shellPath: string;
  shellArgs: string[];
  env: Record<string, string>;
  cwd: string;
  mayTakeFocus: boolean;
}

/** A terminal of the editor. `closed` resolves when it is, by whomever. */
export interface OpenedTerminal {
  closed: Promise<void>;
  close(): void;
}

const maxOutput = 1024 * 1024;
const lookMs = 200;
const interrupted = 130;
const prefix = 'meshloom-terminal-';
/** No login takes that long, in milliseconds. */
const leftAfterMs = 3_600_000;

/**
 * What is run comes from a file beside the output, in quotes that a shell takes literally: in arguments and variables of a
 * terminal the editor replaces what looks like its own variables, `${env:HOME}`.
 * The program keeps the terminal for itself. One that failed leaves its words there until a key is pressed.
 */
const script = `. "$1"
trap : INT
(exec "$@" >"$meshloom_out")
code=$?
printf '%s.' "$code" >"$meshloom_out.code"
case $code in
  0|${interrupted}) ;;
  *) printf '\\n%s\\n' "$meshloom_hint"; read -r n ;;
esac
exit "$code"`;

/** Within single quotes nothing means anything but the next one (POSIX, Shell Command Language, 2.2.2). */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Sets where the output goes, the hint, the words of what is run, and the variables that the editor would have changed. */
function describeRun({ command, args, env }: LoginProgram, output: string): string {
  const changed = Object.entries(env).filter(([name, value]) => value?.includes('${') && /^[A-Za-z_]\w*$/.test(name));
  return [
    ...changed.map(([name, value]) => `export ${name}=${quote(value!)}`),
    `meshloom_out=${quote(output)}`,
    `meshloom_hint=${quote(l10n.t('The login failed. Press Enter to close this terminal.'))}`,
    `set -- ${[command, ...args].map(quote).join(' ')}`,
    '',
  ].join('\n');
}

/** Programs run in a terminal that `open` makes. POSIX only: elsewhere there is no shell that is known to be there. */
export function createLoginTerminal(open: (start: TerminalStart) => OpenedTerminal): LoginTerminal {
  /** Terminals whose program failed, which show its words until somebody has read them. */
  let left: OpenedTerminal | undefined;
  return {
    isThere: false,
    async run(program) {
      left?.close();
      left = undefined;
      program.signal.throwIfAborted();
      const folder = new PrivateFolder();
      try {
        const output = join(folder.path, 'credential');
        const run = join(folder.path, 'run');
        writeFileSync(output, '', { mode: 0o600, flag: 'wx' });
        writeFileSync(run, describeRun(program, output), { mode: 0o600, flag: 'wx' });
        const terminal = open(startOf(program, run));
        const code = await endOf(terminal, `${output}.code`, program, () => folder.remove());
        if (code !== 0 && code !== undefined) left = terminal;
        return { stdout: code === 0 ? readFileSync(output, 'utf8').slice(0, maxOutput) : '', code };
      } finally {
        folder.remove();
      }
    },
  };
}

function startOf({ command, env, user, isRenewal }: LoginProgram, run: string): TerminalStart {
  const known = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    program: command,
    user,
    shellPath: '/bin/sh',
    shellArgs: ['-c', script, 'sh', run],
    env: Object.fromEntries(known),
    cwd: process.cwd(),
    mayTakeFocus: !isRenewal,
  };
}

/** @returns the exit code; undefined when the person ended it. @throws at the deadline, and when nobody waits any more. */
function endOf(
  terminal: OpenedTerminal,
  codeFile: string,
  { signal, timeoutMs }: LoginProgram,
  onAbort: () => void,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const settle = (act: () => void) => {
      if (stop.signal.aborted) return;
      stop.abort();
      clearTimeout(timer);
      clearInterval(looking);
      act();
    };
    const giveUp = (why: string) =>
      settle(() => {
        terminal.close();
        // At once: the window may be closing.
        onAbort();
        reject(new Error(why));
      });
    const look = () => {
      const code = readCode(codeFile);
      if (code !== undefined) settle(() => resolve(code === interrupted ? undefined : code));
    };
    const timer = setTimeout(() => giveUp(l10n.t('it was not over after {0} s.', timeoutMs / 1000)), timeoutMs);
    const looking = setInterval(look, lookMs);
    signal.addEventListener('abort', () => giveUp(l10n.t('it is not needed any more.')), { signal: stop.signal });
    void terminal.closed.then(() => {
      look();
      settle(() => resolve(undefined));
    });
  });
}

/** The dot at the end says that it is whole. */
function readCode(file: string): number | undefined {
  try {
    const [, code] = /^(\d+)\.$/.exec(readFileSync(file, 'utf8')) ?? [];
    return code === undefined ? undefined : Number(code);
  } catch {
    return undefined;
  }
}

/** Only this user may enter it. Removed also when this process ends; what one that was killed left, by the next. */
class PrivateFolder {
  readonly path: string;
  readonly remove = () => {
    process.off('exit', this.remove);
    removeFolder(this.path);
  };

  constructor() {
    removeLeftovers();
    try {
      // Mode 0700.
      this.path = mkdtempSync(join(tmpdir(), prefix));
    } catch (error) {
      // Without its code, which would be taken for one about the program.
      throw new Error((error as Error).message, { cause: error });
    }
    process.once('exit', this.remove);
  }
}

function removeLeftovers(): void {
  try {
    for (const name of readdirSync(tmpdir()).filter((candidate) => candidate.startsWith(prefix))) {
      const path = join(tmpdir(), name);
      const since = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
      if (Date.now() - since > leftAfterMs) removeFolder(path);
    }
  } catch {
    // A directory that may be written to and not read.
  }
}

function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Another user's.
  }
}
