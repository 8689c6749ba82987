/**
 * What `dist/cluster-snapshot.js` prints while it reads a cluster: JSON, one message a line, the last one `end` or
 * `failure`. The program that reads it may be older or newer, so the first line names the protocol and every line is
 * parsed, never trusted.
 *
 * Sample, shortened:
 *
 *     {"type":"begin","protocol":1,"context":"kind-mesh","server":"https://127.0.0.1:6443"}
 *     {"type":"objects","objects":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"reviews","namespace":"shop"},"spec":{}}]}
 *     {"type":"kind","kind":"/Service","state":"complete","says":""}
 *     {"type":"kind","kind":"/Secret","state":"refused","says":"Could not list secrets …"}
 *     {"type":"kind","kind":"/Pod","state":"part","says":"","namespaces":["shop","web"]}
 *     {"type":"end"}
 */
import { isPlainObject, parseObjects } from './cluster-layer.ts';
import type { PlainObject } from './cluster-layer.ts';

/** Grows by one when an old reader could misunderstand a new line. New fields and new types of lines do not change it. */
export const snapshotProtocol = 1;

/**
 * How much of a kind was read. `complete`: all of it. `absent`: the cluster does not serve it, so there is none. `refused`
 * and `failed`: perhaps a part of it; that one is missing may not be said. `part`: all that was asked for, which is less than
 * the cluster.
 */
export const kindStates = ['complete', 'absent', 'refused', 'failed', 'part'] as const;
export type KindState = (typeof kindStates)[number];

export type SnapshotLine =
  | { type: 'begin'; protocol: number; context: string; server: string }
  | { type: 'objects'; objects: PlainObject[] }
  /**
   * `kind`: group/kind, `apps/Deployment`, `/Pod`. `says`: why it is not complete, in the user's words; else empty.
   * `namespaces`: where it was read, when not everywhere. `unasked`: namespaces of which nobody knows whether it may be read.
   */
  | { type: 'kind'; kind: string; state: KindState; says: string; namespaces?: string[]; unasked?: number }
  /** Nothing more comes, and what came is not to be used. `reason` is a word for code, `message` and `next` are for the user. */
  | { type: 'failure'; reason: string; message: string; next: string }
  | { type: 'end' };

/** Reads one line. @returns undefined for what is no line of this protocol, such as a word of another program. */
export function parseSnapshotLine(text: string): SnapshotLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isPlainObject(value)) return undefined;
  const word = (name: string) => (typeof value[name] === 'string' ? value[name] : '');
  switch (value['type']) {
    case 'begin': {
      const { protocol } = value;
      if (typeof protocol !== 'number') return undefined;
      return { type: 'begin', protocol, context: word('context'), server: word('server') };
    }
    case 'objects':
      return { type: 'objects', objects: parseObjects(value['objects']) };
    case 'kind': {
      const state = kindStates.find((known) => known === value['state']) ?? 'failed';
      const { namespaces, unasked } = value;
      return {
        ...({ type: 'kind', kind: word('kind'), state, says: word('says') } as const),
        ...(Array.isArray(namespaces) && { namespaces: namespaces.filter((name) => typeof name === 'string') }),
        ...(typeof unasked === 'number' && { unasked }),
      };
    }
    case 'failure':
      return { type: 'failure', reason: word('reason'), message: word('message'), next: word('next') };
    case 'end':
      return { type: 'end' };
    default:
      return undefined;
  }
}
