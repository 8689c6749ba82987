import type { Resource } from '../resource.ts';
import type { ByKind, Rule, RuleContext } from '../rule.ts';
import type { Kind } from '../kinds.ts';
import { Reader } from './reactive.ts';
import type { Doubts } from './reactive.ts';
import type { Found } from './report.ts';
import { RunQueue } from './run-queue.ts';
import { podKinds } from './resource-index.ts';
import type { ResourceIndex } from './resource-index.ts';

interface Surroundings {
  resources: ResourceIndex;
  doubts: Doubts;
  context: () => RuleContext;
  /** A rule that failed, which is our fault and nobody else's. */
  failed: (rule: Rule, error: unknown) => void;
  /** The findings in a file may be others. */
  touched: (uri: string) => void;
}

/**
 * Which rules have to be asked, and what they said last time. Three sorts of runs: a resource by itself, a resource among
 * all others (rules with a `subject`), and a rule over everything. A run is repeated when its resource or something it looked at changed.
 */
export class RuleRuns {
  private readonly around: Surroundings;
  private readonly alone: ReadonlyMap<Kind, readonly Rule[]>;
  private readonly among: ReadonlyMap<Kind, readonly Rule[]>;
  private readonly whole: readonly Run[];
  private readonly byResource = new Map<Resource, Run[]>();
  private readonly waiting = new RunQueue<Run>();
  private readonly waitingForOthers = new RunQueue<Run>();
  /** While files are still being read: what compares resources waits until all are there. */
  isHeld = false;
  private readonly byFile = new Map<string, Map<Run, Found[]>>();

  constructor(rules: readonly Rule[], around: Surroundings) {
    this.around = around;
    this.alone = rulesByKind(
      rules.filter(({ scope }) => scope === 'resource'),
      ({ reads }) => reads,
    );
    this.among = rulesByKind(
      rules.filter(({ subject }) => subject),
      ({ subject }) => subject ?? [],
    );
    this.whole = rules
      .filter(({ scope, subject }) => scope === 'mesh' && !subject)
      .map((rule) => new Run([rule], ({ reads }) => around.resources.everything(reads), this.waitingForOthers));
  }

  add(resource: Resource): void {
    const { resources } = this.around;
    const alone = this.alone.get(resource.kind);
    const among = this.among.get(resource.kind);
    const runs: Run[] = [];
    if (alone) runs.push(new Run(alone, ({ reads }) => resources.alone(resource, reads), this.waiting));
    if (among) runs.push(new Run(among, (rule) => resources.about(resource, rule), this.waitingForOthers));
    this.byResource.set(resource, runs);
  }

  remove(resource: Resource): void {
    for (const run of this.byResource.get(resource) ?? []) {
      run.drop();
      this.file(run, run.found, []);
    }
    this.byResource.delete(resource);
  }

  /** Asks every rule again: settings have changed. */
  repeatAll(): void {
    for (const run of this.whole) run.wait();
    for (const runs of this.byResource.values()) for (const run of runs) run.wait();
  }

  /**
   * Asks the rules that have to be asked.
   * @param deadline on `performance.now()`'s clock: what is left then waits for the next call.
   * @returns whether all were asked.
   */
  work(deadline = Infinity): boolean {
    const context = this.around.context();
    const ask = (run: Run) => this.ask(run, context);
    const { waiting, waitingForOthers, isHeld } = this;
    if (!waiting.doFresh(deadline, ask)) return false;
    if (!isHeld) this.around.doubts.settle();
    if (!isHeld && !waitingForOthers.doFresh(deadline, ask)) return false;
    if (!waiting.doBacklog(deadline, ask)) return false;
    if (isHeld) return true;
    if (!waitingForOthers.doBacklog(deadline, ask)) return false;
    // An answer that turned out otherwise on the way.
    return waitingForOthers.doFresh(deadline, ask) && waitingForOthers.isEmpty;
  }

  private ask(run: Run, context: RuleContext): void {
    const before = run.found;
    run.repeat(context, this.around.failed);
    this.file(run, before, run.found);
  }

  /** Everything said of places in a file. */
  *foundIn(uri: string): Iterable<Found> {
    for (const found of this.byFile.get(uri)?.values() ?? []) yield* found;
  }

  private file(run: Run, before: readonly Found[], after: readonly Found[]): void {
    if (before.length === 0 && after.length === 0) return;
    const old = byUri(before);
    const now = byUri(after);
    for (const [uri] of old) if (!now.has(uri)) this.put(uri, run, undefined);
    for (const [uri, found] of now) {
      if (!sameFindings(old.get(uri), found)) this.put(uri, run, found);
    }
  }

  private put(uri: string, run: Run, found: Found[] | undefined): void {
    this.around.touched(uri);
    let runs = this.byFile.get(uri);
    if (!runs) this.byFile.set(uri, (runs = new Map()));
    if (found) runs.set(run, found);
    else runs.delete(run);
    if (runs.size === 0) this.byFile.delete(uri);
  }
}

/** Some rules that read the same, and what they said. */
class Run extends Reader {
  found: readonly Found[] = [];
  private readonly rules: readonly Rule[];
  private readonly read: (rule: Rule) => ByKind;
  private readonly waiting: RunQueue<Run>;

  constructor(rules: readonly Rule[], read: (rule: Rule) => ByKind, waiting: RunQueue<Run>) {
    super();
    this.rules = rules;
    this.read = read;
    this.waiting = waiting;
    this.wait();
  }

  wait(): void {
    this.waiting.add(this);
  }

  /** Its resource is gone. */
  drop(): void {
    this.forget();
    this.waiting.delete(this);
  }

  repeat(context: RuleContext, failed: Surroundings['failed']): void {
    this.found = this.track(() => this.rules.flatMap((rule) => this.ask(rule, context, failed)));
  }

  protected override becameStale(): void {
    this.wait();
  }

  /** A rule that throws is a bug of ours: it is told to who logs, and everything else goes on. */
  private ask(rule: Rule, context: RuleContext, failed: Surroundings['failed']): Found[] {
    try {
      return Array.from(rule.check(this.read(rule), context), (item) => ({ ...item, rule }));
    } catch (error) {
      failed(rule, error);
      return [];
    }
  }
}

function byUri(all: readonly Found[]): Map<string, Found[]> {
  const files = new Map<string, Found[]>();
  for (const found of all) {
    const { uri } = found.at.source;
    const known = files.get(uri);
    if (known) known.push(found);
    else files.set(uri, [found]);
  }
  return files;
}

/** The same words about the same places: whoever shows them need not look again. */
function sameFindings(before: readonly Found[] | undefined, after: readonly Found[]): boolean {
  return before?.length === after.length && after.every((found, index) => isSame(found, before[index]!));
}

function isSame(a: Found, b: Found): boolean {
  return (
    a.at === b.at &&
    a.rule === b.rule &&
    a.message === b.message &&
    a.severity === b.severity &&
    a.code === b.code &&
    a.refType === b.refType &&
    (a.related?.length ?? 0) === (b.related?.length ?? 0) &&
    (a.related ?? []).every((one, index) => one.at === b.related![index]!.at) &&
    !a.fixes?.length &&
    !b.fixes?.length
  );
}

function rulesByKind(
  rules: readonly Rule[],
  kindsOf: (rule: Rule) => Rule['reads'],
): ReadonlyMap<Kind, readonly Rule[]> {
  const byKind = new Map<Kind, Rule[]>();
  for (const rule of rules) {
    for (const kind of new Set(kindsOf(rule).flatMap((read) => (read === 'AnyPod' ? podKinds : [read])))) {
      const known = byKind.get(kind);
      if (known) known.push(rule);
      else byKind.set(kind, [rule]);
    }
  }
  return byKind;
}
