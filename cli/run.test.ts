import { describe, expect, it } from 'vitest';
import { readFlags } from './flags.ts';
import { run } from './run.ts';
import { UsageError } from './verb.ts';
import type { Verb } from './verb.ts';

const verb = (name: string, body: Verb['run'] = () => Promise.resolve(0)): Verb => ({
  name: name.split(' '),
  summary: `does ${name}`,
  help: `help of ${name}`,
  run: body,
});
const verbs = [
  verb('iptables explain'),
  verb('analyze', ({ args, out }) => Promise.resolve(out(args.join('|'))).then(() => 1)),
  verb('broken', () => Promise.reject(new Error('boom'))),
  verb('strict', ({ args }) => Promise.resolve(readFlags(args, { format: { type: 'string' } })).then(() => 0)),
];

async function call(...args: string[]) {
  let out = '';
  let err = '';
  const code = await run(
    verbs,
    {
      args,
      cwd: '/',
      stdin: () => Promise.reject(new Error('not to be read')),
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      color: false,
    },
    () => '1.2.3',
  );
  return { code, out, err };
}

describe('the command line', () => {
  it('hands a verb what stands behind its name, and returns its exit code', async () => {
    expect(await call('analyze', 'a.yaml', '--x')).toEqual({ code: 1, out: 'a.yaml|--x', err: '' });
  });

  it('prints the version', async () => {
    expect(await call('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
  });

  it('prints an overview of all verbs, of a group, and the help of one', async () => {
    expect((await call('--help')).out).toContain('does analyze');
    expect((await call('iptables', '--help')).out).not.toContain('does analyze');
    expect(await call('iptables', 'explain', '--help')).toEqual({
      code: 0,
      out: 'help of iptables explain\n',
      err: '',
    });
    expect((await call('help', 'analyze')).out).toBe('help of analyze\n');
  });

  it('shows the overview on stderr when no verb is given, and fails', async () => {
    const { code, out, err } = await call();
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('does analyze');
  });

  it.each([
    [['analyse'], '"analyze"'],
    [['iptabels', 'explain'], '"iptables explain"'],
    [['iptables', 'explian'], '"iptables explain"'],
  ])('offers the near miss of %s', async (args, near) => {
    const { code, out, err } = await call(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(near);
  });

  it('lists the verbs when none is near', async () => {
    const { code, err } = await call('frobnicate');
    expect(code).toBe(2);
    expect(err).toContain('analyze');
  });

  it('refuses an unknown flag with its near miss', async () => {
    expect(await call('strict', '--fromat', 'json')).toEqual({
      code: 2,
      out: '',
      err: 'Unknown flag --fromat. Did you mean --format?\nSee meshloom strict --help.\n',
    });
    expect((await call('strict', '--format')).code).toBe(2);
    expect((await call('--nope')).code).toBe(2);
  });

  it('tells a failure from a wrong call, and still exits with 2', async () => {
    const { code, err } = await call('broken');
    expect(code).toBe(2);
    expect(err).toContain('boom');
  });

  it('is no usage error to ask for a value that begins with a digit', () => {
    expect(readFlags(['-1', '--', '--anything'], { '1': { type: 'boolean', short: '1' } }).positionals).toEqual([
      '--anything',
    ]);
    expect(() => readFlags(['--nope'], {})).toThrow(UsageError);
  });
});
