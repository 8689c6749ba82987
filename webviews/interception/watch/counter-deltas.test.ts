import { describe, expect, it } from 'vitest';
import { describeReading } from '../../../contract/reading-view.ts';
import { armCounters, countSince, parseBaseline } from './counter-deltas.ts';

const text = (...rules: string[]) => `*nat\n:OUTPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`;
const read = (...rules: string[]) => describeReading({ family: '4', backend: 'nft', text: text(...rules) });
const port = (packets: number, dport: number) =>
  `[${packets}:${packets * 60}] -A OUTPUT -p tcp -m tcp --dport ${dport} -j RETURN`;

describe('countSince', () => {
  it('gives each rule what it has met since arming, and leaves out those that met nothing', () => {
    const baseline = armCounters([read(port(5, 80), port(0, 81), port(3, 82))], 0);
    const { byRule, compared, reset } = countSince(baseline, read(port(9, 80), port(0, 81), port(4, 82)));
    expect([...byRule]).toEqual([
      [0, 4],
      [2, 1],
    ]);
    expect({ compared, reset }).toEqual({ compared: 3, reset: 0 });
  });

  it('knows a rule by its text when another is put before it, and names the new one', () => {
    const baseline = armCounters([read(port(5, 80), port(7, 81))], 0);
    const { byRule, added } = countSince(baseline, read(port(2, 79), port(5, 80), port(8, 81)));
    expect([...byRule]).toEqual([
      [0, 2],
      [2, 1],
    ]);
    expect([...added]).toEqual([0]);
  });

  it('keeps two equal rules apart', () => {
    const baseline = armCounters([read(port(5, 80), port(1, 80))], 0);
    expect([...countSince(baseline, read(port(5, 80), port(3, 80))).byRule]).toEqual([[1, 2]]);
  });

  it('counts from zero where a counter fell: the rules were written anew', () => {
    const baseline = armCounters([read(port(500, 80))], 0);
    const { byRule, reset } = countSince(baseline, read(port(2, 80)));
    expect([...byRule]).toEqual([[0, 2]]);
    expect(reset).toBe(1);
  });

  it('compares nothing where nothing was counted, or nothing was there', () => {
    const uncounted = read('-A OUTPUT -p tcp -m tcp --dport 80 -j RETURN');
    expect(countSince(armCounters([uncounted], 0), uncounted).compared).toBe(0);
    expect(countSince(armCounters([], 0), read(port(2, 80))).byRule.size).toBe(0);
  });

  it('survives being kept as JSON, and takes nothing that is not whole', () => {
    const baseline = armCounters([read(port(5, 80))], 12);
    expect(parseBaseline(JSON.parse(JSON.stringify(baseline)))).toEqual(baseline);
    expect(parseBaseline({ armedAt: 1, readings: { a: { rules: [1], packets: [] } } })).toBeUndefined();
    expect(parseBaseline(undefined)).toBeUndefined();
  });
});
