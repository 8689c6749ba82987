import type { ObjectsReply } from '../../contract/language-server.ts';
import type { ParsedFile } from '../parse.ts';
import type { Resource } from '../resource.ts';

/** An object is sent whole: one with more values than this is data, and nothing in it decides about traffic. */
const mostValues = 20_000;

/** What is written, as plain objects, each with the namespace it goes to. */
export function listObjects(resources: Iterable<Resource>, kinds: readonly string[]): ObjectsReply['objects'] {
  const wanted = new Set(kinds);
  const objects: ObjectsReply['objects'] = [];
  for (const { root, namespace, name } of resources) {
    const kind = root.at('kind').string;
    if (kind === undefined || !wanted.has(kind) || name === '' || root.size > mostValues) continue;
    const object = root.toJSON() as Record<string, unknown>;
    const metadata = object['metadata'] as Record<string, unknown>;
    objects.push({ ...object, metadata: { ...metadata, ...(namespace !== '' && { namespace }) } });
  }
  return objects;
}

/** The object that stands on a line: around it, or else the last one that begins before it in the same document. */
export function findObjectAt(file: ParsedFile | undefined, line: number): ObjectsReply['at'] {
  const document = file?.documents.findLast(({ source }) => source.firstLine <= line) ?? file?.documents[0];
  const starting = document?.resources.filter(({ root }) => root.range.start.line <= line);
  const found =
    starting?.findLast(({ root }) => root.range.end.line >= line) ?? starting?.at(-1) ?? document?.resources[0];
  if (!found || found.name === '') return undefined;
  const { apiVersion, namespace, name, root } = found;
  return { apiVersion, kind: root.at('kind').string ?? found.kind, namespace, name };
}
