/** How the file systems of the host are mounted, as one of its processes sees them. */
import { attempt } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { Host } from './host.ts';

export interface Mount {
  /** `/opt`, as the host names it. */
  point: string;
  /** Of the mount and of its file system: `ro`, `noexec`. */
  options: string[];
}

/**
 * The mount that holds a path of the host.
 * @param root prefix under which the host's directories are seen: the host's own mounts are known below
 * `/proc/PID/root` and where our root is the host's.
 */
export function findMount(host: Host, root: string, path: string): Mount | undefined {
  const table =
    root === ''
      ? `${host.proc}/self/mountinfo`
      : root.startsWith(`${host.proc}/`)
        ? `${root.slice(0, -'/root'.length)}/mountinfo`
        : undefined;
  const text = table && attempt(() => host.read(table));
  if (!text) return undefined;
  const real = (attempt(() => resolveInRoot(host, root, path)) ?? path).slice(root.length);
  return parseMounts(text).findLast(({ point }) =>
    point === '/' || real === point || real.startsWith(`${point}/`) ? true : false,
  );
}

/** In the order of the table, sorted so that the deepest point comes last; of equal ones the later covers the earlier. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => {
      const [own, system] = line.split(' - ');
      const fields = own?.split(' ') ?? [];
      if (fields.length < 6 || system === undefined) return [];
      const point = fields[4]!.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      return [{ point, options: [...fields[5]!.split(','), ...(system.split(' ')[2]?.split(',') ?? [])] }];
    })
    .sort((a, b) => a.point.length - b.point.length);
}
