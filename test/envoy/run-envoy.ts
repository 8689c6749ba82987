import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One Envoy with its bootstrap in a directory of its own. */
export class RunningEnvoy {
  readonly directory = mkdtempSync(join(tmpdir(), 'meshloom-envoy-'));
  #process: ChildProcess | undefined;
  #log = '';

  /** What it has written about itself. */
  get log(): string {
    return this.#log;
  }

  /**
   * @param command in front of the program: `ip netns exec x setpriv --reuid=1337 …`.
   * @param bootstrap may name files in {@link directory}.
   */
  start(program: string, bootstrap: object, command: readonly string[] = []): void {
    const file = join(this.directory, 'bootstrap.json');
    writeFileSync(file, JSON.stringify(bootstrap));
    const args = [
      '-c',
      file,
      '--concurrency',
      '1',
      '--disable-hot-restart',
      ...['--file-flush-interval-msec', '20'],
      '--log-format',
      '%Y-%m-%dT%T.%eZ\t%l\tenvoy %n %g:%#\t%v',
    ];
    const [first = program, ...rest] = [...command, program, ...args, '-l', 'warning'];
    this.#log = '';
    this.#process = spawn(first, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr!.on('data', (data: Buffer) => (this.#log += data.toString()));
  }

  get hasEnded(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Ends the program; another may be started in its place. */
  async end(): Promise<void> {
    const running = this.#process;
    if (running && !this.hasEnded) {
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await ended;
    }
  }

  async stop(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** @returns a port on loopback that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @returns the body of an answer of the admin port, whatever its status. */
export function askAdmin(port: number, path: string, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Asks until it is so. @throws what was seen last, when it never is. */
export async function until<T>(ask: () => Promise<T>, isSo: (value: T) => boolean, withinMs = 10_000): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const [value, error] = await ask().then(
      (found): [T | undefined, unknown] => [found, undefined],
      (cause: unknown): [T | undefined, unknown] => [undefined, cause],
    );
    if (error === undefined && isSo(value as T)) return value as T;
    if (performance.now() > end)
      throw error instanceof Error ? error : new Error(JSON.stringify(value)?.slice(0, 2000));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
