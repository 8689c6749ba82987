import { isClusterUri } from '../language/index.ts';
import type { Report } from '../language/index.ts';
import { findNameFromRoot } from './artifact-location.ts';
import type { Folder } from './artifact-location.ts';
import { createSarifLog } from './sarif.ts';
import type { SarifContext } from './sarif.ts';

export const reportFormats = ['text', 'json', 'sarif', 'github'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** All findings as one text, in the order given. */
export function printReports(
  reports: readonly Report[],
  format: ReportFormat,
  context: SarifContext & { color: boolean },
): string {
  switch (format) {
    case 'text':
      return reports.map((report) => printLine(report, context.color)).join('');
    case 'json':
      return `${JSON.stringify(reports.map(asContract), null, 2)}\n`;
    case 'sarif':
      return `${JSON.stringify(createSarifLog(reports, context), null, 2)}\n`;
    case 'github':
      return reports.map((report) => asAnnotation(report, context.root)).join('');
  }
}

const colors = { error: 31, warning: 33, info: 36 };

/** `a.yaml:12:11: error IST0101 VirtualService reviews.shop: …`, counted from 1 as editors and compilers do. */
function printLine({ uri, range, severity, code, resource, message, fixes }: Report, color: boolean): string {
  const paint = (paintCode: number, text: string) => (color ? `\u001b[${paintCode}m${text}\u001b[0m` : text);
  const name = resource ? ` ${resource.kind} ${[resource.name, resource.namespace].filter(Boolean).join('.')}:` : '';
  const preferred = fixes.find((fix) => fix.preferred);
  const hint = preferred ? `\n    → ${oneLine(preferred.title)}` : '';
  // What the cluster holds has an address, but no lines that anybody wrote.
  const lines = isClusterUri(uri) ? '' : `:${range.start.line + 1}:${range.start.character + 1}`;
  const place = oneLine(`${uri}${lines}`);
  return `${paint(1, place)}: ${paint(colors[severity], severity)} ${code}${oneLine(`${name} ${message}`)}${hint}\n`;
}

/** Names come from files that anybody may have written: they neither break the line nor steer the terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, (strange) => (/^\s+$/.test(strange) ? ' ' : '\ufffd'));
}

/** The shape that other programs parse: it only grows. */
function asContract({
  code,
  severity,
  message,
  resource,
  refType,
  uri,
  range,
  docs,
  related,
  fixes,
  rule,
}: Report): object {
  return {
    code,
    level: severity,
    message,
    ...(resource && { resource }),
    ...(refType !== undefined && { refType }),
    file: uri,
    range,
    docs,
    related: related.map((other) => ({ file: other.uri, range: other.range, message: other.message })),
    fixes: fixes.map(({ title }) => title),
    rule,
  };
}

const githubCommands = { error: 'error', warning: 'warning', info: 'notice' };

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function asAnnotation({ severity, uri, range, code, message }: Report, root: Folder): string {
  const { start, end } = range;
  const command = `::${githubCommands[severity]}`;
  const title = `title=${property(code)}`;
  if (isClusterUri(uri)) return `${command} ${title}::${escapeData(`${uri}: ${message}`)}\n`;
  // GitHub refuses columns of an annotation that spans lines.
  const columns = start.line === end.line ? `,col=${start.character + 1},endColumn=${end.character + 1}` : '';
  const place = `file=${property(findNameFromRoot(uri, root) ?? uri)},line=${start.line + 1},endLine=${end.line + 1}${columns},${title}`;
  return `${command} ${place}::${escapeData(message)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
