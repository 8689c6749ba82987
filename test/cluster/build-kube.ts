/**
 * Kubernetes as one binary, built once from the Go module beside this file and kept in the cache:
 *
 *     ~/.cache/meshloom/kube-v1.34.4/kube-4be1c0ffee12      etcd, API server, controller manager, scheduler, kubelet, proxy
 *     ~/.cache/meshloom/kube-v1.34.4/pause-4be1c0ffee12     what a pod's sandbox runs
 *
 * The digits are a hash of the module's files: another source is another binary.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './missing-programs.ts';

const source = join(import.meta.dirname, 'kube');
const sourceFiles = ['main.go', 'pause/main.go', 'go.mod', 'go.sum'];
const run = promisify(execFile);

export interface KubeBinaries {
  kube: string;
  pause: string;
}

/** Where the binaries lie, or will lie. Nothing is built or written. */
export async function findKube(): Promise<KubeBinaries & { version: string; directory: string; built: boolean }> {
  const hash = createHash('sha256');
  for (const file of sourceFiles) hash.update(await readFile(join(source, file)));
  const digits = hash.digest('hex').slice(0, 12);
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(await readFile(join(source, 'go.mod'), 'utf8'))![1]!;
  const { MESHLOOM_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = MESHLOOM_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'meshloom');
  const directory = join(cache, `kube-${version}`);
  const [kube, pause] = [join(directory, `kube-${digits}`), join(directory, `pause-${digits}`)];
  return { version, directory, kube, pause, built: existsSync(kube) && existsSync(pause) };
}

/** Builds what the cache lacks: five minutes on two cores, ten seconds when Go has compiled the packages before. */
export async function buildKube(say: (line: string) => void): Promise<KubeBinaries> {
  const { version, directory, kube, pause, built } = await findKube();
  if (built) return { kube, pause };
  await mkdir(directory, { recursive: true });
  say(`Building Kubernetes ${version} once, about 5 minutes (kept in ${directory}) …`);
  const started = performance.now();
  const minutes = () => Math.round((performance.now() - started) / 6000) / 10;
  const timer = setInterval(() => say(`Still building Kubernetes, ${minutes()} minutes so far …`), 60_000);
  try {
    await withLock(join(directory, '.building'), async () => {
      // Whoever had the lock before may have built it.
      if (existsSync(kube) && existsSync(pause)) return;
      await removeAllBut(directory, ['.building']);
      await buildBoth(version, directory, { kube, pause });
    });
    say(`Kubernetes ${version} is built (${minutes()} minutes).`);
  } finally {
    clearInterval(timer);
  }
  return { kube, pause };
}

/** Built aside, then renamed: who is stopped half-way never leaves half a binary. */
async function buildBoth(version: string, directory: string, { kube, pause }: KubeBinaries): Promise<void> {
  const aside = await mkdtemp(join(directory, '.build-'));
  try {
    const [major, minor] = version.slice(1).split('.');
    // Without them the server calls itself v0.0.0, and clients stumble over that.
    const versionFlags = Object.entries({ gitVersion: version, gitMajor: major, gitMinor: minor })
      .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
      .join(' ');
    await build(aside, 'kube', '.', `-s -w ${versionFlags}`);
    await build(aside, 'pause', './pause', '-s -w');
    await rename(join(aside, 'pause'), pause);
    await rename(join(aside, 'kube'), kube);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function build(aside: string, name: string, what: string, linkerFlags: string): Promise<void> {
  const flags = ['build', '-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', linkerFlags];
  await run('nice', ['-n', '10', findProgram('go')!, ...flags, '-o', join(aside, name), what], {
    cwd: source,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
    maxBuffer: 64e6,
  });
}

async function removeAllBut(directory: string, keep: string[]): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!keep.includes(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** One process at a time. The file holds the owner's id: a lock whose owner is gone is nobody's. */
async function withLock(file: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(file, 'utf8').catch(() => ''));
      if (owner && !isRunning(owner)) await rm(file, { force: true });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    await work();
  } finally {
    await rm(file, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
