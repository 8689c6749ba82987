import { expect, it } from 'vitest';
import { initialUiState, parseUiState } from './ui-state.ts';

it('keeps what the person had set', () => {
  const kept = {
    search: '15006',
    reading: '6-nft',
    tab: 'raw',
    hideUnused: true,
    collapsed: ['nat/OUTPUT'],
    scroll: 120,
  };
  expect(parseUiState(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
});

it('starts afresh when there is nothing, or nothing sensible, to keep', () => {
  expect(parseUiState(undefined)).toEqual(initialUiState);
  expect(parseUiState('x')).toEqual(initialUiState);
  expect(parseUiState({ search: 5, tab: 'graph', collapsed: [1, 'nat/INPUT'], scroll: -3 })).toEqual({
    ...initialUiState,
    collapsed: ['nat/INPUT'],
  });
});
