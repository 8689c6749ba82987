import { defineStructureRule } from './define-structure-rule.ts';

export const unknownField = defineStructureRule(
  'unknown-field',
  'A field that the kind does not have is refused by kubectl and dropped by other clients: what it should have done does not happen.',
);
