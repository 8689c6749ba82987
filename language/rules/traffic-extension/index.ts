import type { Rule } from '../../rule.ts';
import { noExtension } from './no-extension.ts';

/** What Istio's webhook says of one resource alone. */
export const trafficExtensionRules: readonly Rule[] = [noExtension];
