import { expect, it } from 'vitest';
import { describeReading } from '../../../contract/reading-view.ts';
import { recordedRules } from '../../gallery/recorded-rules.ts';
import { compareReadings, counterpart } from './compare-readings.ts';

const read = (text: string, family: '4' | '6' = '4', backend: 'nft' | 'legacy' = 'nft') =>
  describeReading({ family, backend, text });

it('finds no difference between pods whose rules differ in text only', () => {
  const here = read(recordedRules.redirect.v4);
  const there = read(recordedRules.redirect.v4.replace(/^\[\d+:\d+\]/gm, '[7:420]'));
  expect(compareReadings(here, there, 'details-1')).toMatchObject({ status: 'same', differences: [] });
});

it('says what differs, with the effect in the other pod’s name and the cause of its rule', () => {
  const here = read(recordedRules.redirect.v4);
  const there = read(recordedRules.redirect.v4.replace('--to-ports 15001', '--to-ports 15101'));
  const { status, differences } = compareReadings(here, there, 'details-1');
  expect(status).toBe('drift');
  expect(differences).toHaveLength(1);
  expect(differences[0]).toMatchObject({ kind: 'changed', expected: expect.stringContaining('15101') as string });
  expect(differences[0]?.effect).toContain('In details-1 it');
  expect(differences[0]?.cause).toBeTruthy();
});

it('puts readings of the same family side by side, of the same backend where there is one', () => {
  const here = read(recordedRules.redirect.v4);
  const others = [read('', '6'), read('', '4', 'nft'), read(recordedRules.redirect.v4, '4', 'legacy')];
  expect(counterpart(here, others)?.id).toBe('4-nft');
  expect(counterpart(here, others.slice(2))?.id).toBe('4-legacy');
  expect(counterpart(here, others.slice(0, 1))).toBeUndefined();
});

it('lists what only one of them has, at once, where following every packet would take minutes', () => {
  const many = (net: number) =>
    read(
      `*nat\n:OUTPUT ACCEPT [0:0]\n${Array.from({ length: 3000 }, (_, at) => `-A OUTPUT -d ${net}.0.${at >> 8}.${at & 255}/32 -j RETURN`).join('\n')}\nCOMMIT\n`,
    );
  const start = performance.now();
  const { status, differences, whyUnknown } = compareReadings(many(10), many(11), 'details-1');
  expect(performance.now() - start).toBeLessThan(2000);
  expect(status).toBe('unknown');
  expect(whyUnknown).toContain('6000 lines');
  expect(differences).toHaveLength(6000);
  expect(compareReadings(many(10), many(10), 'details-1').status).toBe('same');
});

it('follows every packet where rules only stand in another order', () => {
  const [one, two] = ['-A OUTPUT -p tcp -m tcp --dport 1 -j RETURN', '-A OUTPUT -p tcp -j REDIRECT --to-ports 15001'];
  const save = (...rules: string[]) => read(`*nat\n:OUTPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`);
  expect(compareReadings(save(one, two), save(two, one), 'details-1').status).toBe('drift');
});
