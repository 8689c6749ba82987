import { defineStructureRule } from './define-structure-rule.ts';

export const wrongType = defineStructureRule(
  'wrong-type',
  'The API server refuses text where a number stands in the schema, and the other way round; unquoted, YAML reads 1.0, 8080 and yes as no text.',
);
