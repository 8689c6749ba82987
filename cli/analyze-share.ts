import type { LoneJudgeOptions, Report, TextEdit } from '../language/index.ts';
import type { Input } from './analyze-inputs.ts';

/** What a second thread needs to judge some of the files; it crosses to that thread, so it is plain data. */
export interface SharedWork {
  files: readonly Input[];
  options: Omit<LoneJudgeOptions, 'onRuleFailure' | 'rules'>;
  /** The number of the next chunk of files that nobody has taken. */
  taken: Int32Array;
}

/** What comes back when no chunk is left. */
export interface HelperAnswer {
  files: { name: string; reports: PlainReport[] }[];
  failures: { rule: string; error: string }[];
}

/** A report as plain data: its edits are worked out. */
export interface PlainReport extends Omit<Report, 'fixes'> {
  fixes: { title: string; preferred?: boolean; edits: TextEdit[] }[];
}

const filesOfChunk = 8;

export function countChunks(files: readonly Input[]): number {
  return Math.ceil(files.length / filesOfChunk);
}

/** The next files that nobody has taken; undefined when there are none. */
export function takeChunk({ files, taken }: SharedWork): readonly Input[] | undefined {
  const start = Atomics.add(taken, 0, 1) * filesOfChunk;
  return start < files.length ? files.slice(start, start + filesOfChunk) : undefined;
}

export function toPlain({ fixes, ...report }: Report): PlainReport {
  return { ...report, fixes: fixes.map(({ edits, ...fix }) => ({ ...fix, edits: edits() })) };
}

export function fromPlain({ fixes, ...report }: PlainReport): Report {
  return { ...report, fixes: fixes.map(({ edits, ...fix }) => ({ ...fix, edits: () => edits })) };
}
