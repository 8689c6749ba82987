import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exercise } from './exercise.fixture.ts';
import { hostile } from './hostile.fixture.ts';
import { mutated } from './mutated.fixture.ts';
import { parse } from './parse.ts';
import { samples } from './samples.fixture.ts';
import { templates } from './templates.fixture.ts';
import { Workspace } from './workspace.ts';

describe('bad input', () => {
  // A generous bound, as tests run side by side on slow machines; \`npm run fuzz\` prints what each takes.
  test.each(hostile)(
    '%s is read or left in peace, soon',
    (_, text) => {
      const workspace = new Workspace({
        syntaxErrors: 'all',
        onRuleFailure: (rule, error) => expect.fail(`${rule.id}: ${String(error)}`),
      });
      const started = performance.now();
      parse(text, 'file:///a.yaml');
      const parsed = performance.now() - started;
      if (text.length < 1_400_000 || parsed < 500) workspace.setFile('file:///a.yaml', text.slice(0, 300_000));
      workspace.findings();
      expect(parsed).toBeLessThan(10_000);
    },
    30_000,
  );

  test('text that was bent is never more than findings on places in it', () => {
    fc.assert(
      fc.property(mutated([...samples, ...templates]), (text) => void exercise(text)),
      { numRuns: 1_000 },
    );
  });

  test.each(templates.map((text) => [text.split('\n', 1)[0], text]))('nothing is said of %s', (_, text) => {
    expect(exercise(text!).findings).toBe(0);
  });
});
