import { expect, it } from 'vitest';
import { emptyTraceForm } from './trace/trace-form.ts';
import { initialUiState, parseUiState } from './ui-state.ts';

it('keeps what the person had set', () => {
  const kept = {
    search: '15006',
    reading: '6-nft',
    tab: 'raw',
    hideUnused: true,
    collapsed: ['nat/OUTPUT'],
    scroll: 120,
    pages: {},
    viewport: { x: 4, y: -10.5, scale: 1.25 },
    node: 'nat/OUTPUT',
    trace: { ...emptyTraceForm, dst: '10.0.0.1', dport: '80' },
    showTrace: true,
    watch: { armedAt: 5, readings: { '4-nft': { rules: [1, 2], packets: [0, -1] } } },
    watchSeconds: 10,
  };
  expect(parseUiState(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
});

it('starts afresh when there is nothing, or nothing sensible, to keep', () => {
  expect(parseUiState(undefined)).toEqual(initialUiState);
  expect(parseUiState('x')).toEqual(initialUiState);
  expect(
    parseUiState({
      search: 5,
      tab: 'chart',
      collapsed: [1, 'nat/INPUT'],
      scroll: -3,
      viewport: { x: NaN },
      watch: { armedAt: 1, readings: { a: { rules: [1] } } },
      showTrace: true,
      watchSeconds: 0,
    }),
  ).toEqual({
    ...initialUiState,
    collapsed: ['nat/INPUT'],
  });
});
