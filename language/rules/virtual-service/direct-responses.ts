import type { Located } from '../../located.ts';

/** The bodies of direct responses with their size in bytes, as they will be sent. */
export function* responseBodies(spec: Located): Iterable<{ body: Located; bytes: number }> {
  for (const response of spec.at('http').items.map((http) => http.at('directResponse', 'body'))) {
    const { string, bytes } = { string: response.at('string'), bytes: response.at('bytes') };
    if (string.string !== undefined) yield { body: string, bytes: Buffer.byteLength(string.string) };
    if (bytes.string !== undefined) yield { body: bytes, bytes: Buffer.byteLength(bytes.string, 'base64') };
  }
}

export const kilobyte = 1024;
export const megabyte = 1024 * kilobyte;
