import type { Rule } from '../../rule.ts';
import { badUrl } from './bad-url.ts';
import { valueOfHost } from './value-of-host.ts';

/** What Istio's webhook says of one resource alone. */
export const wasmPluginRules: readonly Rule[] = [badUrl, valueOfHost];
