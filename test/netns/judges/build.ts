/**
 * Programs of the field that judge our reading of it: the CNI library in the releases that runtimes are built with, cnitool
 * with the plugins of its project, containerd 2, the kubelet’s part for Docker. Built once from the Go modules beside this file and kept in the cache:
 *
 *     ~/.cache/meshloom/judges/cnitool-4be1c0ffee12
 *
 * The digits are a hash of the module's files: another source is another binary. Only `MESHLOOM_TEST_LONG=1` builds.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../cluster/missing-programs.ts';

interface JudgeSource {
  /** Folder of the module. */
  module: string;
  /** Its module file, where it has several. */
  modfile?: string;
  what: string;
  flags?: string;
}

const plugins = 'github.com/containernetworking/plugins/plugins';
const containerd = 'github.com/containerd/containerd/v2';
const named = `-X ${containerd}/version.Version=v2.4.2`;

const sources = {
  'libcni-1.1': { module: 'libcni', modfile: 'cni-1.1.mod', what: '.' },
  'libcni-1.2': { module: 'libcni', modfile: 'cni-1.2.mod', what: '.' },
  'libcni-1.3': { module: 'libcni', what: '.' },
  cnitool: { module: 'programs', what: 'github.com/containernetworking/cni/cnitool' },
  bridge: { module: 'programs', what: `${plugins}/main/bridge` },
  'host-local': { module: 'programs', what: `${plugins}/ipam/host-local` },
  containerd: { module: 'containerd', what: `${containerd}/cmd/containerd`, flags: named },
  dockershim: { module: 'dockershim', what: '.' },
} satisfies Record<string, JudgeSource>;

export type JudgeName = keyof typeof sources;

/** Their paths, or why they are not to be had. */
export type Judges<Name extends JudgeName> = { paths: Record<Name, string> } | { reason: string };

/**
 * Finds what the cache holds; builds the rest where long tests are wanted.
 * @returns the reason, for who skips, when one of them is not there.
 */
export async function findJudges<Name extends JudgeName>(...names: Name[]): Promise<Judges<Name>> {
  const paths = Object.fromEntries(names.map((name) => [name, pathOf(name)])) as Record<Name, string>;
  const missing = names.filter((name) => !existsSync(paths[name]));
  if (missing.length === 0) return { paths };
  if (process.env.MESHLOOM_TEST_LONG !== '1')
    return { reason: `${missing.join(', ')} of the field is not in the cache (MESHLOOM_TEST_LONG=1 builds it)` };
  try {
    for (const name of missing) await build(name, paths[name]);
    return { paths };
  } catch (error) {
    return { reason: `${missing.join(', ')} cannot be built here: ${(error as Error).message}` };
  }
}

function pathOf(name: JudgeName): string {
  const source: JudgeSource = sources[name];
  const directory = join(import.meta.dirname, source.module);
  const hash = createHash('sha256').update(JSON.stringify(source));
  for (const file of filesOf(source, directory)) hash.update(readFileSync(join(directory, file)));
  const { MESHLOOM_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = MESHLOOM_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'meshloom');
  return join(cache, 'judges', `${name}-${hash.digest('hex').slice(0, 12)}`);
}

function filesOf({ modfile }: JudgeSource, directory: string): string[] {
  const own = modfile?.replace(/\.mod$/, '');
  return readdirSync(directory)
    .filter((file) => own === undefined || file.endsWith('.go') || file.startsWith(`${own}.`))
    .sort();
}

/** Built aside, then renamed: who is stopped half-way never leaves half a binary. */
async function build(name: JudgeName, path: string): Promise<void> {
  const { module, modfile, what, flags = '' }: JudgeSource = sources[name];
  const go = findProgram('go');
  if (go === undefined) throw new Error('there is no Go');
  const started = performance.now();
  const directory = join(path, '..');
  mkdirSync(directory, { recursive: true });
  for (const old of readdirSync(directory))
    if (/^(.+)-[0-9a-f]{12}$/.exec(old)?.[1] === name) rmSync(join(directory, old));
  const aside = join(directory, `.${name}-${process.pid}`);
  const args = ['build', '-trimpath', '-buildvcs=false', '-mod=readonly', '-ldflags', `-s -w ${flags}`];
  await promisify(execFile)(
    'nice',
    ['-n', '10', go, ...args, ...(modfile === undefined ? [] : [`-modfile=${modfile}`]), '-o', aside, what],
    {
      cwd: join(import.meta.dirname, module),
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
      maxBuffer: 64e6,
    },
  );
  renameSync(aside, path);
  console.log(`judges: ${name} is built (${Math.round((performance.now() - started) / 1000)} s)`);
}
