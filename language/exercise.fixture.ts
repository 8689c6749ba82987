import { composeDocuments, readableText } from './compose.ts';
import { listCodeActions } from './features/code-actions.ts';
import { listCodeLenses } from './features/code-lenses.ts';
import { findHover } from './features/hover.ts';
import { locateDocument } from './locate.ts';
import { Source } from './located.ts';
import type { Located, Range } from './located.ts';
import { readPlainDocument } from './plain-reader.ts';
import { Workspace } from './workspace.ts';
import type { Report } from './workspace.ts';

/**
 * Does with a text all that an editor does, and throws when something is wrong: a rule that failed, a range outside of the
 * text, an edit outside of the text, more findings than anybody reads, something said of a template.
 * @returns the milliseconds until all findings were there, how many they are, and how many documents were read quickly.
 */
export function exercise(text: string, extension = 'yaml'): { milliseconds: number; findings: number; plain: number } {
  const uri = `file:///a.${extension}`;
  const workspace = new Workspace({
    syntaxErrors: 'all',
    onRuleFailure: ({ id }, error) => {
      throw new Error(`rule ${id} failed`, { cause: error });
    },
  });
  const started = performance.now();
  workspace.setFile(uri, text);
  const reports = workspace.findingsByFile().get(uri) ?? [];
  const milliseconds = performance.now() - started;
  const lines = text.split('\n');
  const file = workspace.findFile(uri)!;
  for (const report of reports) checkReport(report, lines);
  for (const { skipped, source } of file.documents) {
    const end = source.firstLine + source.text.split('\n').length;
    const said = reports.find(({ range }) => range.start.line >= source.firstLine && range.start.line < end - 1);
    if (skipped === 'template' && said) throw new Error(`said of a template: ${said.message}`);
  }
  for (const report of reports.slice(0, 20)) {
    if (!findHover(file, reports, report.range.start)) throw new Error(`no hover on ${report.rule}`);
    for (const { edit } of listCodeActions(reports, report.range, text, (same) => same))
      for (const { range } of edit?.changes?.[uri] ?? []) checkRange(range, lines, 'an edit');
  }
  for (const line of [0, lines.length >> 1, lines.length - 1])
    for (const character of [0, 3, 9]) findHover(file, reports, { line, character });
  for (const { range } of listCodeLenses(file)) checkRange(range, lines, 'a lens');
  const plain = file.documents.filter(({ source }) => checkPlainReader(source.text)).length;
  return { milliseconds, findings: reports.length, plain };
}

function checkReport({ rule, message, range, related }: Report, lines: readonly string[]): void {
  checkRange(range, lines, rule);
  for (const other of related) checkRange(other.range, lines, `a place related to ${rule}`);
  if (message === '' || /undefined|\[object|NaN\b.*NaN/.test(message)) throw new Error(`${rule} says "${message}"`);
}

function checkRange({ start, end }: Range, lines: readonly string[], what: string): void {
  const inside = [start, end].every(
    ({ line, character }) => line >= 0 && character >= 0 && character <= (lines[line]?.length ?? -1),
  );
  const ordered = end.line > start.line || (end.line === start.line && end.character >= start.character);
  if (!inside || !ordered) throw new Error(`${what} stands at ${JSON.stringify({ start, end })}`);
}

/** Whatever the plain reader takes on, the whole parser reads without error, to the same values in the same places. */
function checkPlainReader(text: string): boolean {
  const source = new Source('a', text, 0);
  const plain = readPlainDocument(source, readableText(text));
  if (!plain) return false;
  const documents = composeDocuments(readableText(text));
  const [document] = documents;
  const problem = documents.flatMap(({ errors }) => errors)[0]?.message;
  if (!document || documents.length > 1 || problem) throw new Error(`read plainly: ${problem ?? documents.length}`);
  const { root, problems } = locateDocument(document, source);
  if (problems.length > 0) throw new Error(`read plainly: ${problems[0]?.message}`);
  const [one, other] = [JSON.stringify(outline(plain)), JSON.stringify(outline(root))];
  if (one !== other) throw new Error(`read plainly, and differently:\n${one}\n${other}`);
  return true;
}

function outline(located: Located): unknown {
  const { type, start, end, value, flow, quoted, size, key, entries, items, mark } = located;
  return [
    ...[type, start, end, value, flow, quoted, size, mark, key?.value, key?.start, key?.end, key?.quoted],
    entries.map((entry) => outline(entry.value)),
    items.map(outline),
  ];
}
