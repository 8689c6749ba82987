/**
 * Images without a registry: a root directory made of this machine's own programs and the libraries that they name,
 * packed as `docker save` packs them.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, globSync } from 'node:fs';
import { copyFile, cp, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './missing-programs.ts';

const run = promisify(execFile);

export interface ImageRecipe {
  /** `docker.io/library/node:24-slim` */
  name: string;
  /** Path in the image → program on this machine. */
  programs: Record<string, string>;
  /** Directories that are copied whole, to where they are here. */
  directories?: string[];
  command: string[];
}

export const pauseImage = 'meshloom.test/pause:1';
export const proxyImage = 'meshloom.test/proxy:1';
/** As Istio's default proxy image: iptables under its usual names, nft, ip and a shell. */
export const shellProxyImage = 'meshloom.test/proxy-with-shell:1';
export const nodeImage = 'docker.io/library/node:24-slim';

/** Nothing but what holds the sandbox: linked statically. */
export function pauseRecipe(pause: string): ImageRecipe {
  return { name: pauseImage, programs: { '/pause': pause }, command: ['/pause'] };
}

/**
 * What the node helper can count on in `node:24-slim`: Node, and of Debian's base what it calls. The real image has
 * neither iptables nor nft nor ip, so this one has none either.
 */
export function nodeRecipe(): ImageRecipe {
  const ofDebian = ['nsenter', 'setpriv', 'chroot', 'tail', 'sh', 'cat', 'ls', 'sleep', 'env'];
  const programs = Object.fromEntries(
    ofDebian.map((name) => [`${name === 'chroot' ? '/usr/sbin' : '/usr/bin'}/${name}`, findProgram(name)!]),
  );
  return { name: nodeImage, programs: { '/usr/local/bin/node': process.execPath, ...programs }, command: ['node'] };
}

/** A container that brings iptables with it, as Istio's proxy does. */
export function proxyRecipe(): ImageRecipe {
  const programs = Object.fromEntries(
    ['xtables-nft-multi', 'sleep'].map((name) => [`/usr/sbin/${name}`, findProgram(name)!]),
  );
  return { name: proxyImage, programs, directories: [findIptablesExtensions()], command: ['sleep', '3600'] };
}

/** The same with a shell, and with the names under which Debian has the programs. */
export function shellProxyRecipe(): ImageRecipe {
  const nft = findProgram('xtables-nft-multi')!;
  const legacy = findProgram('xtables-legacy-multi')!;
  const tables = ['iptables', 'ip6tables'].flatMap((tool) =>
    [tool, `${tool}-save`, `${tool}-restore`].flatMap((name): [string, string][] => [
      [`/usr/sbin/${name}`, nft],
      [`/usr/sbin/${name.replace('tables', 'tables-nft')}`, nft],
      [`/usr/sbin/${name.replace('tables', 'tables-legacy')}`, legacy],
    ]),
  );
  const others = ['nft', 'ip', 'sh', 'cat', 'sleep'].map((name): [string, string] => [
    `/usr/bin/${name}`,
    findProgram(name)!,
  ]);
  const programs = Object.fromEntries([...tables, ...others]);
  return { name: shellProxyImage, programs, directories: [findIptablesExtensions()], command: ['sleep', '3600'] };
}

/** Beside libxtables, by distribution: iptables cannot name a match or a target without its file there. */
function findIptablesExtensions(): string {
  const [directory] = globSync('/usr/{lib,lib64,libexec}{,/*-linux-gnu*}/xtables');
  if (!directory) throw new Error('There is no directory of iptables extensions (…/xtables) on this machine.');
  return directory;
}

/**
 * Makes `<directory>/image.tar` for `ctr images import`.
 * @param directory is made, and filled with the root directory too.
 */
export async function packImage(
  { name, programs, directories = [], command }: ImageRecipe,
  directory: string,
): Promise<string> {
  const root = join(directory, 'root');
  await mkdir(join(root, 'tmp'), { recursive: true, mode: 0o1777 });
  // As in Debian: one tree of programs and libraries, whatever the path that names them.
  for (const path of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', path), { recursive: true });
    await symlink(`usr/${path}`, join(root, path));
  }
  await mkdir(join(root, 'etc'));
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/usr/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n',
  );
  const wanted = new Map<string, string>();
  for (const [path, program] of Object.entries(programs)) {
    wanted.set(path, program);
    for (const library of await listLibraries(program)) wanted.set(library, library);
  }
  for (const [path, program] of wanted) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(program), target);
  }
  for (const path of directories) await cp(path, join(root, path), { recursive: true });
  return await packLayer(directory, root, name, command);
}

/** What the loader would load: the right side of `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the loader itself. */
async function listLibraries(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path]) => path!);
}

async function packLayer(directory: string, root: string, name: string, command: string[]): Promise<string> {
  const layer = join(directory, 'layer.tar');
  await run('tar', ['-cf', layer, '--owner=0', '--group=0', '-C', root, '.']);
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: command },
    rootfs: { type: 'layers', diff_ids: [`sha256:${await hashFile(layer)}`] },
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: [basename(layer)] }];
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  const image = join(directory, 'image.tar');
  await run('tar', ['-cf', image, '-C', directory, 'manifest.json', 'config.json', basename(layer)]);
  return image;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
