/**
 * The host's files below a prefix: the helper sees `/etc/cni/net.d` of the host at `/host/etc/cni/net.d`, or through
 * `/proc/PID/root` of a host process. A link there that begins with `/` means the host's root, not ours; the kernel does
 * not know that, so links are followed here.
 */
import { attempt } from './failure.ts';
import type { Host } from './host.ts';

/** As many links as the kernel follows before it says ELOOP. */
const maxLinks = 40;

/**
 * Where a path of the host lies for us, with every link followed inside the prefix; `..` never leads out of it.
 * @param root prefix without a slash at its end; empty: our own root.
 * @param path absolute, as the host names it.
 * @throws an error with code `ELOOP`; a missing file is no error here, the last part is simply appended.
 */
export function resolveInRoot(host: Pick<Host, 'facts' | 'readLink'>, root: string, path: string): string {
  const pending = partsOf(path);
  let done: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = `${root}/${[...done, part].join('/')}`;
    const target = attempt(() => (host.facts(here).kind === 'link' ? host.readLink(here) : undefined));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > maxLinks) throw Object.assign(new Error(`ELOOP: too many links, ${path}`), { code: 'ELOOP' });
    if (target.startsWith('/')) done = [];
    pending.unshift(...partsOf(target));
  }
  return `${root}/${done.join('/')}`;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
