import { expect, it } from 'vitest';
import { formatBytes, formatExactly, formatPackets, share } from './format-count.ts';

it.each([
  [0, '0'],
  [950, '950'],
  [1_234, '1.2K'],
  [3_400_000, '3.4M'],
])('shows %i packets as %s', (packets, text) => expect(formatPackets(packets, 'en')).toBe(text));

it.each([
  [0, '0 B'],
  [300, '300 B'],
  [5_280, '5.3 kB'],
  [999_960, '1 MB'],
  [7_200_000_000, '7.2 GB'],
  [2 ** 53, '9 PB'],
])('shows %i bytes as %s', (bytes, text) => expect(formatBytes(bytes, 'en')).toBe(text));

it('keeps every digit for the tooltip', () => expect(formatExactly(1_234_567, 'en')).toBe('1,234,567'));

it('gives a bar between nothing and the busiest rule', () => {
  expect(share(0, 100)).toBe(0);
  expect(share(100, 100)).toBe(1);
  expect(share(300, 3_000_000)).toBeGreaterThan(0.3);
  expect(share(5, 0)).toBe(0);
});
