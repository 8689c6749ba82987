import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClusterFailure } from './cluster.ts';
import { createCredentialSource } from './exec-credential.ts';
import type { ExecPlugin } from './kubeconfig.ts';
import { createLoginTerminal, type TerminalStart } from './login-terminal.ts';

/** What a person sees of one, and types; no real one, but the same shell. */
class FakeTerminal {
  readonly start: TerminalStart;
  readonly closed: Promise<void>;
  readonly #child;
  isClosed = false;
  screen = '';

  constructor(start: TerminalStart) {
    this.start = start;
    // The editor replaces what looks like its variables, in a remote window even where it is told not to.
    const replaced = (text: string) => text.replaceAll(/\$\{[^}]*\}/g, '(replaced)');
    const env = Object.fromEntries(Object.entries(start.env).map(([name, value]) => [name, replaced(value)]));
    this.#child = spawn(start.shellPath, start.shellArgs.map(replaced), { env, cwd: start.cwd, detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (text: Buffer) => (this.screen += text.toString()));
    this.#child.stdin.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.#child.on('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  close(): void {
    if (!this.isClosed) process.kill(-this.#child.pid!, 'SIGHUP');
  }
}

const cluster = { name: 'c', server: 'https://c', skipTLSVerify: false };
const credential = (token: string) =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status: { token } });
const asking = `printf 'Password: ' >&2; read -r word; echo '${credential('t-')}' | sed "s/t-/t-$word/"`;

let [scratch, temporary] = ['', ''];
let terminals: FakeTerminal[] = [];
const outside = process.env.TMPDIR;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'meshloom-asking-'));
  temporary = join(scratch, 'tmp');
  mkdirSync(temporary);
  process.env.TMPDIR = temporary;
  terminals = [];
});
afterEach(() => {
  for (const terminal of terminals) terminal.close();
  if (outside === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = outside;
  rmSync(scratch, { recursive: true });
});

function source(script: string, more: Partial<ExecPlugin> = {}, timeoutMs?: number) {
  const plugin = { command: 'sh', args: ['-c', script], env: [], provideClusterInfo: false, ...more };
  const terminal = createLoginTerminal((start) => {
    const opened = new FakeTerminal(start);
    terminals.push(opened);
    return opened;
  });
  return createCredentialSource(plugin, cluster, 'kind', { timeoutMs, user: 'dev', terminal });
}
const always = { interactiveMode: 'Always' };
const failureOf = (asked: Promise<unknown>) =>
  asked.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error as ClusterFailure,
  );

it('asks once for all who wait, and what it prints is neither on the screen nor left in a file', async () => {
  const made = source(asking, always);
  const all = Promise.all([made.get(), made.get()]);
  await expect.poll(() => terminals[0]?.screen).toBe('Password: ');
  const [folder] = readdirSync(temporary);
  expect(statSync(join(temporary, folder!)).mode & 0o777).toBe(0o700);
  expect(statSync(join(temporary, folder!, 'credential')).mode & 0o777).toBe(0o600);
  terminals[0]!.type('open\n');
  expect(await all).toEqual([{ token: 't-open' }, { token: 't-open' }]);
  expect(readdirSync(temporary)).toEqual([]);
  await terminals[0]!.closed;
  expect(terminals.length).toBe(1);
  expect(terminals[0]!.screen).toBe('Password: ');
  expect(terminals[0]!.start).toMatchObject({ program: 'sh', user: 'dev', mayTakeFocus: true, cwd: process.cwd() });
});

it('hands every argument and variable over as it stands, and nothing of them to a shell or to the editor', async () => {
  const args = [
    '',
    ' ',
    `a'b"c`,
    '$(touch hit)',
    '`touch hit`',
    '${env:HOME}',
    '$HOME',
    '; touch hit',
    'ü\nnext',
    '-n',
    '*',
    '\\',
  ];
  const script = `const told = { args: process.argv.slice(1), info: JSON.parse(process.env.KUBERNETES_EXEC_INFO), ours: Object.keys(process.env).filter((name) => name.toLowerCase().startsWith('meshloom_')), hello: process.env.HELLO };
    require('fs').writeFileSync(process.env.TOLD, JSON.stringify(told)); console.log('${credential('t')}')`;
  const env = [
    { name: 'HELLO', value: '${env:HOME} $(touch hit)' },
    { name: 'TOLD', value: join(scratch, 'told') },
    { name: 'MESHLOOM_COUNT', value: '1' },
  ];
  const made = source('', { ...always, command: process.execPath, args: ['-e', script, '--', ...args], env });
  expect(await made.get()).toEqual({ token: 't' });
  const told = JSON.parse(readFileSync(join(scratch, 'told'), 'utf8')) as { info: unknown };
  expect(told).toMatchObject({ args, ours: ['MESHLOOM_COUNT'], hello: '${env:HOME} $(touch hit)' });
  expect(told.info).toMatchObject({ spec: { interactive: true } });
  expect(existsSync('hit')).toBe(false);
  expect(terminals[0]!.start.shellArgs.join()).not.toMatch(/\$\{|touch|HOME/);
});

it('is cancelled by who closes the terminal or presses Ctrl+C, and does not come back by itself', async () => {
  const made = source(asking, always);
  const closed = failureOf(made.get());
  await expect.poll(() => terminals[0]?.screen).toBe('Password: ');
  terminals[0]!.close();
  expect((await closed).reason).toBe('cancelled');
  expect(readdirSync(temporary)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 2_200));
  expect((await failureOf(made.get())).reason).toBe('cancelled');
  expect(terminals.length).toBe(1);
  made.retry();
  const again = made.get();
  await expect.poll(() => terminals[1]?.screen).toBe('Password: ');
  terminals[1]!.type('x\n');
  expect(await again).toEqual({ token: 't-x' });
  expect((await failureOf(source('kill -INT $$', always).get())).reason).toBe('cancelled');
});

it('that fails is told at once, while its words stay in the terminal until they were read', async () => {
  const made = source('echo no such badge >&2; exit 3', always);
  const { reason, message } = await failureOf(made.get());
  expect(reason).toBe('unauthorized');
  expect(message).toContain('“sh” ended with code 3: why stands in its terminal.');
  expect(readdirSync(temporary)).toEqual([]);
  const [first] = terminals;
  await expect.poll(() => first!.screen).toMatch(/no such badge\s+The login failed. Press Enter/);
  expect(first!.isClosed).toBe(false);
  first!.type('\n');
  await first!.closed;
  made.retry();
  await failureOf(made.get());
  const [, second] = terminals;
  made.retry();
  await failureOf(made.get());
  await second!.closed;
  const { message: missing } = await failureOf(source('', { ...always, command: 'no-such-login' }).get());
  expect(missing).toMatch(/“no-such-login”.*not found on the PATH/);
});

it('is ended with its terminal at the deadline, and when nobody waits any more', async () => {
  const late = await failureOf(source('sleep 300', always, 300).get());
  expect(late.message).toContain('it was not over after 0.3 s.');
  const made = source('sleep 300', always);
  const asked = failureOf(made.get());
  await expect.poll(() => terminals.length).toBe(2);
  expect(readdirSync(temporary).length).toBe(1);
  made.dispose();
  // At once: a window that closes waits for nobody.
  expect(readdirSync(temporary)).toEqual([]);
  await asked;
  await Promise.all(terminals.map(({ closed }) => closed));
});

it('asks only when it must or somebody wants it, and never when it may not', async () => {
  const script = `case $KUBERNETES_EXEC_INFO in *'"interactive":true'*) ${asking};; *) echo I need a terminal >&2; exit 1;; esac`;
  const made = source(script);
  const failed = await failureOf(made.get());
  expect(failed).toMatchObject({ mayAskInTerminal: true });
  expect(failed.message).toContain('I need a terminal');
  expect(terminals.length).toBe(0);
  expect(made.askInTerminal()).toBe(true);
  const asked = made.get();
  await expect.poll(() => terminals[0]?.screen).toBe('Password: ');
  terminals[0]!.type('x\n');
  expect(await asked).toEqual({ token: 't-x' });
  const never = source(script, { interactiveMode: 'Never' });
  expect((await failureOf(never.get())).mayAskInTerminal).toBeUndefined();
  expect(never.askInTerminal()).toBe(false);
  expect((await failureOf(source('exit 1').get())).mayAskInTerminal).toBeUndefined();
});

it('does not take the focus of who was logged in and is typing something else', async () => {
  const made = source(`echo '${credential('t')}'`, always);
  const first = await made.get();
  expect(made.renew(first)).toBe(true);
  await made.get();
  expect(terminals.map(({ start }) => start.mayTakeFocus)).toEqual([true, false]);
});

it('removes what a window that was killed left behind, and nothing of one that lives', async () => {
  const [old, fresh] = ['old', 'new'].map((name) => join(temporary, `meshloom-terminal-${name}`));
  for (const folder of [old!, fresh!]) mkdirSync(folder);
  utimesSync(old!, 0, 0);
  await source(`echo '${credential('t')}'`, always).get();
  expect(readdirSync(temporary)).toEqual(['meshloom-terminal-new']);
});
