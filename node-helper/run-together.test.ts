import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { fakeHost } from './fake-host.ts';
import type { Command, CommandResult, OpenFile } from './host.ts';
import { runTogether } from './run-together.ts';
import { ownPlace } from './tools.ts';

const netns: OpenFile = { fd: 0, inode: 1, close: () => undefined };
const commands = [['echo', "it's", '$HOME; false'], ['sh', '-c', 'echo out; echo no >&2; exit 3'], ['no-such-program']];

/** A real shell, without a netns to enter. */
function runReally({ argv }: Command): Partial<CommandResult> {
  const [program, ...args] = argv.slice(argv.indexOf('--') + 1);
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  return { code: status ?? -1, stdout, stderr };
}

const hostWith = (run: (command: Command) => Partial<CommandResult>, files = { '/bin/sh': '' }) =>
  fakeHost({ files, run });

test('gives each command its own code, output and errors', async () => {
  const host = hostWith(runReally);
  const results = await runTogether(host, ownPlace(), netns, commands);
  expect(host.ran).toHaveLength(1);
  expect(results).toMatchObject([
    { code: 0, stdout: "it's $HOME; false\n", stderr: '' },
    { code: 3, stdout: 'out\n', stderr: 'no\n' },
    { code: 127, stdout: '', stderr: expect.stringContaining('not found') as string },
  ]);
});

test('keeps what was said before the time was up', async () => {
  const host = hostWith((command) => {
    const { stdout = '' } = runReally(command);
    const firstMark = stdout.indexOf(' 0\n') + 3;
    return { stopped: 'timeout', stdout: `${stdout.slice(0, firstMark)}half a li`, stderr: '' };
  });
  const results = await runTogether(host, ownPlace(), netns, commands);
  expect(results.map(({ code, stopped }) => code ?? stopped)).toEqual([0, 'timeout', 'timeout']);
  expect(results[1]!.stdout).toBe('half a li');
});

test('a way in that is closed is what every command ended with', async () => {
  const denied = { code: 1, stderr: 'nsenter: reassociate to namespace failed: Operation not permitted\n' };
  const results = await runTogether(
    hostWith(() => denied),
    ownPlace(),
    netns,
    commands,
  );
  expect(results).toMatchObject([denied, denied, denied]);
});

test('runs them one by one where there is no shell', async () => {
  const host = hostWith(runReally, {} as { '/bin/sh': string });
  const results = await runTogether(host, ownPlace(), netns, commands.slice(0, 2));
  expect(host.ran).toHaveLength(2);
  expect(results.map(({ code }) => code)).toEqual([0, 3]);
});
