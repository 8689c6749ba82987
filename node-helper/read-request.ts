import type { Readable } from 'node:stream';

/** Bytes. A request names one pod. */
const maxRequest = 1024 * 1024;
/** Milliseconds without a further byte after which what came is all there is. */
const patience = 5_000;

/**
 * One request from a stream. It ends with the JSON object, not with the stream: `pods/exec` of older API servers has no
 * way to close standard input.
 * @returns what came, whole or not; the caller finds out whether it is a request.
 */
export function readRequest(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      clearTimeout(timer);
      stream.removeAllListeners('data');
      stream.pause();
      resolve(text);
    };
    let timer = setTimeout(finish, patience);
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > maxRequest || isWhole(text)) return finish();
      clearTimeout(timer);
      timer = setTimeout(finish, patience);
    });
    stream.once('end', finish);
    stream.once('error', finish);
  });
}

function isWhole(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
