import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { composeDocuments, readableText } from './compose.ts';
import { locateDocument } from './locate.ts';
import { Source } from './located.ts';
import type { Located } from './located.ts';
import { mutated } from './mutated.fixture.ts';
import { readPlainDocument } from './plain-reader.ts';
import { samples } from './samples.fixture.ts';

describe('the YAML that is read quickly', () => {
  test.each([
    ['block maps and lists', 'a:\n  b: 1\n  c:\n  - x\n  - v: z\n    w:\nd: ~\n'],
    ['comments anywhere', '# one\n---\n# two\na: # three\n  # four\n  b: c # five\n    # six\n# seven\nd: e\n# eight'],
    ['flow collections, over lines too', 'a: {b: [c, "d", {e: }], f: },\nb: 1\n'.replace('},\n', '}\n')],
    ['JSON', '{\n\t"a": 1,\n\t"b": [true, null, "x\\n\\"y\\\\"],\n\t"c": {}\n}\n'],
    ['literal blocks', 'a: |\n  x\n\n    y\n\nb: |- # c\n  # text\n  z\nc: d'],
    ['quoted scalars', 'a: "b"\n"c": \'it\'\'s\'\nd: ["x: y", \'#\']\n'],
    ['tabs in text', 'a: |\n  {\n  \t"b": 1\t\n  }\nc: d\n'],
    ['the line ends of Windows', 'a:\r\n  - b: "c"\r\n# d\r\n\r\ne: |\r\n  f\r\n\r\n  g\r\nh: {\r\n i: j}\r\n'],
    ['scalars that look like something else', 'a: yes\nb: 0755\nc: -1\nd: http://x:80/#y\ne: 1:30\nf: -x\n8080: on\n'],
  ])('%s', (_, text) => {
    expect(plainly(text)).toEqual(wholly(text));
    expect(plainly(text)).toBeDefined();
  });

  test.each([
    ['an anchor', 'a: &x b\n'],
    ['an alias', 'a: *x\n'],
    ['a tag', 'a: !!str 1\n'],
    ['a merge', '<<: {a: b}\n'],
    ['a key that stands twice', 'a: 1\nb: 2\na: 3\n'],
    ['a key that is a boolean', 'on: 1\n'],
    ['text over several lines', 'a: b\n  c\n'],
    ['quoted text over several lines', 'a: "b\n  c"\n'],
    ['folded text', 'a: >\n  b\n'],
    ['a tab', 'a:\tb\n'],
    ['a tab that indents', 'a:\n\tb: c\n'],
    ['a carriage return alone', 'a: b\rc: d\n'],
    ['an explicit key', '? a\n: b\n'],
    ['two documents', 'a: b\n...\nc: d\n'],
    ['a slip', 'a: b: c\n'],
    ['a list alone', '- a\n'],
    ['nothing', ''],
  ])('leaves %s to the whole parser', (_, text) => {
    expect(plainly(text)).toBeUndefined();
  });

  test('has the values and the ranges that the whole parser finds', () => {
    fc.assert(fc.property(mutated(samples), expectSame), { numRuns: 3000 });
  });
});

function expectSame(text: string): void {
  const plain = plainly(text);
  if (plain) expect(plain).toEqual(wholly(text));
}

function plainly(text: string): unknown {
  const located = readPlainDocument(new Source('a', text, 0), readableText(text));
  return located && outline(located);
}

function wholly(text: string): unknown {
  const source = new Source('a', text, 0);
  const documents = composeDocuments(readableText(text));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  expect(documents.length).toBe(1);
  const { root, problems } = locateDocument(documents[0]!, source);
  expect(problems).toEqual([]);
  return outline(root);
}

/** Everything a rule can ask of a value. */
function outline(located: Located): unknown {
  const { type, start, end, value, flow, quoted, size, key, entries, items, text, range, mark } = located;
  return {
    ...{ type, start, end, value, flow, quoted, size, text, range, mark },
    key: key && { start: key.start, end: key.end, value: key.value, quoted: key.quoted, mark: key.mark },
    entries: entries.map((entry) => [entry.key === entry.value.key, outline(entry.value)]),
    items: items.map(outline),
  };
}
