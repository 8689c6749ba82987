import type { Rule } from '../../rule.ts';
import { badCondition } from './bad-condition.ts';
import { badPathTemplate } from './bad-path-template.ts';
import { badProvider } from './bad-provider.ts';
import { badServiceAccount } from './bad-service-account.ts';
import { badValue } from './bad-value.ts';
import { customWithIdentity } from './custom-with-identity.ts';
import { denyWithoutRules } from './deny-without-rules.ts';
import { emptyPart } from './empty-part.ts';

/** What Istio's webhook says of one resource alone. */
export const authorizationPolicyRules: readonly Rule[] = [
  badCondition,
  badPathTemplate,
  badProvider,
  badServiceAccount,
  badValue,
  customWithIdentity,
  denyWithoutRules,
  emptyPart,
];
