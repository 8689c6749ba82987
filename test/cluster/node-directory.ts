/** Directories of the node as a test compares them: every name with mode, owner and content. */
import type { NodeSpace } from './node-space.ts';

const list = `cd "$0" 2>/dev/null || exit 0; find . -mindepth 1 -maxdepth 1 | sort | while read -r name; do
  printf '%s %s %s\\n' "$(stat -c '%a %u:%g' "$name")" "\${name#./}" "$(readlink "$name" || sha256sum < "$name" | cut -c1-64)"; done`;

/** One line per name: `644 0:0 10-bridge.conflist <hash, or where it links to>`. */
export async function readDirectory(space: NodeSpace, path: string): Promise<string[]> {
  return (await space.run(['sh', '-c', list, path])).trimEnd().split('\n');
}

/** The names alone; empty for a directory that is not there. */
export async function listNames(space: NodeSpace, path: string): Promise<string[]> {
  return (await space.run(['sh', '-c', 'ls -A "$0" 2>/dev/null || :', path])).split('\n').filter((name) => name !== '');
}

/** Bytes of all files below a directory. */
export async function sizeOf(space: NodeSpace, path: string): Promise<number> {
  const script = 'find "$0" -type f -printf "%s\\n" 2>/dev/null || :';
  const sizes = (await space.run(['sh', '-c', script, path])).split('\n').filter((line) => line !== '');
  return sizes.reduce((sum, size) => sum + Number(size), 0);
}
