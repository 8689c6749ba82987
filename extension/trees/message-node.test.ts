import { expect, it } from 'vitest';
import { ClusterFailure } from '../cluster/cluster.ts';
import { summarizeFailure } from './message-node.ts';

it.each([
  ['Login refused by prod', { status: 401 }],
  ['Could not log in to prod', {}],
  ['The login program is missing', { cause: Object.assign(new Error('spawn aws ENOENT'), { code: 'ENOENT' }) }],
])('“%s” is said of a login that failed there', (words, options) => {
  expect(summarizeFailure(new ClusterFailure('unauthorized', '', '', options), 'prod')).toBe(words);
});
