import type { Rule } from '../../rule.ts';
import { badFilter } from './bad-filter.ts';
import { badTagOverride } from './bad-tag-override.ts';
import { namelessTagOverride } from './nameless-tag-override.ts';
import { namelessTag } from './nameless-tag.ts';
import { severalTracings } from './several-tracings.ts';

/** What Istio's webhook says of one resource alone. */
export const telemetryRules: readonly Rule[] = [
  badFilter,
  badTagOverride,
  namelessTagOverride,
  namelessTag,
  severalTracings,
];
