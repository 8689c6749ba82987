/** Which contexts are protected: the setting `meshloom.protectedContexts`, pattern → what happens to a write. No editor here. */

/** `refuse`: nothing is written there. `confirm`: only after the context's name has been typed. */
export type Protection = 'refuse' | 'confirm';

/** `{ "prod*": "refuse", "*staging*": "confirm" }` */
export type ProtectedContexts = Record<string, unknown>;

/**
 * @param settings of every level (user, workspace, folder): none can loosen what another one demands.
 * @returns the strictest that matches, with its pattern. A value that is no action counts as `refuse`.
 */
export function findProtection(
  context: string,
  settings: readonly (ProtectedContexts | undefined)[],
): { protection: Protection; pattern: string } | undefined {
  const matching = settings.flatMap((setting) =>
    Object.entries(isRecord(setting) ? setting : {})
      .filter(([pattern]) => matchesPattern(pattern, context))
      .map(([pattern, action]) => ({
        pattern,
        protection: action === 'confirm' ? ('confirm' as const) : ('refuse' as const),
      })),
  );
  return matching.find(({ protection }) => protection === 'refuse') ?? matching[0];
}

/**
 * As shells match names: `*` any characters (also `/` and `:`, of which cloud providers' names are full), `?` one,
 * `[abc]` one of them, `{a,b}` either. Case does not matter: protecting too much is the smaller mistake.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  return matchHere([...pattern.toLowerCase()], 0, [...name.toLowerCase()], 0, { steps: 0 });
}

/** A pattern of the user's own making cannot hang the editor: after that many steps it counts as matching. */
const mostSteps = 100_000;

function matchHere(
  pattern: readonly string[],
  p: number,
  name: readonly string[],
  n: number,
  work: { steps: number },
): boolean {
  if (++work.steps > mostSteps) return true;
  const char = pattern[p];
  if (char === undefined) return n === name.length;
  if (char === '*') {
    for (let end = n; end <= name.length; end++) if (matchHere(pattern, p + 1, name, end, work)) return true;
    return false;
  }
  if (char === '{') {
    const close = pattern.indexOf('}', p);
    if (close > p) {
      const rest = pattern.slice(close + 1);
      return pattern
        .slice(p + 1, close)
        .join('')
        .split(',')
        .some((choice) => matchHere([...choice, ...rest], 0, name, n, work));
    }
  }
  if (n >= name.length) return false;
  if (char === '[') {
    const close = pattern.indexOf(']', p + 2);
    if (close > p) {
      const isListed = isInClass(pattern.slice(p + 1, close).join(''), name[n]!);
      return isListed && matchHere(pattern, close + 1, name, n + 1, work);
    }
  }
  return (char === '?' || char === name[n]) && matchHere(pattern, p + 1, name, n + 1, work);
}

function isInClass(text: string, char: string): boolean {
  const negated = /^[!^]/.test(text);
  const listed = negated ? text.slice(1) : text;
  const ranges = listed.match(/.-.|./gsu) ?? [];
  const isIn = ranges.some((range) => {
    const ends = [...range];
    return ends.length === 3 ? ends[0]! <= char && char <= ends[2]! : range === char;
  });
  return isIn !== negated;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
