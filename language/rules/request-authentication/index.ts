import type { Rule } from '../../rule.ts';
import { badKeys } from './bad-keys.ts';

/** What Istio's webhook says of one resource alone. */
export const requestAuthenticationRules: readonly Rule[] = [badKeys];
