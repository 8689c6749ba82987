import * as l10n from '@vscode/l10n';
import type { Finding, QuickFix, Severity } from './finding.ts';
import { finding } from './finding.ts';
import type { Kind } from './kinds.ts';
import { Located } from './located.ts';
import type { Range } from './located.ts';
import type { MeshSettings } from './mesh-config.ts';
import { parse, refusedFile } from './parse.ts';
import type { ParsedDocument, ParsedFile, SkipReason } from './parse.ts';
import { findPodSource } from './resource.ts';
import type { PodSource, Resource } from './resource.ts';
import type { ByKind, Readable, Rule, RuleContext } from './rule.ts';
import { rules as allRules } from './rules/index.ts';
import { kustomizationFile, listPatches } from './kustomize.ts';
import { yamlFindings, yamlRules } from './yaml-rules.ts';

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

export interface WorkspaceOptions {
  strictness?: 'strict' | 'lenient';
  /** Where resources without a namespace go. Default `default`. */
  defaultNamespace?: string;
  clusterDomain?: string;
  rootNamespace?: string;
  /** What `--meshConfigFile` says; its root namespace counts where {@link rootNamespace} is not given. */
  meshConfig?: MeshSettings;
  /** Syntax errors are told of manifests only: an editor's folder is full of other YAML. `all`: of every file. */
  syntaxErrors?: 'manifests' | 'all';
  /** A rule that failed, which is our fault and nobody else's: its findings are left out. */
  onRuleFailure?: (rule: Rule, error: unknown) => void;
  rules?: readonly Rule[];
}

/** A finding that knows its rule, while its place may still move. */
interface Found extends Finding {
  rule: Pick<Rule, 'id' | 'code' | 'severity' | 'docs'>;
}

/**
 * The files of a mesh and what is wrong with them. Edits go in, findings come out; only what an edit touches is done
 * again: the changed documents are parsed, rules on single resources look at the changed ones, and rules on the whole mesh run when a
 * kind they read has changed. The outcome is always that of a cold run over the same files.
 */
export class Workspace {
  private options: WorkspaceOptions;
  private readonly resourceRules: readonly Rule[];
  private readonly meshRules: readonly Rule[];
  private readonly files = new Map<string, ParsedFile>();
  private byKind: Map<Kind, Resource[]> | undefined;
  private readonly podSources = new WeakMap<Resource, PodSource | null>();
  private perResource = new WeakMap<Resource, Found[]>();
  private readonly perRule = new Map<Rule, Found[]>();
  private readonly changedKinds = new Set<Kind>();
  private hidden = new Set<Kind>();
  private patches = new Set<string>();
  private sorted: ParsedFile[] | undefined;
  private reportsByFile: Map<string, Report[]> | undefined;

  constructor(options: WorkspaceOptions = {}) {
    this.options = options;
    const rules = options.rules ?? allRules;
    this.resourceRules = rules.filter(({ scope }) => scope === 'resource');
    this.meshRules = rules.filter(({ scope }) => scope === 'mesh');
  }

  /** Takes over other settings; everything is judged anew. */
  configure(options: Partial<WorkspaceOptions>): void {
    const before = this.options.defaultNamespace;
    this.options = { ...this.options, ...options };
    if (this.options.defaultNamespace !== before) {
      for (const [uri, file] of this.files) this.files.set(uri, this.parse(textOf(file), uri));
    }
    this.forgetEverything();
  }

  /** Adds a file or replaces its text. */
  setFile(uri: string, text: string): void {
    const previous = this.files.get(uri);
    const file = this.parse(text, uri, previous);
    this.files.set(uri, file);
    if (!previous) this.sorted = undefined;
    this.noteChange(previous, file);
  }

  /** Notes a file that is there but was not read. */
  refuseFile(uri: string, reason: SkipReason): void {
    const previous = this.files.get(uri);
    const file = refusedFile(uri, reason);
    this.files.set(uri, file);
    if (!previous) this.sorted = undefined;
    this.noteChange(previous, file);
  }

  /** Forgets a file. Removing one that is not there does nothing. */
  removeFile(uri: string): void {
    const previous = this.files.get(uri);
    if (!previous) return;
    this.files.delete(uri);
    this.sorted = undefined;
    this.noteChange(previous, undefined);
  }

  findFile(uri: string): ParsedFile | undefined {
    return this.files.get(uri);
  }

  uris(): string[] {
    return [...this.files.keys()];
  }

  /** Files and documents that were left in peace, and why. */
  skipped(): { uri: string; reason: SkipReason; line: number }[] {
    return this.sortedFiles().flatMap(({ uri, documents }): { uri: string; reason: SkipReason; line: number }[] =>
      this.patches.has(uri)
        ? [{ uri, reason: 'patch', line: 0 }]
        : documents.flatMap(({ skipped, source }) =>
            skipped ? [{ uri, reason: skipped, line: source.firstLine }] : [],
          ),
    );
  }

  /** Everything that is wrong, by file, line, column and code. */
  findings(): Report[] {
    return [...this.findingsByFile().values()].flat();
  }

  /** The same, by file; files in which nothing is wrong are not in it. */
  findingsByFile(): ReadonlyMap<string, Report[]> {
    return (this.reportsByFile ??= this.report());
  }

  private parse(text: string, uri: string, previous?: ParsedFile): ParsedFile {
    const { defaultNamespace } = this.options;
    return parse(text, uri, {
      ...(defaultNamespace !== undefined && { defaultNamespace }),
      ...(previous && { previous }),
    });
  }

  private noteChange(before: ParsedFile | undefined, after: ParsedFile | undefined): void {
    const old = resourcesOf(before);
    const now = resourcesOf(after);
    const kept = new Set(old);
    const remaining = now.filter((resource) => kept.has(resource));
    const isSameOrder =
      remaining.length === old.length &&
      remaining.length === now.length &&
      now.every((resource, index) => old[index] === resource);
    if (!isSameOrder) {
      const stillThere = new Set(now);
      for (const resource of old) if (!stillThere.has(resource)) this.changedKinds.add(resource.kind);
      for (const resource of now) if (!kept.has(resource)) this.changedKinds.add(resource.kind);
      // The same documents in another order: rules that say "the first one" may change their mind.
      if (remaining.length > 1) for (const { kind } of remaining) this.changedKinds.add(kind);
    }
    this.reportsByFile = undefined;
    if (!isSameOrder) this.byKind = undefined;
    if (mentionsOf(before) !== mentionsOf(after)) this.noteHidden();
    if (kustomizationFile.test((after ?? before)?.uri ?? '')) this.notePatches();
  }

  /** What may be defined where we cannot look is part of every rule's context. */
  private noteHidden(): void {
    this.hidden = this.hiddenKinds();
    this.perRule.clear();
    this.perResource = new WeakMap();
  }

  private notePatches(): void {
    this.patches = new Set(
      [...this.files.values()].filter(({ uri }) => kustomizationFile.test(uri)).flatMap(listPatches),
    );
    this.forgetEverything();
  }

  private hiddenKinds(): Set<Kind> {
    const hidden = new Set<Kind>();
    for (const file of this.files.values()) {
      for (const { mentions } of file.documents) for (const kind of mentions) hidden.add(kind);
    }
    return hidden;
  }

  private forgetEverything(): void {
    this.byKind = undefined;
    this.perResource = new WeakMap();
    this.perRule.clear();
    this.reportsByFile = undefined;
  }

  private sortedFiles(): ParsedFile[] {
    // Map keeps a changed file at its place, so this order holds until a file comes or goes; the parsed files are looked up anew.
    this.sorted ??= [...this.files.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
    return this.sorted.map(({ uri }) => this.files.get(uri)!);
  }

  private resourcesOf(kind: Kind): readonly Resource[] {
    return (this.byKind ??= this.collect()).get(kind) ?? [];
  }

  /** In the order of the files' names, so that what is "first" does not depend on who was opened first. */
  private collect(): Map<Kind, Resource[]> {
    const byKind = new Map<Kind, Resource[]>();
    for (const file of this.sortedFiles()) {
      if (this.patches.has(file.uri)) continue;
      for (const resource of resourcesOf(file)) {
        const known = byKind.get(resource.kind);
        if (known) known.push(resource);
        else byKind.set(resource.kind, [resource]);
      }
    }
    return byKind;
  }

  private podSourceOf(resource: Resource): PodSource | undefined {
    let source = this.podSources.get(resource);
    if (source === undefined) this.podSources.set(resource, (source = findPodSource(resource) ?? null));
    return source ?? undefined;
  }

  private context(): RuleContext {
    const { strictness = 'lenient', clusterDomain = 'cluster.local', meshConfig } = this.options;
    const rootNamespace = this.options.rootNamespace ?? meshConfig?.rootNamespace ?? 'istio-system';
    return {
      strictness,
      clusterDomain,
      rootNamespace,
      meshConfig,
      knowsAll: () => strictness === 'strict',
      mayBeHidden: (kind) => strictness === 'lenient' && this.hidden.has(kind),
    };
  }

  private report(): Map<string, Report[]> {
    const context = this.context();
    const found: Found[] = [];
    for (const resources of (this.byKind ??= this.collect()).values()) {
      for (const resource of resources) for (const item of this.judge(resource, context)) found.push(item);
    }
    for (const rule of this.meshRules) for (const item of this.runOnMesh(rule, context)) found.push(item);
    this.changedKinds.clear();
    const reports = new Map<string, Report[]>();
    const add = (report: Report) => {
      const known = reports.get(report.uri);
      if (known) known.push(report);
      else reports.set(report.uri, [report]);
    };
    for (const file of this.sortedFiles()) for (const report of this.textReports(file)) add(report);
    for (const item of found) {
      const report = this.toReport(item);
      if (report) add(report);
    }
    for (const list of reports.values()) list.sort(byPlace);
    return new Map([...reports].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** All findings of the rules that look at one resource alone. */
  private judge(resource: Resource, context: RuleContext): Found[] {
    let found = this.perResource.get(resource);
    if (!found) {
      const rules = this.resourceRules.filter((rule) => kindsOf(rule).has(resource.kind));
      found = rules.flatMap((rule) => this.run(rule, (reads) => this.only(resource, reads), context));
      this.perResource.set(resource, found);
    }
    return found;
  }

  private runOnMesh(rule: Rule, context: RuleContext): Found[] {
    let found = this.perRule.get(rule);
    if (!found || [...this.changedKinds].some((kind) => kindsOf(rule).has(kind))) {
      found = this.run(rule, (reads) => this.everything(reads), context);
      this.perRule.set(rule, found);
    }
    return found;
  }

  /** A rule that throws is a bug of ours: it is told to who logs, and everything else goes on. */
  private run(rule: Rule, read: (reads: Rule['reads']) => ByKind, context: RuleContext): Found[] {
    try {
      return Array.from(rule.check(read(rule.reads), context), (item) => ({ ...item, rule }));
    } catch (error) {
      this.options.onRuleFailure?.(rule, error);
      return [];
    }
  }

  private only(resource: Resource, reads: Rule['reads']): ByKind {
    const byKind: Partial<Record<Readable, readonly unknown[]>> = {};
    for (const read of reads) {
      if (read === 'AnyPod') byKind[read] = [this.podSourceOf(resource)].filter(Boolean);
      else byKind[read] = resource.kind === read ? [resource] : [];
    }
    return byKind as unknown as ByKind;
  }

  private everything(reads: Rule['reads']): ByKind {
    const byKind: Partial<Record<Readable, readonly unknown[]>> = {};
    for (const read of reads) {
      if (read !== 'AnyPod') byKind[read] = this.resourcesOf(read);
      else
        byKind[read] = podKinds.flatMap((kind) =>
          this.resourcesOf(kind).flatMap((resource) => this.podSourceOf(resource) ?? []),
        );
    }
    return byKind as unknown as ByKind;
  }

  private *textReports(file: ParsedFile): Iterable<Report> {
    if (file.skipped === 'too-large') {
      const [document] = file.documents;
      if (document) {
        const at = new Located({
          source: document.source,
          type: 'string',
          value: '',
          start: 0,
          end: Math.min(1, document.source.text.length),
        });
        const message = l10n.t('This file is larger than 10 MB and is not analysed. Split it, or exclude it.');
        yield render({ ...finding(at, message), rule: yamlRules['too-large'] });
      }
    }
    for (const document of file.documents) {
      if (!document.isManifest && this.options.syntaxErrors !== 'all') continue;
      for (const item of yamlFindings(document)) if (!isDisabled(item, document)) yield render(item);
    }
  }

  /** Undefined for what is silenced, and for what is said of a document that cannot be read to its end. */
  private toReport(item: Found): Report | undefined {
    const { source, start } = item.at;
    const document = this.files.get(source.uri)?.documents.find((candidate) => candidate.source === source);
    const resource = document?.resources.find(({ root }) => root.start <= start && start <= root.end);
    if (!document || resource?.incomplete || isDisabled(item, document) || isSuppressed(item, resource))
      return undefined;
    return render(item, resource);
  }
}

const podKinds: Kind[] = [
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
];

const kindsByRule = new WeakMap<Rule, ReadonlySet<Kind>>();

function kindsOf(rule: Rule): ReadonlySet<Kind> {
  let kinds = kindsByRule.get(rule);
  if (!kinds)
    kindsByRule.set(rule, (kinds = new Set(rule.reads.flatMap((read) => (read === 'AnyPod' ? podKinds : [read])))));
  return kinds;
}

const resourcesByFile = new WeakMap<ParsedFile, readonly Resource[]>();

function resourcesOf(file: ParsedFile | undefined): readonly Resource[] {
  if (!file) return [];
  let resources = resourcesByFile.get(file);
  if (!resources) resourcesByFile.set(file, (resources = file.documents.flatMap((document) => document.resources)));
  return resources;
}

function textOf({ documents }: ParsedFile): string {
  return documents.map(({ source }) => source.text).join('');
}

function mentionsOf(file: ParsedFile | undefined): string {
  return file?.documents.flatMap(({ mentions }) => mentions).join() ?? '';
}

function render({ at, message, rule, severity, code, refType, related, fixes }: Found, resource?: Resource): Report {
  return {
    rule: rule.id,
    code: code ?? rule.code,
    severity: severity ?? rule.severity,
    message,
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
    related: (related ?? []).map((other) => ({
      uri: other.at.source.uri,
      range: other.at.mark,
      message: other.message,
    })),
    fixes: fixes ?? [],
  };
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
    compare(a.message, b.message)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
