import type { Resource } from '../resource.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { Reader } from './reactive.ts';
import type { Doubts } from './reactive.ts';
import type { Found } from './report.ts';
import { ask, askAlone, sortRules } from './rule-sets.ts';
import type { OnRuleFailure, RuleSets } from './rule-sets.ts';
import { RunQueue } from './run-queue.ts';
import type { ResourceIndex } from './resource-index.ts';

export interface Surroundings {
  resources: ResourceIndex;
  doubts: Doubts;
  context: () => RuleContext;
  failed: OnRuleFailure;
  /** The findings in a file may be others. */
  touched: (uri: string) => void;
}

/**
 * Which rules have to be asked, and what they said last time. Three sorts of runs: a resource by itself, a resource among
 * all others (rules with a `subject`), and a rule over everything. A run is repeated when its resource or something it looked at changed.
 */
export class RuleRuns {
  private readonly around: Surroundings;
  private readonly sets: RuleSets;
  private readonly whole: readonly Run[];
  private readonly byResource = new Map<Resource, Run[]>();
  private readonly waiting = new RunQueue<Run>();
  private readonly waitingForOthers = new RunQueue<Run>();
  /** While files are still being read: what compares resources waits until all are there. */
  isHeld = false;
  private readonly byFile = new Map<string, Map<Run, Found[]>>();

  constructor(rules: readonly Rule[], around: Surroundings) {
    this.around = around;
    this.sets = sortRules(rules);
    this.whole = this.sets.whole.map(
      (rule) =>
        new Run((context, found) => {
          ask(rule, () => rule.check(around.resources.everything(rule.reads), context), around.failed, found);
        }, this.waitingForOthers),
    );
  }

  add(resource: Resource): void {
    const { resources, failed } = this.around;
    const alone = this.sets.alone.get(resource.kind);
    const among = this.sets.among.get(resource.kind);
    const runs: Run[] = [];
    if (alone) {
      const askThem: Ask = (context, found) =>
        askAlone(alone, resource, resources.podSourceOf(resource), context, failed, found);
      runs.push(new Run(askThem, this.waiting));
    }
    if (among) {
      const askThem: Ask = (context, found) => {
        const about = resources.about(resource);
        for (const rule of among) ask(rule, () => rule.check(about(rule), context), failed, found);
      };
      runs.push(new Run(askThem, this.waitingForOthers));
    }
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
    run.repeat(context);
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

type Ask = (context: RuleContext, found: Found[]) => void;

/** Some rules that read the same, and what they said. */
class Run extends Reader {
  found: readonly Found[] = nothing;
  private readonly askThem: Ask;
  private readonly waiting: RunQueue<Run>;

  constructor(askThem: Ask, waiting: RunQueue<Run>) {
    super();
    this.askThem = askThem;
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

  repeat(context: RuleContext): void {
    const found: Found[] = [];
    this.track(() => this.askThem(context, found));
    this.found = found.length > 0 ? found : nothing;
  }

  protected override becameStale(): void {
    this.wait();
  }
}

const nothing: readonly Found[] = [];

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
