import { defineStructureRule } from './define-structure-rule.ts';

export const unknownValue = defineStructureRule(
  'unknown-value',
  'The field takes one of a few words, and this is none of them: the API server refuses the whole resource.',
);
