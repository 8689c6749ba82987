/**
 * The name that was probably meant: the closest one, when it is close enough to be a slip of the fingers.
 * @returns undefined when nothing is near, and when several are equally near: `v3` is no slip of `v1` rather than `v2`.
 */
export function findNearMiss(typed: string, names: Iterable<string>): string | undefined {
  const lower = typed.toLowerCase();
  let best: string | undefined;
  // A third of the word may be wrong, but in a word of three letters one.
  const limit = Math.max(1, Math.floor(typed.length / 3)) + 1;
  let nearest = limit;
  for (const name of names) {
    if (name === typed || Math.abs(name.length - typed.length) >= limit) continue;
    const distance = name.toLowerCase() === lower ? 0 : editDistance(lower, name.toLowerCase(), limit - 1);
    if (distance === 0) return name;
    if (distance > nearest || distance >= limit) continue;
    best = distance === nearest ? undefined : name;
    nearest = distance;
  }
  return best;
}

/**
 * How many typing slips lie between two words: a letter missing, one too many, another one, or two neighbours swapped.
 * Stops counting above `limit` and then returns `limit + 1`.
 */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      current.push(cost);
    }
    if (Math.min(...current) > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return Math.min(previous[b.length]!, limit + 1);
}
