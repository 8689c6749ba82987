import type { PartState } from './tree-store.ts';

/**
 * What is followed in several namespaces as one: live where it is, with the namespaces in which it is refused; out of date
 * since the oldest of them is.
 * @returns undefined while one of them has not answered yet.
 */
export function combineStates(states: ReadonlyMap<string, PartState>): PartState | undefined {
  const all = [...states.values()];
  const [first] = all;
  if (!first || all.some(({ phase }) => phase === 'waiting')) return undefined;
  const refused = [...states].filter(
    ([, { phase, failure, lastSeen }]) =>
      phase === 'refused' && failure?.reason === 'forbidden' && lastSeen === undefined,
  );
  const isPartly = refused.length > 0 && refused.length < all.length;
  const isOld = ({ phase, lastSeen }: PartState) => phase === 'refused' && lastSeen !== undefined;
  const worst =
    all.find(({ phase }) => phase === 'lost') ?? all.find(isOld) ?? all.find(({ phase }) => phase === 'live') ?? first;
  const seen = all.flatMap(({ phase, lastSeen }) => (phase === 'live' || lastSeen === undefined ? [] : [lastSeen]));
  return {
    phase: worst.phase,
    ...(worst.failure && { failure: worst.failure }),
    ...(seen.length > 0 && worst.phase !== 'live' && { lastSeen: Math.min(...seen) }),
    ...(isPartly && { refusedIn: refused.map(([name]) => name) }),
  };
}
