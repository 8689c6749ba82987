/**
 * Whether to paint. A wish beats a guess: `FORCE_COLOR` (anything but `0` and `false`), then `NO_COLOR` (https://no-color.org:
 * anything but empty), then whether a person looks at a terminal that can.
 */
export function wantsColor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (no !== undefined && no !== '') return false;
  return isTerminal && term !== 'dumb';
}
