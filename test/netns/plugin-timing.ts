/**
 * How long ADD takes with and without us, in milliseconds; the agent runs already.
 *
 *     node plugin-timing.js '{"place":{…},"work":"/tmp/…"}'
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { bridgeEntry, type ChainPlace, type Entry, ourEntry, PluginChain } from './plugin-chain.ts';

type Times = Record<'without' | 'declined' | 'programmed', number>;

export interface PluginTimes {
  alone: Times;
  /** 12 at once: what one takes. */
  together: Times;
}

const { place, work } = JSON.parse(process.argv[2] ?? '{}') as { place: ChainPlace; work: string };
const kinds: Record<keyof Times, { pod: string; plugins: Entry[] }> = {
  without: { pod: 'declined', plugins: [bridgeEntry(work)] },
  declined: { pod: 'declined', plugins: [bridgeEntry(work), ourEntry(work)] },
  programmed: { pod: 'reviews-1', plugins: [bridgeEntry(work), ourEntry(work)] },
};

/** @returns the mean of so many pods that start together. */
async function measure({ pod, plugins }: { pod: string; plugins: Entry[] }, count: number): Promise<number> {
  const netns = Array.from({ length: count }, (_, at) => `${place.podNetns}-${at}`);
  for (const name of netns) execFileSync('ip', ['netns', 'add', name]);
  try {
    const chains = netns.map((podNetns) => new PluginChain({ ...place, podNetns }, '1.0.0', plugins));
    const times = await Promise.all(
      chains.map(async (chain) => {
        const began = performance.now();
        await chain.add(pod);
        return performance.now() - began;
      }),
    );
    for (const chain of chains) await chain.del(pod);
    return times.reduce((sum, time) => sum + time, 0) / count;
  } finally {
    for (const name of netns) spawnSync('ip', ['netns', 'del', name]);
  }
}

/** Taking turns: what else goes on here hits all of them. */
async function medians(rounds: number, count: number): Promise<Times> {
  const all: Record<keyof Times, number[]> = { without: [], declined: [], programmed: [] };
  for (let round = 0; round < rounds; round++)
    for (const kind of ['without', 'declined', 'programmed'] as const)
      all[kind].push(await measure(kinds[kind], count));
  const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
  return { without: median(all.without), declined: median(all.declined), programmed: median(all.programmed) };
}

void (async () => {
  const times: PluginTimes = { alone: await medians(50, 1), together: await medians(5, 12) };
  process.stdout.write(`${JSON.stringify(times)}\n`);
})();
