import { expect, test } from 'vitest';
import { nodeHelperProtocol, parseNodeHelperReply, parseNodeHelperRequest, UnreadableReply } from './node-helper.ts';

const frame = { protocol: 1, helper: { version: '0.1.0', hash: '4be1' } };

test('reads a reply, and fills in what an older helper does not know yet', () => {
  const reply = parseNodeHelperReply(
    JSON.stringify({ ...frame, ok: true, result: { readings: [], pid: 7 } }),
    'inspect-pod',
  );
  expect(reply).toMatchObject({
    ok: true,
    helper: frame.helper,
    result: { pid: 7, readings: [], notes: [], listening: [], routes: [] },
  });
});

test('an error is a reply like any other', () => {
  const error = { code: 'host-network', message: 'Pod a/b uses the host’s network.' };
  expect(parseNodeHelperReply(JSON.stringify({ ...frame, ok: false, error }), 'inspect-pod')).toEqual({
    ...frame,
    ok: false,
    error,
  });
});

test.each([
  ['cut off', '{"protocol":1,"helper":{"versi'],
  ['another program’s output', 'sh: node: not found'],
  ['JSON of somebody else', '{"kind":"Status"}'],
  ['a reply to another verb', JSON.stringify({ ...frame, ok: true, result: { files: [] } })],
  [
    'a later protocol',
    JSON.stringify({ ...frame, protocol: nodeHelperProtocol + 1, ok: true, result: { readings: [] } }),
  ],
  ['nothing', ''],
])('refuses what is no reply: %s', (_, text) => {
  expect(() => parseNodeHelperReply(text, 'inspect-pod')).toThrow(UnreadableReply);
});

test('drops from a request what has the wrong type', () => {
  const request = {
    protocol: 1,
    verb: 'inspect-pod',
    pod: { uid: 'u', ips: ['10.0.0.1', 5, null], containerIds: 'x' },
  };
  expect(parseNodeHelperRequest(JSON.stringify(request))).toEqual({
    protocol: 1,
    verb: 'inspect-pod',
    pod: { uid: 'u', namespace: '', name: '', ips: ['10.0.0.1'], containerIds: [] },
  });
  expect(parseNodeHelperRequest('{"protocol":1,"verb":"read-cni","confDir":7}')).toEqual({
    protocol: 1,
    verb: 'read-cni',
  });
});
