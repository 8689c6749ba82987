import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Writable } from 'node:stream';
import { run } from './run.ts';
import { wantsColor } from './color.ts';
import { verbs } from './verbs.ts';

/** Standard input, read to its end when a verb asks for it: a verb that is given a file never waits for a terminal. */
async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** `meshloom … | head` closes the pipe early: that ends the program, it is no failure of it. */
function endQuietlyWhenClosed(stream: Writable): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** Another program of Node's takes over this process: who kills it then kills the work, not a messenger. */
function become(args: string[]): void {
  process.execve!(process.execPath, [process.execPath, ...args], process.env);
}

function main(): void {
  // V8's nursery would grow to 100 MB; small, it takes half of the memory and no more time.
  setFlagsFromString('--semi-space-growth-factor=1');
  endQuietlyWhenClosed(process.stdout);
  endQuietlyWhenClosed(process.stderr);
  const terminal = {
    args: process.argv.slice(2),
    cwd: process.cwd(),
    stdin: readStandardInput,
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
    color: wantsColor(process.stdout.isTTY, process.env),
    env: process.env,
    programs: __dirname,
    ...(process.platform === 'linux' && typeof process.execve === 'function' && { become }),
  };
  // The exit code is set, not the process ended: what was written to a pipe has to arrive first.
  void run(verbs, terminal, readVersion).then((code) => {
    process.exitCode = code;
  });
}

main();
