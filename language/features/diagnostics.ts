import type { Diagnostic, DiagnosticSeverity } from 'vscode-languageserver';
import type { Severity } from '../finding.ts';
import type { Report } from '../workspace.ts';

const severities: Record<Severity, DiagnosticSeverity> = { error: 1, warning: 2, info: 3 };

/**
 * A finding as editors show it.
 * @param clientUri how the editor spells a file's address.
 */
export function toDiagnostic(report: Report, clientUri: (uri: string) => string): Diagnostic {
  const { rule, range, severity, code, docs, message, related } = report;
  return {
    range,
    severity: severities[severity],
    source: 'meshloom',
    code,
    codeDescription: { href: docs },
    // An editor that has our rules' pages leads there.
    data: { rule },
    message,
    ...(related.length > 0 && {
      relatedInformation: related.map((other) => ({
        location: { uri: clientUri(other.uri), range: other.range },
        message: other.message,
      })),
    }),
  };
}
