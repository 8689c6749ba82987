import { expect, test } from 'vitest';
import { parseSnapshotLine } from './cluster-snapshot.ts';

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };

test.each<[line: string, parsed: unknown]>([
  [
    '{"type":"begin","protocol":1,"context":"c","server":"s","more":1}',
    { type: 'begin', protocol: 1, context: 'c', server: 's' },
  ],
  ['{"type":"begin"}', undefined],
  [JSON.stringify({ type: 'objects', objects: [pod, 1, { kind: 'Pod' }] }), { type: 'objects', objects: [pod] }],
  ['{"type":"objects"}', { type: 'objects', objects: [] }],
  [
    '{"type":"kind","kind":"/Pod","state":"complete","says":""}',
    { type: 'kind', kind: '/Pod', state: 'complete', says: '' },
  ],
  ['{"type":"kind","kind":"/Pod","state":"of tomorrow"}', { type: 'kind', kind: '/Pod', state: 'failed', says: '' }],
  ['{"type":"failure","message":"no"}', { type: 'failure', reason: '', message: 'no', next: '' }],
  ['{"type":"end"}', { type: 'end' }],
  ['{"type":"of tomorrow"}', undefined],
  ['To sign in, open https://login.example', undefined],
  ['null', undefined],
  ['[1]', undefined],
])('%s', (line, parsed) => {
  expect(parseSnapshotLine(line)).toEqual(parsed);
});
