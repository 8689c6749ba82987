import type { Located } from '../../located.ts';

/** The parts of a rule: who (`source`), what (`operation`), and under which conditions. */
export interface RuleParts {
  rule: Located;
  /** The values of `from[].source`. */
  sources: Located[];
  /** The values of `to[].operation`. */
  operations: Located[];
  conditions: readonly Located[];
}

export function ruleParts(spec: Located): RuleParts[] {
  return spec.at('rules').items.map((rule) => ({
    rule,
    sources: rule.at('from').items.map((from) => from.at('source')),
    operations: rule.at('to').items.map((to) => to.at('operation')),
    conditions: rule.at('when').items,
  }));
}
