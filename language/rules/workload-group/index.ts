import type { Rule } from '../../rule.ts';
import { badProbe } from './bad-probe.ts';
import { badTemplate } from './bad-template.ts';

/** What Istio's webhook says of one resource alone. */
export const workloadGroupRules: readonly Rule[] = [badProbe, badTemplate];
