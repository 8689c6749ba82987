import { defineStructureRule } from './define-structure-rule.ts';

export const unknownVersion = defineStructureRule(
  'unknown-version',
  'The API server has no such version of this kind: nothing is applied.',
);
