import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readRequest } from './read-request.ts';

test('takes a request without waiting for the end of the stream', async () => {
  const stream = new PassThrough();
  const request = readRequest(stream);
  stream.write('{"protocol":1,');
  setImmediate(() => stream.write('"verb":"hello"}\n'));
  expect(JSON.parse(await request)).toEqual({ protocol: 1, verb: 'hello' });
});

test('takes one that is spread over lines, and characters that are spread over chunks', async () => {
  const stream = new PassThrough();
  const request = readRequest(stream);
  const bytes = Buffer.from('{\n  "a": {},\n  "name": "größe"\n}\n');
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  expect(JSON.parse(await request)).toEqual({ a: {}, name: 'größe' });
});

test('hands on what came when the stream ends, whole or not', async () => {
  const stream = new PassThrough();
  stream.end('{"protocol":');
  expect(await readRequest(stream)).toBe('{"protocol":');
});
