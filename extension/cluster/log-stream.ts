import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { unpacked } from './http-call.ts';

/** Hands a log on as it comes; who cannot keep up makes the server wait. Throws what the connection throws. */
export async function readLog(
  response: IncomingMessage,
  onText: (text: string) => void | Promise<void>,
): Promise<void> {
  const decoder = new StringDecoder('utf8');
  for await (const chunk of unpacked(response)) {
    const text = decoder.write(chunk as Buffer);
    if (text !== '') await onText(text);
  }
  const rest = decoder.end();
  if (rest !== '') await onText(rest);
}
