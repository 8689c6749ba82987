import { expect, it } from 'vitest';
import { harmlessData } from './harmless-text.ts';
import { literal } from './markdown.ts';

it.each([
  ['[click](command:x)', '\\[click\\]\\(command:x\\)'],
  ['<img src=x>', '&lt;img src=x&gt;'],
  ['a|b', 'a\\|b'],
  ['two\r\nlines', 'two lines'],
  ['admin\u202enimda', 'admin\ufffdnimda'],
  ['\u001b[31mred\u0007', '\ufffd\\[31mred\ufffd'],
  ['zero\u200bwidth', 'zero\ufffdwidth'],
  ['- item', '\\- item'],
  ['1. item', '1\\. item'],
  ['10.0.0.1 and -1', '10.0.0.1 and -1'],
  ['&copy; `code` $x$', '&amp;copy; \\`code\\` \\$x\\$'],
])('shows %j as it is', (text, markdown) => expect(literal(text)).toBe(markdown));

it('cuts what nobody reads', () => {
  expect(literal('x'.repeat(5_000_000)).length).toBeLessThan(10_000);
});

it('leaves lines of data as they are, and what hides in them does not stay hidden', () => {
  const clean = { text: 'a\n\tb', list: [{ n: 1, none: null }] };
  expect(harmlessData(clean)).toBe(clean);
  expect(harmlessData({ list: ['x\u202ey', 1], same: clean })).toEqual({ list: ['x\ufffdy', 1], same: clean });
});
