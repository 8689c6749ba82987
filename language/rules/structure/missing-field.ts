import { defineStructureRule } from './define-structure-rule.ts';

export const missingField = defineStructureRule(
  'missing-field',
  'The API server refuses the resource until this field is set. An empty value counts as not set.',
);
