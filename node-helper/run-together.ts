/**
 * Several programs of one place in one netns as one child: a shell starts them one after the other. Starting a child from
 * here costs more than what most of these programs do, and on a full node there are hundreds of them.
 */
import { randomBytes } from 'node:crypto';
import type { Command, CommandResult, Host, OpenFile } from './host.ts';
import { findProgram, type Place, runIn } from './tools.ts';

/**
 * @returns one result per command, in their order. Where there is no shell each runs as a child of its own.
 */
export async function runTogether(
  host: Host,
  place: Place,
  netns: OpenFile,
  commands: readonly string[][],
  options: Partial<Command> = {},
): Promise<CommandResult[]> {
  const shell = commands.length > 1 ? findProgram(host, place.root, ['sh']) : undefined;
  if (!shell) return await Promise.all(commands.map((argv) => runIn(host, place, netns, argv, options)));
  // Nothing that a program prints can be taken for the end of its output: nobody knows the mark before.
  const mark = `meshloom-${randomBytes(12).toString('hex')}`;
  const whole = await runIn(host, place, netns, [shell, '-c', scriptOf(commands, mark)], options);
  const [out, err] = [cut(whole.stdout, mark), cut(whole.stderr, mark)];
  // The way in failed: not one program was started.
  if (out.length <= 1 && whole.code !== 0) return commands.map(() => whole);
  return commands.map((_, at): CommandResult => {
    const said = { stdout: out[at]?.text ?? '', stderr: err[at]?.text ?? '' };
    const code = out[at]?.code;
    return code === undefined ? { ...said, stopped: whole.stopped ?? 'signal' } : { ...said, code };
  });
}

function scriptOf(commands: readonly string[][], mark: string): string {
  return commands
    .map((argv) => `${argv.map(quote).join(' ')}; code=$?; echo "${mark} $code"; echo "${mark} $code" >&2`)
    .join('\n');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

interface Part {
  text: string;
  /** Absent: it did not come to its end. */
  code?: number;
}

function cut(text: string, mark: string): Part[] {
  const parts: Part[] = [];
  let start = 0;
  for (const match of text.matchAll(new RegExp(`${mark} (\\d+)\\n`, 'g'))) {
    parts.push({ text: text.slice(start, match.index), code: Number(match[1]) });
    start = match.index + match[0].length;
  }
  return [...parts, { text: text.slice(start) }];
}
