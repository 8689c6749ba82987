import type { ReportingDescriptor, Result, Log, PhysicalLocation, Region } from 'sarif';
import { rules, yamlRules } from '../language/index.ts';
import type { Range, Report } from '../language/index.ts';

export const reportFormats = ['text', 'json', 'sarif', 'github'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** All findings as one text, in the order given. */
export function printReports(reports: readonly Report[], format: ReportFormat, { color }: { color: boolean }): string {
  switch (format) {
    case 'text':
      return reports.map((report) => printLine(report, color)).join('');
    case 'json':
      return `${JSON.stringify(reports.map(asContract), null, 2)}\n`;
    case 'sarif':
      return `${JSON.stringify(asSarif(reports), null, 2)}\n`;
    case 'github':
      return reports.map(asAnnotation).join('');
  }
}

const colors = { error: 31, warning: 33, info: 36 };

/** `a.yaml:12:11: error IST0101 VirtualService reviews.shop: …`, counted from 1 as editors and compilers do. */
function printLine({ uri, range, severity, code, resource, message, fixes }: Report, color: boolean): string {
  const paint = (paintCode: number, text: string) => (color ? `\u001b[${paintCode}m${text}\u001b[0m` : text);
  const name = resource ? ` ${resource.kind} ${[resource.name, resource.namespace].filter(Boolean).join('.')}:` : '';
  const preferred = fixes.find((fix) => fix.preferred);
  const hint = preferred ? `\n    → ${preferred.title}` : '';
  return `${uri}:${range.start.line + 1}:${range.start.character + 1}: ${paint(colors[severity], severity)} ${code}${name} ${message}${hint}\n`;
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

const sarifLevels = { error: 'error', warning: 'warning', info: 'note' } as const;

function asSarif(reports: readonly Report[]): Log {
  const descriptors = new Map<string, ReportingDescriptor>();
  for (const { code, docs, why, severity } of [...Object.values(yamlRules), ...rules]) {
    if (descriptors.has(code)) continue;
    const defaultConfiguration = { level: sarifLevels[severity] };
    descriptors.set(code, { id: code, shortDescription: { text: why }, helpUri: docs, defaultConfiguration });
  }
  const driver = { name: 'Meshloom', rules: [...descriptors.values()] };
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results: reports.map(asResult) }],
  };
}

function asResult({ code, rule, severity, message, uri, range, related, fixes }: Report): Result {
  return {
    ruleId: code,
    level: sarifLevels[severity],
    message: { text: message },
    locations: [{ physicalLocation: location(uri, range) }],
    ...(related.length > 0 && {
      relatedLocations: related.map((other) => ({
        physicalLocation: location(other.uri, other.range),
        message: { text: other.message },
      })),
    }),
    ...(fixes.length > 0 && {
      fixes: fixes.map(({ title, edits }) => ({
        description: { text: title },
        artifactChanges: edits().map((edit) => ({
          artifactLocation: { uri: address(edit.uri) },
          replacements: [{ deletedRegion: region(edit.range), insertedContent: { text: edit.newText } }],
        })),
      })),
    }),
    properties: { rule },
  };
}

function location(uri: string, range: Range): PhysicalLocation {
  return { artifactLocation: { uri: address(uri) }, region: region(range) };
}

/** SARIF wants addresses: relative ones with `/`, everything strange encoded. */
function address(path: string): string {
  return encodeURI(path.replaceAll('\\', '/')).replaceAll('#', '%23').replaceAll('?', '%3F');
}

function region({ start, end }: Range): Region {
  return {
    startLine: start.line + 1,
    startColumn: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
  };
}

const githubCommands = { error: 'error', warning: 'warning', info: 'notice' };

/** https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function asAnnotation({ severity, uri, range, code, message }: Report): string {
  const { start, end } = range;
  // GitHub refuses columns of an annotation that spans lines.
  const columns = start.line === end.line ? `,col=${start.character + 1},endColumn=${end.character + 1}` : '';
  const place = `file=${property(uri)},line=${start.line + 1},endLine=${end.line + 1}${columns},title=${property(code)}`;
  return `::${githubCommands[severity]} ${place}::${escapeData(message)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
