import { describe, expect, it } from 'vitest';
import type { CniCall } from './types.ts';
import { NotOurs, parseReply, printReply, printRequest, RequestReader } from './wire.ts';

const call: CniCall = {
  pid: 4711,
  netnsFd: -1,
  env: { CNI_COMMAND: 'ADD', CNI_ARGS: 'A=b=c\nd', CNI_PATH: '' },
  stdin: Buffer.from([0x7b, 0xff, 0x00, 0x7d]),
};

describe('a request', () => {
  it('comes back as it was sent, in pieces of any size', () => {
    const bytes = printRequest(call);
    for (const size of [1, 7, bytes.length]) {
      const reader = new RequestReader();
      const got: CniCall[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const whole = reader.push(bytes.subarray(at, at + size));
        if (whole) got.push(whole);
      }
      expect(got).toEqual([call]);
    }
  });

  it.each([
    'GET / HTTP/1.1\r\n',
    'meshloom-cni 2 1 1 0 0\n',
    'meshloom-cni 1 1 1 0\n',
    'x'.repeat(500),
    'meshloom-cni 1 1 1 0 99999999999\n',
  ])('is refused as soon as it is none: %s', (text) =>
    expect(() => new RequestReader().push(Buffer.from(text))).toThrow(NotOurs),
  );
});

describe('a reply', () => {
  it('comes back as it was sent', () => {
    const reply = { exit: 1, stdout: Buffer.from('{"code":100}\n') };
    expect(parseReply(printReply(reply))).toEqual(reply);
  });

  it.each(['', 'meshloom-cni 1 0 5\n{}', 'meshloom-cni 1 0 1\n{}', 'nonsense\n'])(
    'is none when it is cut off: %s',
    (text) => expect(parseReply(Buffer.from(text))).toBeUndefined(),
  );
});
