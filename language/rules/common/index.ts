import type { Rule } from '../../rule.ts';
import { badDryRun } from './bad-dry-run.ts';
import { badDuration } from './bad-duration.ts';
import { badExportTo } from './bad-export-to.ts';
import { badLabel } from './bad-label.ts';
import { badSelector } from './bad-selector.ts';
import { badTargetRef } from './bad-target-ref.ts';
import { internalAnnotation } from './internal-annotation.ts';
import { selectorWithoutLabels } from './selector-without-labels.ts';
import { severalTargets } from './several-targets.ts';

/** What Istio's webhook says of one resource alone. */
export const commonRules: readonly Rule[] = [
  badDryRun,
  badDuration,
  badExportTo,
  badLabel,
  badSelector,
  badTargetRef,
  internalAnnotation,
  selectorWithoutLabels,
  severalTargets,
];
