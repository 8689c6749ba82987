import { readFileSync, statSync } from 'node:fs';
import { largestFile, LoneJudge } from '../language/index.ts';
import type { Input } from './analyze-inputs.ts';
import { takeChunk, toPlain } from './analyze-share.ts';
import type { HelperAnswer, SharedWork } from './analyze-share.ts';

/** The second thread: judges files, as long as there are some, by the rules that look at one resource alone. */
export function helpToAnalyze(work: SharedWork): HelperAnswer {
  const answer: HelperAnswer = { files: [], failures: [] };
  const judge = new LoneJudge({
    ...work.options,
    onRuleFailure: ({ id }, error) => answer.failures.push({ rule: id, error: String(error) }),
  });
  for (let chunk = takeChunk(work); chunk; chunk = takeChunk(work)) {
    for (const file of chunk) {
      const text = read(file);
      if (text !== undefined)
        answer.files.push({ name: file.name, reports: judge.judge(file.name, text).map(toPlain) });
    }
  }
  return answer;
}

/** Undefined for what is left to the first thread: what cannot be read it tells, and a pipe can be read only once. */
function read({ path }: Input): string | undefined {
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > largestFile) return undefined;
    const text = readFileSync(path, 'utf8');
    return text.length <= largestFile ? text : undefined;
  } catch {
    return undefined;
  }
}
