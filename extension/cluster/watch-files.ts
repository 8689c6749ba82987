import { existsSync, lstatSync, readlinkSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join, parse, resolve, sep } from 'node:path';

/** As the kernel has it; more is a circle. */
const mostLinks = 40;

/**
 * Tells when one of the files is written, replaced, comes or goes, be it because a link or a directory on the way to it is
 * another one: `config → ..data/config`, `..data → ..2026_11_21` as Kubernetes mounts Secrets. Directories are watched,
 * because a file that is replaced is another one; of what is not there yet, the nearest directory that is. What cannot be
 * watched is left out. Nothing is polled.
 * @param settleMs writers replace a file in several steps.
 */
export function watchFiles(paths: readonly string[], onChange: () => void, settleMs = 300): { dispose(): void } {
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  const close = () => {
    for (const watcher of watchers.splice(0)) watcher.close();
  };
  const tell = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // The way may lead elsewhere now.
      begin();
      onChange();
    }, settleMs);
  };
  const begin = () => {
    close();
    watchers = [...namesToWatch(paths)].flatMap(([directory, names]) => watchNames(directory, names, tell) ?? []);
  };
  begin();
  return {
    dispose: () => {
      clearTimeout(timer);
      close();
    },
  };
}

function watchNames(directory: string, names: ReadonlySet<string>, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      // Its own name: the directory itself is gone or another one.
      if (name === null || names.has(name) || name === basename(directory)) onChange();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    // There is no such directory, or the system has no watch left.
    return undefined;
  }
}

/** Directory → the names in it that the way to one of the files leads over and that may change: links, and its end. */
export function namesToWatch(paths: readonly string[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (path: string) => {
    const names = found.get(dirname(path)) ?? new Set();
    found.set(dirname(path), names.add(basename(path)));
  };
  for (const path of paths) followWay(resolve(path), add);
  return found;
}

function followWay(path: string, add: (path: string) => void): void {
  let links = 0;
  const { root } = parse(path);
  let here = root;
  const left = path.slice(root.length).split(sep).filter(Boolean);
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    const next = join(here, name);
    const target = linkTarget(next);
    if (target !== undefined || left.length === 0) add(next);
    if (target === undefined) {
      // Not there: whoever makes it is heard.
      if (!existsSync(next)) return add(next);
      here = next;
      continue;
    }
    if ((links += 1) > mostLinks) return;
    const aim = resolve(here, target);
    here = parse(aim).root;
    left.unshift(...aim.slice(here.length).split(sep).filter(Boolean));
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
