import { describe, expect, it } from 'vitest';
import { parseFromInterceptionView, parseToInterceptionView } from './parse-interception-view.ts';

describe('parseFromInterceptionView', () => {
  it.each([
    { type: 'ready' },
    { type: 'refresh' },
    { type: 'open-raw', reading: '4-nft' },
    { type: 'save', reading: '4-nft', of: 'expected' },
    { type: 'copy', text: '*nat' },
    { type: 'watch', on: true, seconds: 5 },
    { type: 'compare' },
    { type: 'compare', stop: true },
    { type: 'action', id: 'retry' },
  ])('understands $type', (message) => expect(parseFromInterceptionView(message)).toEqual(message));

  it.each([
    undefined,
    null,
    'ready',
    [],
    { type: 'watch' },
    { type: 'copy', text: 5 },
    { type: 'save' },
    { type: 'action', id: 'rm' },
    { type: 'later' },
  ])('takes nothing from %j', (message) => expect(parseFromInterceptionView(message)).toBeUndefined());

  it('keeps the seconds of a watch within what a node bears', () => {
    expect(parseFromInterceptionView({ type: 'watch', on: true, seconds: 0 })).toMatchObject({ seconds: 1 });
    expect(parseFromInterceptionView({ type: 'watch', on: true, seconds: 1e9 })).toMatchObject({ seconds: 3600 });
    expect(parseFromInterceptionView({ type: 'watch', on: true, seconds: 'x' })).toMatchObject({ seconds: 5 });
  });
});

describe('parseToInterceptionView', () => {
  it('stands in for what a state lacks, and keeps what it has', () => {
    const drift = { comparisons: [] };
    expect(
      parseToInterceptionView({
        type: 'state',
        tab: 'drift',
        strings: { Rules: '规则', bad: 1 },
        state: { pod: { name: 'reviews' }, phase: 'later', drift },
      }),
    ).toEqual({
      type: 'state',
      tab: 'drift',
      strings: { Rules: '规则' },
      state: {
        pod: { namespace: '', name: 'reviews', context: '' },
        phase: 'loading',
        readings: [],
        listening: [],
        notes: [],
        drift,
      },
    });
  });

  it('takes nothing from what is no state', () => {
    expect(parseToInterceptionView({ type: 'state' })).toBeUndefined();
    expect(parseToInterceptionView({ type: 'ready', state: { pod: {} } })).toBeUndefined();
    expect(parseToInterceptionView(null)).toBeUndefined();
  });
});
