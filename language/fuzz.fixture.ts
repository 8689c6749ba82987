import fc from 'fast-check';
import { exercise } from './exercise.fixture.ts';
import { hostile } from './hostile.fixture.ts';
import { mutated } from './mutated.fixture.ts';
import { samples } from './samples.fixture.ts';
import { templates } from './templates.fixture.ts';

export interface FuzzFigures {
  documents: number;
  plain: number;
  findings: number;
  slowest: number;
  /** Of the text that took longest, its beginning. */
  slowestText: string;
}

/**
 * Bends texts until the time is up or enough were tried.
 * @param fixtures more texts to bend.
 * @returns the figures, and what fast-check says of a failure: the smallest text that fails, and how to repeat it.
 */
export function fuzz(fixtures: readonly string[], numRuns: number, seed: number, milliseconds: number) {
  const figures: FuzzFigures = { documents: 0, plain: 0, findings: 0, slowest: 0, slowestText: '' };
  const text = mutated([...samples, ...templates, ...fixtures.filter((fixture) => fixture.trim() !== '')]);
  const result = fc.check(
    fc.property(text, fc.constantFrom('yaml', 'json'), (bent, extension) => count(figures, bent, extension)),
    { numRuns, seed, interruptAfterTimeLimit: milliseconds },
  );
  return { figures, failure: result.failed ? fc.defaultReportMessage(result) : undefined };
}

/** Every text that was made to hurt, once: its name and the milliseconds to all of its findings. */
export function* hurt(): Iterable<{ title: string; milliseconds: number }> {
  for (const [title, text] of hostile) {
    const { milliseconds } = exercise(text);
    yield { title, milliseconds };
  }
}

function count(figures: FuzzFigures, text: string, extension: string): void {
  const { milliseconds, findings, plain } = exercise(text, extension);
  figures.documents++;
  figures.findings += findings;
  figures.plain += plain;
  if (milliseconds > figures.slowest) [figures.slowest, figures.slowestText] = [milliseconds, text.slice(0, 200)];
}
