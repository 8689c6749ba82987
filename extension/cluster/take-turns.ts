/** Longer at a stretch nobody works here: keys and other extensions share this thread. In milliseconds. */
const longestTurn = 8;

/** When the present turn of the event loop began to be used; undefined: nobody has worked in it. */
let began: number | undefined;

/**
 * To be asked between two pieces of work by whoever has many. All that ask share one turn: ten watches that wake up together
 * do not work ten times as long.
 * @returns undefined: go on; else resolves when others had their turn.
 */
export function takeTurns(): Promise<void> | undefined {
  const now = performance.now();
  if (began === undefined) {
    began = now;
    setImmediate(() => (began = undefined));
    return undefined;
  }
  return now - began < longestTurn ? undefined : new Promise((resolve) => setImmediate(resolve));
}
