import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Workspace } from '../language/index.ts';
import type { Input } from './analyze-inputs.ts';
import { countChunks, fromPlain, takeChunk } from './analyze-share.ts';
import type { HelperAnswer, SharedWork } from './analyze-share.ts';
import type { Terminal } from './verb.ts';

/**
 * A second thread for a big analysis. It reads the files by itself and asks the rules that look at one resource alone, while
 * the first thread compares resources; then both share what is left. The findings are the same with and without it.
 */
export class Helper {
  private readonly worker: Worker;
  private readonly work: SharedWork;
  private readonly answered: Promise<HelperAnswer | undefined>;

  /** @param program a file that calls {@link helpToAnalyze} when it is no main thread. */
  constructor(program: string, files: readonly Input[], options: SharedWork['options']) {
    const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.work = { files, options, taken };
    this.worker = new Worker(program, { workerData: this.work, stdout: true, stderr: true });
    this.answered = answerOf(this.worker);
    // Whatever happens to it, the first thread can do everything.
    this.worker.on('error', () => undefined);
  }

  /**
   * Does the parts of the analysis here that the other thread has not taken, and adds what it found. What it could not do, for
   * whatever reason, the workspace does by itself when it is asked for findings.
   */
  async share(workspace: Workspace): Promise<HelperAnswer['failures']> {
    const { oneRun } = workspace;
    if (!oneRun) return [];
    oneRun.judgeTogether();
    let chunks = 0;
    for (let chunk = takeChunk(this.work); chunk; chunk = takeChunk(this.work)) {
      chunks++;
      for (const { name } of chunk) oneRun.judgeAlone(name);
    }
    // It came too late to take anything: nobody waits for it.
    const answer = chunks === countChunks(this.work.files) ? undefined : await this.answered;
    void this.worker.terminate();
    for (const { name, reports } of answer?.files ?? []) oneRun.takeOver(name, reports.map(fromPlain));
    return answer?.failures ?? [];
  }
}

/** Starts a {@link Helper} where it pays and can be had. */
export function startHelper(
  helper: Terminal['helper'],
  inputs: readonly Input[],
  options: SharedWork['options'],
): Helper | undefined {
  if (!helper || inputs.length < helper.fromFiles || availableParallelism() < 2) return undefined;
  const files = inputs.filter(({ name }) => name !== '-');
  try {
    return new Helper(helper.program, files, options);
  } catch {
    return undefined;
  }
}

/** Undefined when the thread failed: a system may allow no second one. */
async function answerOf(worker: Worker): Promise<HelperAnswer | undefined> {
  const given = new AbortController();
  try {
    const message = once(worker, 'message', { signal: given.signal }) as Promise<[HelperAnswer]>;
    const ended = once(worker, 'exit', { signal: given.signal }).then(() => undefined);
    return (await Promise.race([message, ended]))?.[0];
  } catch {
    return undefined;
  } finally {
    given.abort();
  }
}
