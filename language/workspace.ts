import { viewAuthority } from '../contract/cluster-layer.ts';
import type { ClusterChange, ClusterSnapshot } from '../contract/cluster-layer.ts';
import { ClusterLayer, keyOf } from './engine/cluster-layer.ts';
import { FileReports } from './engine/file-reports.ts';
import { Knowledge } from './engine/knowledge.ts';
import type { PlainResource } from './engine/plain-resource.ts';
import { PatchedFiles } from './engine/patched-files.ts';
import { Doubts } from './engine/reactive.ts';
import { reportOf, reportsOf, textReports } from './engine/report.ts';
import type { Report } from './engine/report.ts';
import { isClusterUri, ResourceIndex } from './engine/resource-index.ts';
import { OneRun } from './engine/one-run.ts';
import { RuleRuns } from './engine/rule-runs.ts';
import type { Surroundings } from './engine/rule-runs.ts';
import type { MeshSettings } from './mesh-config.ts';
import { parse, refusedFile } from './parse.ts';
import type { ParsedFile, SkipReason } from './parse.ts';
import type { Resource } from './resource.ts';
import type { Rule, RuleContext } from './rule.ts';
import { rules as allRules } from './rules/index.ts';
import type { Structures } from './schema/structure.ts';

export type { Report } from './engine/report.ts';

export interface WorkspaceOptions {
  strictness?: 'strict' | 'lenient';
  /** Where resources without a namespace go. Default `default`. */
  defaultNamespace?: string;
  clusterDomain?: string;
  rootNamespace?: string;
  /** What `--meshConfigFile` says; its root namespace counts where {@link rootNamespace} is not given. */
  meshConfig?: MeshSettings;
  /** What CRDs say of Istio's kinds, e.g. a cluster's; CRDs of {@link Workspace.setCluster} count more. */
  structures?: Structures;
  /** Syntax errors are told of manifests only: an editor's folder is full of other YAML. `all`: of every file. */
  syntaxErrors?: 'manifests' | 'all';
  /** Whether rules are asked of what the cluster holds, too; else it is only looked at. Default true. */
  judgeCluster?: boolean;
  /** A rule that failed, which is our fault and nobody else's: its findings are left out. */
  onRuleFailure?: (rule: Rule, error: unknown) => void;
  rules?: readonly Rule[];
  /** Findings are asked for when all input is there, and that is it: sooner done, but an edit costs all of it again. */
  once?: boolean;
}

interface Engine {
  resources: ResourceIndex;
  knowledge: Knowledge;
  runs: RuleRuns | OneRun;
}

/**
 * The files of a mesh, the cluster below them, and what is wrong with them. Edits go in, findings come out; only what an edit touches is done
 * again: the changed documents are parsed, and rules are asked of what changed and of what looked at it. The outcome is
 * always that of a cold run over the same input.
 */
export class Workspace {
  private options: WorkspaceOptions;
  private readonly files = new Map<string, ParsedFile>();
  private readonly patches = new PatchedFiles();
  /** Documents that show objects of a cluster, and whether they stand back: see {@link setView}. */
  private readonly views = new Map<string, { cluster: string; standsBack: boolean }>();
  /** Of a cluster that is nobody's mesh: what things are called there, and nothing else. */
  private readonly lentNames = new ClusterLayer(() => undefined);
  private readonly cluster = new ClusterLayer((before, after) => this.clusterChanged(before, after));
  private complete: ReturnType<ClusterLayer['set']> = new Set();
  private isPartial = false;
  /** How many resources of the files have a {@link keyOf}: the cluster's is hidden by them. */
  private readonly inFiles = new Map<string, number>();
  private readonly reports = new FileReports((uri) => this.makeReports(uri));
  private engine: Engine;

  constructor(options: WorkspaceOptions = {}) {
    this.options = options;
    this.engine = this.makeEngine();
  }

  /** Takes over other settings; everything is judged anew. */
  configure(options: Partial<WorkspaceOptions>): void {
    const before = this.options.defaultNamespace;
    this.options = { ...this.options, ...options };
    if (this.options.defaultNamespace !== before) {
      for (const [uri, file] of this.files) this.files.set(uri, this.parse(textOf(file), uri));
    }
    this.rebuild();
  }

  /** Adds a file or replaces its text. */
  setFile(uri: string, text: string): void {
    const previous = this.files.get(uri);
    this.replaceFile(uri, previous, this.parse(text, uri, previous));
  }

  /**
   * Adds a document that shows objects of a cluster. It takes the place of the object in the layer below, as long as that
   * cluster lies there and no file says otherwise of the same object; else it is not looked at: nothing of a user's files
   * is judged by what somebody happens to read.
   * @param cluster the one that it shows, as `viewAuthority` writes it.
   */
  setView(uri: string, text: string, cluster: string): void {
    this.views.set(uri, { cluster, standsBack: this.views.get(uri)?.standsBack ?? true });
    this.setFile(uri, text);
  }

  /** Notes a file that is there but was not read. */
  refuseFile(uri: string, reason: SkipReason): void {
    this.replaceFile(uri, this.files.get(uri), refusedFile(uri, reason));
  }

  /** Forgets a file. Removing one that is not there does nothing. */
  removeFile(uri: string): void {
    const previous = this.files.get(uri);
    if (previous) this.replaceFile(uri, previous, undefined);
    this.views.delete(uri);
  }

  /** Lays the files over a cluster: what a file defines hides the object of that kind, namespace and name. `undefined`: no cluster. */
  setCluster(snapshot: ClusterSnapshot | undefined): void {
    const before = this.cluster.structures();
    this.complete = this.cluster.set(snapshot);
    this.lentNames.set(undefined);
    this.weighViews();
    this.engine.knowledge.setComplete(this.complete, this.cluster.clusterName !== undefined);
    this.repeatOneRun();
    if (before ?? this.cluster.structures()) this.engine.runs.repeatAll();
  }

  /** Lends the names of a cluster under which the files do not lie, a demo or a recording; no cluster lies there then. */
  setNames(snapshot: ClusterSnapshot): void {
    this.setCluster(undefined);
    this.lentNames.set(snapshot);
  }

  /** What came, changed and went in the cluster. */
  changeCluster(change: ClusterChange): void {
    if (this.lentNames.clusterName !== undefined) return void this.lentNames.change(change);
    if (this.cluster.change(change)) this.engine.runs.repeatAll();
  }

  /** While true, rules that compare resources wait: not all files have been read, and nobody knows what is missing. */
  hold(isHeld: boolean): void {
    this.engine.runs.isHeld = isHeld;
  }

  /** Notes whether files were left unread that nobody named: anything may be defined there, so nothing is missing. */
  setPartial(isPartial: boolean): void {
    if (this.isPartial === isPartial) return;
    this.isPartial = isPartial;
    this.engine.knowledge.isPartial = isPartial;
    this.engine.runs.repeatAll();
  }

  get isHeld(): boolean {
    return this.engine.runs.isHeld;
  }

  findFile(uri: string): ParsedFile | undefined {
    return this.files.get(uri);
  }

  uris(): string[] {
    return [...this.files.keys()];
  }

  /** Everything that is there: what files define, then what of the cluster they do not hide. */
  *known(): Iterable<{ resource: Resource; uri: string; isCluster: boolean }> {
    for (const [uri, file] of this.files) {
      const view = this.views.get(uri);
      if (view?.standsBack) continue;
      for (const resource of resourcesOf(file)) yield { resource, uri, isCluster: view !== undefined };
    }
    for (const layer of [this.cluster, this.lentNames])
      for (const resource of layer.all())
        if (!this.inFiles.has(keyOf(resource))) yield { resource, uri: resource.uri, isCluster: true };
  }

  /** The name of the cluster of which {@link known} tells; undefined while there is none. */
  get clusterName(): string | undefined {
    return this.cluster.clusterName ?? this.lentNames.clusterName;
  }

  /** What the cluster's own definitions say of Istio's kinds, a lent one's too; undefined: Istio's own count. */
  get structures(): Structures | undefined {
    return this.cluster.structures() ?? this.lentNames.structures() ?? this.options.structures;
  }

  /** All that the files define, in their order; what a kustomization lays over them defines nothing. */
  *definedResources(): Iterable<Resource> {
    for (const [uri, file] of this.files) if (!this.patches.has(uri) && !this.views.has(uri)) yield* resourcesOf(file);
  }

  /** What a kustomization lays over others, and a view that stands back. */
  private definesNothing(uri: string): boolean {
    return this.patches.has(uri) || this.views.get(uri)?.standsBack === true;
  }

  /** Files and documents that were left in peace, and why. */
  skipped(): { uri: string; reason: SkipReason; line: number }[] {
    const files = [...this.files.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
    return files.flatMap(({ uri, documents }): { uri: string; reason: SkipReason; line: number }[] =>
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

  /** The same, by file; files in which nothing is wrong are not in it. A view: it changes with the next edit. */
  findingsByFile(): ReadonlyMap<string, Report[]> {
    this.engine.runs.work();
    return this.reports.all();
  }

  /** What is wrong in one file, as far as rules have been asked: see {@link work}. */
  findingsIn(uri: string): readonly Report[] {
    return this.reports.of(uri);
  }

  /**
   * Asks the rules that have to be asked, those after the latest edits first, for so many milliseconds at most. Whoever asks for all
   * findings gets that done with them.
   * @returns whether nothing is left to do.
   */
  work(milliseconds = Infinity): boolean {
    return this.engine.runs.work(performance.now() + milliseconds);
  }

  /** The files whose findings may be others than when this was last asked, those of the cluster among them, as far as rules have been asked. */
  takeChangedFiles(): Set<string> {
    return this.reports.takeChanged();
  }

  private parse(text: string, uri: string, previous?: ParsedFile): ParsedFile {
    const { defaultNamespace } = this.options;
    return parse(text, uri, {
      ...(defaultNamespace !== undefined && { defaultNamespace }),
      ...(previous && { previous }),
    });
  }

  /** Asked once, nobody remembers what depends on what. */
  private repeatOneRun(): void {
    const { runs } = this.engine;
    if (runs instanceof OneRun) runs.repeatAll();
  }

  private replaceFile(uri: string, before: ParsedFile | undefined, after: ParsedFile | undefined): void {
    if (after) this.files.set(uri, after);
    else this.files.delete(uri);
    this.engine.knowledge.replace(before, after);
    this.repeatOneRun();
    const isPatch = this.definesNothing(uri);
    this.replaceResources(uri, isPatch ? [] : resourcesOf(before), isPatch ? [] : resourcesOf(after));
    this.reports.moved(uri);
    for (const other of this.patches.replace(uri, after)) this.patchChanged(other);
    this.weighViews();
  }

  /** A file, or another cluster, may have come for what they show, or gone. */
  private weighViews(): void {
    for (const [uri, view] of this.views) {
      const resources = resourcesOf(this.files.get(uri));
      const isBelow = view.cluster === viewAuthority(this.cluster.clusterName ?? '');
      const standsBack = !isBelow || resources.some((resource) => this.isDefinedBeside(view.standsBack, resource));
      if (standsBack === view.standsBack) continue;
      this.replaceResources(uri, standsBack ? resources : [], standsBack ? [] : resources);
      view.standsBack = standsBack;
      this.reports.touched(uri);
    }
  }

  /** By somebody else than a view that itself counts as one. */
  private isDefinedBeside(standsBack: boolean, resource: Resource): boolean {
    return (this.inFiles.get(keyOf(resource)) ?? 0) > (standsBack ? 0 : 1);
  }

  /** A kustomization began or ceased to lay a file over others. */
  private patchChanged(uri: string): void {
    const file = this.files.get(uri);
    const isPatch = this.patches.has(uri);
    this.replaceResources(uri, isPatch ? resourcesOf(file) : [], isPatch ? [] : resourcesOf(file));
    this.reports.touched(uri);
  }

  private replaceResources(uri: string, before: readonly Resource[], after: readonly Resource[]): void {
    // At an edit, all but a few of a file's resources stay as they are.
    const start = countAlike(before, after);
    const rest = Math.min(before.length, after.length) - start;
    const end = countAlike(before.slice(start).reverse(), after.slice(start).reverse(), rest);
    const [old, changed] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
    if (before.length !== after.length)
      for (let at = after.length - end; at < after.length; at++) this.engine.resources.move(after[at]!, at);
    this.replaceChanged(uri, old, changed, start);
  }

  /** @param start the place of the first one in its file. */
  private replaceChanged(uri: string, before: readonly Resource[], after: readonly Resource[], start: number): void {
    const kept = keptInOrder(before, after);
    const gone = before.filter((resource) => !kept.has(resource));
    // What is about to go still hides the cluster's while its successor comes.
    for (const resource of after) if (!kept.has(resource)) this.hideInCluster(resource);
    for (const resource of gone) this.remove(resource);
    for (const [index, resource] of after.entries()) this.engine.resources.move(resource, start + index);
    for (const [index, resource] of after.entries()) {
      if (kept.has(resource)) continue;
      this.engine.resources.add(resource, { uri, ordinal: start + index, isPodSource: true });
      this.engine.runs.add(resource);
    }
    for (const resource of gone) this.showInCluster(resource);
  }

  private hideInCluster(resource: Resource): void {
    const key = keyOf(resource);
    const count = this.inFiles.get(key) ?? 0;
    this.inFiles.set(key, count + 1);
    const hidden = count === 0 ? this.cluster.find(key) : undefined;
    if (hidden) this.remove(hidden);
  }

  private showInCluster(resource: Resource): void {
    const key = keyOf(resource);
    const count = (this.inFiles.get(key) ?? 0) - 1;
    if (count > 0) this.inFiles.set(key, count);
    else this.inFiles.delete(key);
    const shown = count > 0 ? undefined : this.cluster.find(key);
    if (shown) this.addFromCluster(shown);
  }

  private clusterChanged(before: PlainResource | undefined, after: PlainResource | undefined): void {
    const key = keyOf((after ?? before)!);
    if (this.inFiles.has(key)) return;
    if (before) this.remove(before);
    if (after) this.addFromCluster(after);
  }

  private addFromCluster(resource: PlainResource): void {
    const { uri, kind } = resource;
    this.engine.resources.add(resource, { uri, ordinal: 0, isPodSource: kind === 'Pod' });
    if (this.options.judgeCluster !== false) this.engine.runs.add(resource);
  }

  private remove(resource: Resource): void {
    this.engine.runs.remove(resource);
    this.engine.resources.remove(resource);
  }

  private makeEngine(): Engine {
    const doubts = new Doubts();
    const resources = new ResourceIndex(doubts);
    const knowledge = new Knowledge();
    const around: Surroundings = {
      resources,
      doubts,
      context: () => this.context(),
      failed: (rule, error) => this.options.onRuleFailure?.(rule, error),
      touched: (uri) => this.reports.touched(uri),
    };
    const rules = this.options.rules ?? allRules;
    return { resources, knowledge, runs: this.options.once ? new OneRun(rules, around) : new RuleRuns(rules, around) };
  }

  /** Judges everything anew: what rules were told of the surroundings no longer holds. */
  private rebuild(): void {
    const { isHeld } = this.engine.runs;
    this.engine = this.makeEngine();
    this.engine.runs.isHeld = isHeld;
    this.engine.knowledge.isPartial = this.isPartial;
    this.inFiles.clear();
    this.engine.knowledge.setComplete(this.complete, this.cluster.clusterName !== undefined);
    for (const resource of this.cluster.all()) this.addFromCluster(resource);
    for (const [uri, file] of this.files) {
      this.engine.knowledge.replace(undefined, file);
      if (!this.definesNothing(uri)) this.replaceResources(uri, [], resourcesOf(file));
      this.reports.touched(uri);
    }
    this.reports.touchedAll();
  }

  private context(): RuleContext {
    const { strictness = 'lenient', clusterDomain = 'cluster.local', meshConfig } = this.options;
    const { knowledge } = this.engine;
    const structures = this.cluster.structures() ?? this.options.structures;
    return {
      strictness,
      clusterDomain,
      rootNamespace: this.options.rootNamespace ?? meshConfig?.rootNamespace ?? 'istio-system',
      meshConfig,
      knowsAll: (...kinds) => (strictness === 'strict' && !this.isPartial) || knowledge.knowsAll(kinds),
      mayBeHidden: (kind) => (strictness === 'lenient' || this.isPartial) && knowledge.mayBeHidden(kind),
      ...(structures && { structures }),
    };
  }

  private makeReports(uri: string): Report[] {
    const file = this.files.get(uri);
    const found = this.engine.runs.foundIn(uri);
    if (file) {
      return [...textReports(file, this.options.syntaxErrors === 'all'), ...reportsOf(file, found)];
    }
    if (!isClusterUri(uri)) return [];
    return Array.from(found).flatMap((one) => reportOf(one, undefined, this.cluster.findByUri(uri)));
  }
}

/** How many at the beginning are the same in both. */
function countAlike<T>(one: readonly T[], other: readonly T[], most = Math.min(one.length, other.length)): number {
  let count = 0;
  while (count < most && one[count] === other[count]) count++;
  return count;
}

/** What stays as it is and in the same order; all others go and come, as rules that say "the first one" may change their mind. */
function keptInOrder(before: readonly Resource[], after: readonly Resource[]): ReadonlySet<Resource> {
  const old = new Set(before);
  const kept = after.filter((resource) => old.has(resource));
  const stays = new Set(kept);
  const sameOrder = before
    .filter((resource) => stays.has(resource))
    .every((resource, index) => kept[index] === resource);
  return sameOrder ? stays : new Set();
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
