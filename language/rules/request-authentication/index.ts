import type { Rule } from '../../rule.ts';
import { badKeys } from './bad-keys.ts';
import { noIssuer } from './no-issuer.ts';
import { privateKey } from './private-key.ts';

/** What Istio's webhook says of one resource alone. */
export const requestAuthenticationRules: readonly Rule[] = [badKeys, noIssuer, privateKey];
