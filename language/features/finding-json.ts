import type { FindingJson } from '../../contract/language-server.ts';
import type { Report } from '../workspace.ts';

/** A finding as other programs read it, field by field as `meshloom analyze --format json` prints it. */
export function toFindingJson(
  { code, severity, message, resource, refType, uri, range, docs, related, fixes, rule }: Report,
  fileOf: (uri: string) => string = (file) => file,
): FindingJson {
  return {
    code,
    level: severity,
    message,
    ...(resource && { resource }),
    ...(refType !== undefined && { refType }),
    file: fileOf(uri),
    range,
    docs,
    related: related.map((other) => ({ file: fileOf(other.uri), range: other.range, message: other.message })),
    fixes: fixes.map(({ title }) => title),
    rule,
  };
}
