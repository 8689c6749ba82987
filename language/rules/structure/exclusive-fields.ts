import { defineStructureRule } from './define-structure-rule.ts';

export const exclusiveFields = defineStructureRule(
  'exclusive-fields',
  'Only one of these fields may be set; with two the API server refuses the resource.',
);
