import * as l10n from '@vscode/l10n';
import { finding } from '../finding.ts';
import type { Finding, QuickFix, Severity } from '../finding.ts';
import { Located } from '../located.ts';
import type { Range, Source } from '../located.ts';
import type { ParsedDocument, ParsedFile } from '../parse.ts';
import { hasPlaceholder } from '../placeholders.ts';
import type { Resource } from '../resource.ts';
import type { Rule } from '../rule.ts';
import { yamlFindings, yamlRules } from '../yaml-rules.ts';
import { isClusterUri } from './resource-index.ts';

/** A finding with its place in a file: what an editor or a terminal shows. */
export interface Report {
  rule: string;
  code: string;
  severity: Severity;
  message: string;
  uri: string;
  range: Range;
  docs: string;
  /** The resource it is about; absent for what is wrong with the text itself. */
  resource?: { kind: string; namespace: string; name: string };
  refType?: string;
  related: { uri: string; range: Range; message: string }[];
  fixes: QuickFix[];
}

/** A finding that knows its rule, while its place may still move. */
export interface Found extends Finding {
  rule: Pick<Rule, 'id' | 'code' | 'severity' | 'docs'>;
}

/** Istio looks at nothing in these. */
const ignoredNamespaces = new Set(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage']);

/** What a rule said of a resource, unless a person or Istio does not want to hear it. */
export function reportOf(found: Found, document: ParsedDocument | undefined, resource: Resource | undefined): Report[] {
  if (resource?.incomplete || isSuppressed(found, resource)) return [];
  if (ignoredNamespaces.has(resource?.namespace ?? '')) return [];
  if (document && (isDisabled(found, document) || hasPlaceholder(found.at.string ?? ''))) return [];
  return [render(found, resource)];
}

/** What rules said of places in a file. */
export function reportsOf({ documents }: ParsedFile, all: Iterable<Found>): Report[] {
  const bySource = new Map<Source, ParsedDocument>();
  const reports: Report[] = [];
  for (const found of all) {
    if (bySource.size === 0) for (const document of documents) bySource.set(document.source, document);
    const document = bySource.get(found.at.source);
    if (document) reports.push(...reportOf(found, document, resourceAt(document, found.at.start)));
  }
  return reports;
}

function resourceAt({ resources }: ParsedDocument, offset: number): Resource | undefined {
  return resources.find(({ root }) => root.start <= offset && offset <= root.end);
}

/** What is wrong with a file's text, before it is a resource. */
export function* textReports(file: ParsedFile, everyFile: boolean): Iterable<Report> {
  if (file.skipped === 'too-large') yield* tooLarge(file);
  for (const document of file.documents) {
    if (!document.isManifest && !everyFile) continue;
    for (const found of yamlFindings(document)) if (!isDisabled(found, document)) yield render(found);
  }
}

/** In the order of the text. Those that print alike are one. */
export function inOrder(reports: readonly Report[]): Report[] {
  const sorted = [...reports].sort(byPlace);
  return sorted.filter(
    (report, index) => (index === 0 || !printAlike(report, sorted[index - 1]!)) && !isSaidBetter(report, sorted, index),
  );
}

/** Where a rule of its kind refuses a value, what the structure has against it is the same in fewer words. */
function isSaidBetter(report: Report, sorted: readonly Report[], index: number): boolean {
  if (!report.rule.startsWith('structure/')) return false;
  const isBetter = (other: Report | undefined) =>
    other?.code === report.code && !other.rule.startsWith('structure/') && isSameRange(other.range, report.range);
  return isBetter(sorted[index - 1]) || isBetter(sorted[index + 1]);
}

function isSameRange(a: Range, b: Range): boolean {
  return (
    a.start.line === b.start.line &&
    a.start.character === b.start.character &&
    a.end.line === b.end.line &&
    a.end.character === b.end.character
  );
}

function* tooLarge({ documents: [document] }: ParsedFile): Iterable<Report> {
  if (!document) return;
  const { source } = document;
  const at = new Located({ source, type: 'string', value: '', start: 0, end: Math.min(1, source.text.length) });
  const message = l10n.t('This file is larger than 10 MB and is not analysed. Split it, or exclude it.');
  yield render({ ...finding(at, message), rule: yamlRules['too-large'] });
}

function render(found: Found, resource?: Resource): Report {
  const { at, message, rule, severity, code, refType, related = [], fixes } = found;
  const inCluster = related.filter((other) => isClusterUri(other.at.source.uri));
  return {
    rule: rule.id,
    code: code ?? rule.code,
    severity: severity ?? rule.severity,
    message: inCluster.length === 0 ? message : `${message} ${printInCluster(inCluster.map((other) => other.at))}`,
    uri: at.source.uri,
    range: at.mark,
    docs: rule.docs,
    ...(resource && {
      resource: {
        kind: resource.root.at('kind').string ?? resource.kind,
        namespace: resource.namespace,
        name: resource.name,
      },
    }),
    ...(refType !== undefined && { refType }),
    related: related
      .filter((other) => !inCluster.includes(other))
      .map((other) => ({ uri: other.at.source.uri, range: other.at.mark, message: other.message })),
    fixes: isClusterUri(at.source.uri) ? [] : (fixes ?? []),
  };
}

/** There is no file to jump to: the names are said instead. */
function printInCluster(places: readonly Located[]): string {
  const names = new Set(places.map(({ source }) => nameOfClusterUri(source.uri)));
  return l10n.t('In the cluster: {0}.', [...names].join(', '));
}

/** `cluster:kind-mesh/Service/shop/reviews` is `Service shop/reviews`. */
function nameOfClusterUri(uri: string): string {
  const [, kind = '', namespace = '', name = ''] = uri.split('/').map(decodeURIComponent);
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

function isDisabled({ at, rule, code }: Found, { disabled, source }: ParsedDocument): boolean {
  if (disabled.size === 0) return false;
  const codes = disabled.get(at.mark.start.line - source.firstLine);
  return codes !== undefined && (codes.length === 0 || codes.includes(code ?? rule.code) || codes.includes(rule.id));
}

/** `galley.istio.io/analyze-suppress: IST0107,IST0108` or `*`, as istioctl reads it. */
function isSuppressed({ rule, code }: Found, resource: Resource | undefined): boolean {
  const said = resource?.metadata.at('annotations', 'galley.istio.io/analyze-suppress').string;
  if (!said) return false;
  return said.split(',').some((word) => word.trim() === '*' || word.trim() === (code ?? rule.code));
}

function byPlace(a: Report, b: Report): number {
  return (
    a.range.start.line - b.range.start.line ||
    a.range.start.character - b.range.start.character ||
    compare(a.code, b.code) ||
    compare(a.rule, b.rule) ||
    compare(a.message, b.message) ||
    compare(JSON.stringify(a.related), JSON.stringify(b.related))
  );
}

function printAlike(a: Report, b: Report): boolean {
  return (
    a.message === b.message &&
    a.code === b.code &&
    a.severity === b.severity &&
    a.range.start.line === b.range.start.line &&
    a.range.start.character === b.range.start.character
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
