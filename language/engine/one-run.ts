import type { Resource } from '../resource.ts';
import type { Rule, RuleContext } from '../rule.ts';
import type { Found } from './report.ts';
import type { Surroundings } from './rule-runs.ts';
import { ask, askAlone, sortRules } from './rule-sets.ts';
import type { RuleSets } from './rule-sets.ts';

/**
 * All rules asked once, of everything: what a command line does. Says the same as {@link RuleRuns}, but nobody remembers who
 * looked at what, which takes time and memory; after a change all are asked again.
 */
export class OneRun {
  private readonly around: Surroundings;
  private readonly sets: RuleSets;
  private readonly byFile = new Map<string, Set<Resource>>();
  private readonly found = new Map<string, Found[]>();
  private isJudged = false;
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
    if (!this.isJudged) return;
    for (const uri of this.found.keys()) this.around.touched(uri);
    this.found.clear();
    this.isJudged = false;
  }

  /** Asks all rules, unless they were asked. @returns true: it does not stop on the way. */
  work(): boolean {
    if (this.isJudged) return true;
    this.isJudged = true;
    const { resources, doubts, failed } = this.around;
    const context = this.around.context();
    doubts.settle();
    const found: Found[] = [];
    for (const rule of this.sets.whole)
      ask(rule, () => rule.check(resources.everything(rule.reads), context), failed, found);
    for (const inFile of this.byFile.values()) for (const resource of inFile) this.judgeAmong(resource, context, found);
    for (const inFile of this.byFile.values()) for (const resource of inFile) this.judgeAlone(resource, context, found);
    this.file(found);
    return true;
  }

  foundIn(uri: string): Iterable<Found> {
    return this.found.get(uri) ?? [];
  }

  private judgeAmong(resource: Resource, context: RuleContext, found: Found[]): void {
    const rules = this.sets.among.get(resource.kind);
    if (!rules) return;
    const { resources, failed } = this.around;
    const about = resources.about(resource);
    for (const rule of rules) ask(rule, () => rule.check(about(rule), context), failed, found);
  }

  private judgeAlone(resource: Resource, context: RuleContext, found: Found[]): void {
    const rules = this.sets.alone.get(resource.kind);
    const { resources, failed } = this.around;
    if (rules) askAlone(rules, resource, resources.podSourceOf(resource), context, failed, found);
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
