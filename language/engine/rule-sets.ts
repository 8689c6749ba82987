import type { Finding } from '../finding.ts';
import { kinds } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { ByKind, Readable, Rule, RuleContext } from '../rule.ts';
import type { Found } from './report.ts';
import { podKinds } from './resource-index.ts';

/** Rules by how they are asked. */
export interface RuleSets {
  /** Of each resource by itself. */
  alone: ReadonlyMap<Kind, readonly Rule[]>;
  /** Of each resource, with all others to look up. */
  among: ReadonlyMap<Kind, readonly Rule[]>;
  /** Of everything at once. */
  whole: readonly Rule[];
}

/** A rule that failed, which is our fault and nobody else's. */
export type OnRuleFailure = (rule: Rule, error: unknown) => void;

export function sortRules(rules: readonly Rule[]): RuleSets {
  return {
    alone: rulesByKind(
      rules.filter(({ scope }) => scope === 'resource'),
      ({ reads }) => reads,
    ),
    among: rulesByKind(
      rules.filter(({ subject }) => subject),
      ({ subject }) => subject ?? [],
    ),
    whole: rules.filter(({ scope, subject }) => scope === 'mesh' && !subject),
  };
}

/** Adds what a rule says. Of a rule that throws, which is a bug of ours, nothing is added: it is told to who logs, and everything else goes on. */
export function ask(rule: Rule, check: () => Iterable<Finding>, failed: OnRuleFailure, found: Found[]): void {
  const before = found.length;
  try {
    for (const item of check()) found.push({ ...item, rule });
  } catch (error) {
    found.length = before;
    failed(rule, error);
  }
}

/** Adds what rules say that look at one resource alone. */
export function askAlone(
  rules: readonly Rule[],
  resource: Resource,
  pod: PodSource | undefined,
  context: RuleContext,
  failed: OnRuleFailure,
  found: Found[],
): void {
  let lists: ByKind | undefined;
  for (const rule of rules) {
    const { checkOne } = rule;
    if (checkOne) ask(rule, () => checkOne(resource, context), failed, found);
    else ask(rule, () => rule.check((lists ??= listsOfOne(resource, pod)), context), failed, found);
  }
}

const noLists = Object.fromEntries([...kinds, 'AnyPod'].map((kind) => [kind, Object.freeze([])]));

/** The same for all rules, whatever they read: what is not of this resource's kind is empty. */
function listsOfOne(resource: Resource, pod: PodSource | undefined): ByKind {
  const lists = Object.create(noLists) as Partial<Record<Readable, readonly unknown[]>>;
  lists[resource.kind] = [resource];
  if (pod) lists.AnyPod = [pod];
  return lists as ByKind;
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
