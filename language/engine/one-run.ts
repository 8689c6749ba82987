import type { Resource } from '../resource.ts';
import type { Rule, RuleContext } from '../rule.ts';
import type { Found, Report } from './report.ts';
import type { Surroundings } from './rule-runs.ts';
import { ask, askAlone, sortRules } from './rule-sets.ts';
import type { RuleSets } from './rule-sets.ts';

/**
 * All rules asked once, of everything: what a command line does. Says the same as {@link RuleRuns}, but nobody remembers who
 * looked at what, which takes time and memory; after a change all are asked again. What looks at one resource alone may be
 * asked file by file, and elsewhere.
 */
export class OneRun {
  private readonly around: Surroundings;
  private readonly sets: RuleSets;
  private readonly byFile = new Map<string, Set<Resource>>();
  private readonly found = new Map<string, Found[]>();
  private readonly foundElsewhere = new Map<string, readonly Report[]>();
  /** The files that {@link judgeAlone} is done with. */
  private readonly judged = new Set<string>();
  private isJudgedTogether = false;
  isHeld = false;

  constructor(rules: readonly Rule[], around: Surroundings) {
    this.around = around;
    this.sets = sortRules(rules);
  }

  add(resource: Resource): void {
    this.repeatAll();
    const uri = this.around.resources.uriOf(resource);
    const resources = this.byFile.get(uri);
    if (resources) resources.add(resource);
    else this.byFile.set(uri, new Set([resource]));
  }

  remove(resource: Resource): void {
    this.repeatAll();
    const uri = this.around.resources.uriOf(resource);
    const resources = this.byFile.get(uri);
    resources?.delete(resource);
    if (resources?.size === 0) this.byFile.delete(uri);
  }

  repeatAll(): void {
    if (this.judged.size === 0 && !this.isJudgedTogether) return;
    for (const uri of [...this.found.keys(), ...this.foundElsewhere.keys()]) this.around.touched(uri);
    this.found.clear();
    this.foundElsewhere.clear();
    this.judged.clear();
    this.isJudgedTogether = false;
  }

  /** Asks all that were not asked yet. @returns true: it does not stop on the way. */
  work(): boolean {
    this.judgeTogether();
    if (this.judged.size < this.byFile.size) for (const uri of this.byFile.keys()) this.judgeAlone(uri);
    return true;
  }

  /** Asks what compares resources, unless it was asked. */
  judgeTogether(): void {
    if (this.isJudgedTogether) return;
    this.isJudgedTogether = true;
    const { resources, doubts, failed } = this.around;
    const context = this.around.context();
    doubts.settle();
    const found: Found[] = [];
    for (const rule of this.sets.whole)
      ask(rule, () => rule.check(resources.everything(rule.reads), context), failed, found);
    for (const others of this.byFile.values()) for (const resource of others) this.judgeAmong(resource, context, found);
    this.file(found);
  }

  /** Asks what looks at one resource alone of all in a file, unless it was asked or {@link takeOver | taken over}. */
  judgeAlone(uri: string): void {
    const inFile = this.byFile.get(uri);
    if (!inFile || this.judged.has(uri)) return;
    this.judged.add(uri);
    const { resources, failed } = this.around;
    const context = this.around.context();
    const found: Found[] = [];
    for (const resource of inFile) {
      const rules = this.sets.alone.get(resource.kind);
      if (rules) askAlone(rules, resource, resources.podSourceOf(resource), context, failed, found);
    }
    this.file(found);
  }

  /** Takes what a {@link LoneJudge} said of a file for what {@link judgeAlone} would say. */
  takeOver(uri: string, reports: readonly Report[]): void {
    if (!this.byFile.has(uri) || this.judged.has(uri)) return;
    this.judged.add(uri);
    if (reports.length === 0) return;
    this.foundElsewhere.set(uri, reports);
    this.around.touched(uri);
  }

  foundIn(uri: string): Iterable<Found> {
    return this.found.get(uri) ?? [];
  }

  reportedIn(uri: string): readonly Report[] {
    return this.foundElsewhere.get(uri) ?? [];
  }

  private judgeAmong(resource: Resource, context: RuleContext, found: Found[]): void {
    const rules = this.sets.among.get(resource.kind);
    if (!rules) return;
    const { resources, failed } = this.around;
    const about = resources.about(resource);
    for (const rule of rules) ask(rule, () => rule.check(about(rule), context), failed, found);
  }

  private file(all: readonly Found[]): void {
    for (const found of all) {
      const { uri } = found.at.source;
      const known = this.found.get(uri);
      if (known) known.push(found);
      else this.found.set(uri, [found]);
      this.around.touched(uri);
    }
  }
}
