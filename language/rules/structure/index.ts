import type { Rule } from '../../rule.ts';
import { badMetadata } from './bad-metadata.ts';
import { exclusiveFields } from './exclusive-fields.ts';
import { missingField } from './missing-field.ts';
import { outOfBounds } from './out-of-bounds.ts';
import { unknownField } from './unknown-field.ts';
import { unknownValue } from './unknown-value.ts';
import { unknownVersion } from './unknown-version.ts';
import { warmupGivenTwice } from './warmup-given-twice.ts';
import { wrongType } from './wrong-type.ts';

/** What the API server says before Istio is asked. */
export const structureRules: readonly Rule[] = [
  unknownField,
  wrongType,
  unknownValue,
  missingField,
  exclusiveFields,
  outOfBounds,
  unknownVersion,
  badMetadata,
  warmupGivenTwice,
];
