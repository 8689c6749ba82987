/**
 * Gives back what a burst of pods has left in the heap. V8 collects when it needs room, and an agent that idles needs none:
 * it would keep the memory of its busiest minute for ever, on every node.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { attempt } from '../failure.ts';

interface CollectOptions {
  type: 'major';
  execution: 'sync';
  /** Caches go as well. */
  flavor: 'last-resort';
}

/** Collects everything that can be; takes some tens of milliseconds, so only while nobody waits. */
export function giveBackMemory(): void {
  attempt(() => findCollector()({ type: 'major', execution: 'sync', flavor: 'last-resort' }));
}

/** `node --expose-gc` has it; without, it can be had all the same. */
function findCollector(): (options: CollectOptions) => void {
  const given = (globalThis as { gc?: unknown }).gc;
  if (typeof given === 'function') return given as (options: CollectOptions) => void;
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as (options: CollectOptions) => void;
}
