import { watch, type FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Writers replace a file in several steps. In milliseconds. */
const settleMs = 300;

/**
 * Tells when one of the files is written, replaced, comes or goes. Their directories are watched, because a file that is
 * replaced is another one; of a link also where it leads. What cannot be watched is left out. Nothing is polled.
 */
export function watchFiles(paths: readonly string[], onChange: () => void): { dispose(): void } {
  const watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isDisposed = false;
  const tell = () => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs);
  };
  const byDirectory = new Map<string, Set<string>>();
  const add = (path: string) => {
    const directory = dirname(path);
    const names = byDirectory.get(directory);
    if (names) return void names.add(basename(path));
    const fresh = new Set([basename(path)]);
    byDirectory.set(directory, fresh);
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || fresh.has(name)) tell();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // There is no such directory, or the system has no watch left.
    }
  };
  for (const path of paths) {
    add(path);
    void realpath(path).then(
      (target) => {
        if (target !== path && !isDisposed) add(target);
      },
      () => undefined,
    );
  }
  return {
    dispose: () => {
      isDisposed = true;
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
