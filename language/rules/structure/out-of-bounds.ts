import { defineStructureRule } from './define-structure-rule.ts';

export const outOfBounds = defineStructureRule(
  'out-of-bounds',
  'The value breaks a limit of the schema (length, range, pattern, number of entries), so the API server refuses the resource.',
);
