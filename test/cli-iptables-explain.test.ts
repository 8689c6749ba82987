import { build } from 'esbuild';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The bundle as a process, built as esbuild.mjs builds it, beside a package.json as in dist/. */
const root = join(import.meta.dirname, '..');
const place = join(root, 'out', `cli-test-${process.pid}`);
const program = join(place, 'dist', 'cli.js');
const fixture = (name: string) => join(root, 'mesh', 'interception', 'fixtures', name);

beforeAll(async () => {
  mkdirSync(join(place, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(place, 'package.json'));
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    loader: { '.yaml': 'text' },
    entryPoints: ['cli/main.ts'],
    outfile: program,
    logLevel: 'error',
  });
});

afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

const run = (args: string[], input = '') =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', input });

describe('the built program', () => {
  it('prints its version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  it.each(['sidecar-1.20.S.txt', 'cni-sidecar.L-n-v-x.txt', 'istio-init.restore.txt'])(
    'explains %s from a file and from a pipe alike',
    (name) => {
      const file = run(['iptables', 'explain', '--format', 'json', fixture(name)]);
      const pipe = run(['iptables', 'explain', '--format', 'json', '-'], readFileSync(fixture(name), 'utf8'));
      expect(file).toMatchObject({ status: 0, stderr: '' });
      expect(JSON.parse(file.stdout)).toMatchObject({ mode: 'sidecar-redirect', warnings: [] });
      expect(pipe.stdout).toBe(file.stdout);
    },
  );

  it('keeps the result on stdout and the warnings on stderr', () => {
    const { status, stdout, stderr } = run(['iptables', 'explain'], 'what is this\n');
    expect(status).toBe(0);
    expect(stdout).not.toContain('what is this');
    expect(stderr).toContain('what is this');
  });

  it('exits with 2 when the call is wrong', () => {
    expect(run(['iptables', 'explian']).status).toBe(2);
    expect(run(['iptables', 'explain', '--frmat', 'json']).stderr).toContain('--format');
    expect(run(['iptables', 'explain', '/nowhere/at/all']).status).toBe(2);
  });

  it('ends quietly when the reader of its output goes away', async () => {
    const child = spawn(process.execPath, [program, 'iptables', 'explain', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.destroy();
    child.stdin.on('error', () => undefined);
    const line = '-A OUTPUT -p tcp -j ISTIO_OUTPUT\n';
    child.stdin.end(`*nat\n:OUTPUT ACCEPT [0:0]\n${line.repeat(20_000)}COMMIT\n`);
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
