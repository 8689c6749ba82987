import { createHash } from 'node:crypto';
import type { Log, PhysicalLocation, Region, ReportingDescriptor, Result } from 'sarif';
import { rules, yamlRules } from '../language/index.ts';
import type { Range, Report } from '../language/index.ts';
import { describeArtifact } from './artifact-location.ts';
import type { Folder } from './artifact-location.ts';

export interface SarifContext {
  /** Where relative addresses begin. */
  root: Folder;
  /** Of Meshloom, `1.2.3`. */
  version?: string | undefined;
  /** Everything that was named could be read and judged. */
  complete: boolean;
}

/**
 * A SARIF 2.1.0 log of one run. What GitHub's code scanning asks for beyond the standard is in it: texts on every rule,
 * addresses relative to the repository, fingerprints that survive moved lines.
 * https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
export function createSarifLog(reports: readonly Report[], { root, version, complete }: SarifContext): Log {
  const described = describeCodes(reports);
  const index = new Map(described.map(({ id }, at) => [id, at]));
  const fingerprint = createFingerprints(root);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Meshloom', ...(version !== undefined && { semanticVersion: version }), rules: described },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [{ executionSuccessful: complete }],
        results: reports.map((report) => ({
          ...describeResult(report, root),
          ruleIndex: index.get(report.code) ?? -1,
          partialFingerprints: { primaryLocationLineHash: fingerprint(report) },
        })),
      },
    ],
  };
}

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;
/** GitHub's word for how much a finding matters. */
const problemSeverity = { error: 'error', warning: 'warning', info: 'recommendation' } as const;

type AnyRule = Pick<Report, 'code' | 'docs' | 'severity'> & { id: string; why: string };

/** One descriptor for each code. Several rules may share one, as Istio's `IST0106` holds all that its webhook refuses. */
function describeCodes(reports: readonly Report[]): ReportingDescriptor[] {
  const byCode = new Map<string, AnyRule[]>();
  const all: AnyRule[] = [...Object.values(yamlRules), ...rules];
  const codes = new Set(all.map(({ code }) => code));
  // A rule may have another code for some of what it says.
  const others = new Map(reports.filter(({ code }) => !codes.has(code)).map((report) => [report.code, report]));
  for (const { code, rule: id, severity } of others.values()) {
    const rule = all.find((one) => one.id === id);
    if (rule) all.push({ ...rule, code, severity });
  }
  for (const rule of all) {
    const known = byCode.get(rule.code);
    if (known) known.push(rule);
    else byCode.set(rule.code, [rule]);
  }
  return [...byCode].map(([code, same]) => describeCode(code, same));
}

function describeCode(code: string, same: readonly AnyRule[]): ReportingDescriptor {
  const { docs, severity, why, id } = same[0]!;
  const summary = same.length === 1 ? why : (sharedCodes[code] ?? why);
  return {
    id: code,
    name: same.length === 1 ? pascalCase(id) : code,
    shortDescription: { text: summary },
    fullDescription: { text: summary },
    help: {
      text: [...same.map((rule) => (same.length === 1 ? rule.why : `${rule.id}: ${rule.why}`)), docs].join('\n'),
      markdown: [
        ...same.map((rule) => (same.length === 1 ? rule.why : `- **${rule.id}**: ${rule.why}`)),
        '',
        `[${code}](${docs})`,
      ].join('\n'),
    },
    helpUri: docs,
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ['istio'], 'problem.severity': problemSeverity[severity], precision: 'high' },
  };
}

/** What the rules of one code have in common. */
const sharedCodes: Record<string, string> = {
  IST0101: 'Something that is referred to does not exist: a host, a gateway, a subset, a selector, a secret.',
  IST0106: 'The API server or Istio’s webhook refuses this resource: it breaks the structure or the rules of its kind.',
  IST0133: 'Istio accepts this resource with a warning: it may not do what it seems to.',
};

function pascalCase(id: string): string {
  return id.replace(/(?:^|[/-])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function describeResult({ code, rule, severity, message, uri, range, related, fixes }: Report, root: Folder): Result {
  return {
    ruleId: code,
    level: levels[severity],
    message: { text: message },
    locations: [{ physicalLocation: location(uri, range, root) }],
    ...(related.length > 0 && {
      relatedLocations: related.map((other, at) => ({
        id: at + 1,
        physicalLocation: location(other.uri, other.range, root),
        message: { text: other.message },
      })),
    }),
    ...(fixes.length > 0 && {
      fixes: fixes.map(({ title, edits }) => ({
        description: { text: title },
        artifactChanges: edits().map((edit) => ({
          artifactLocation: describeArtifact(edit.uri, root),
          replacements: [{ deletedRegion: region(edit.range), insertedContent: { text: edit.newText } }],
        })),
      })),
    }),
    properties: { rule },
  };
}

function location(uri: string, range: Range, root: Folder): PhysicalLocation {
  return { artifactLocation: describeArtifact(uri, root), region: region(range) };
}

/** From 1; the end is the first column that is no longer part of it, as in the editor's protocol. */
function region({ start, end }: Range): Region {
  return {
    startLine: start.line + 1,
    startColumn: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
  };
}

/**
 * What makes a finding the same as in the last run though lines above it came and went: its file, rule, resource and words;
 * the second of two alike is the second.
 */
function createFingerprints(root: Folder): (report: Report) => string {
  const seen = new Map<string, number>();
  return ({ uri, rule, code, resource, message }) => {
    const parts = [describeArtifact(uri, root).uri, rule, code, resource, message];
    const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
    const count = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, count);
    return `${hash}:${count}`;
  };
}
