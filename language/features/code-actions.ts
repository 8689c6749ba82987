import * as l10n from '@vscode/l10n';
import type { CodeAction, TextEdit as LspTextEdit } from 'vscode-languageserver';
import type { TextEdit } from '../finding.ts';
import type { Range } from '../located.ts';
import type { Report } from '../workspace.ts';
import { toDiagnostic } from './diagnostics.ts';

/**
 * What can be done about the findings at a place, the fixes first.
 * @param text the file's text, for the indentation of a comment; JSON knows no comments and is offered none.
 */
export function listCodeActions(
  reports: readonly Report[],
  at: Range,
  text: string,
  clientUri: (uri: string) => string,
): CodeAction[] {
  const here = reports.filter(({ range }) => touches(range, at));
  const lines = here.length > 0 ? text.split('\n') : [];
  const isJson = /^\s*[{[]/.test(text);
  return [
    ...here.flatMap((report) =>
      report.fixes.map(({ title, edits, preferred }) => ({
        title,
        kind: 'quickfix',
        diagnostics: [toDiagnostic(report, clientUri)],
        edit: { changes: byFile(edits(), clientUri) },
        ...(preferred && { isPreferred: true }),
      })),
    ),
    ...(isJson ? [] : here.map((report) => disableHere(report, lines, clientUri))),
  ];
}

function disableHere(report: Report, lines: readonly string[], clientUri: (uri: string) => string): CodeAction {
  const { line } = report.range.start;
  const text = lines[line] ?? '';
  const indent = text.slice(0, text.search(/\S|$/));
  const eol = text.endsWith('\r') ? '\r\n' : '\n';
  const above = { line, character: 0 };
  const newText = `${indent}# meshloom-disable-next-line ${report.code}${eol}`;
  return {
    title: l10n.t('Disable {0} for this line', report.code),
    kind: 'quickfix',
    diagnostics: [toDiagnostic(report, clientUri)],
    edit: { changes: { [clientUri(report.uri)]: [{ range: { start: above, end: above }, newText }] } },
  };
}

function byFile(edits: readonly TextEdit[], clientUri: (uri: string) => string): Record<string, LspTextEdit[]> {
  const changes: Record<string, LspTextEdit[]> = {};
  for (const { uri, range, newText } of edits) (changes[clientUri(uri)] ??= []).push({ range, newText });
  return changes;
}

function touches(a: Range, b: Range): boolean {
  return !isBefore(a.end, b.start) && !isBefore(b.end, a.start);
}

function isBefore(a: Range['start'], b: Range['start']): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character);
}
