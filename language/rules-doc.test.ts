import { expect, test } from 'vitest';
import { rules } from './rules/index.ts';
import { printRulesDoc } from './rules-doc.ts';

test('every rule has its page: why, level, code, and its fixture as the example', () => {
  const doc = printRulesDoc(
    new Map([['virtual-service/subset-not-found', '# meshloom-fixture: strict\nkind: X # want: y\n']]),
  );
  for (const { id, why } of rules) {
    expect(doc).toContain(`\n## ${id}\n\n${why}\n`);
  }
  expect(doc).toContain('```yaml\nkind: X # want: y\n```');
  expect(doc).not.toContain('meshloom-fixture');
  expect(doc).not.toMatch(/\n{3}/);
});
