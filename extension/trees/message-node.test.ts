import { expect, it } from 'vitest';
import { ClusterFailure } from '../cluster/cluster.ts';
import { summarizeFailure } from './message-node.ts';
import { nothingToShow } from './nothing-to-show.ts';
import type { TreeStore } from './store/tree-store.ts';

it.each([
  ['Login refused by prod', { status: 401 }],
  ['Could not log in to prod', {}],
  ['The login program is missing', { cause: Object.assign(new Error('spawn aws ENOENT'), { code: 'ENOENT' }) }],
])('“%s” is said of a login that failed there', (words, options) => {
  expect(summarizeFailure(new ClusterFailure('unauthorized', '', '', options), 'prod')).toBe(words);
});

it('offers a terminal below a login that failed for lack of one, and below no other', () => {
  const rows = (mayAskInTerminal?: boolean) => {
    const failure = new ClusterFailure('unauthorized', 'why', '', mayAskInTerminal ? { mayAskInTerminal } : {});
    const store = { phase: 'failed', failure, login: undefined } as unknown as TreeStore;
    return nothingToShow(store)?.map((node) => node.item().command?.id);
  };
  expect(rows(true)).toEqual(['meshloom.refresh', 'meshloom.loginInTerminal']);
  expect(rows()).toEqual(['meshloom.refresh']);
});
