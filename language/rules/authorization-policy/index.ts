import type { Rule } from '../../rule.ts';
import { badCondition } from './bad-condition.ts';
import { badPathTemplate } from './bad-path-template.ts';
import { badProvider } from './bad-provider.ts';
import { badServiceAccount } from './bad-service-account.ts';
import { badTrustDomain } from './bad-trust-domain.ts';
import { badValue } from './bad-value.ts';
import { customWithIdentity } from './custom-with-identity.ts';
import { denyBlocksTcp } from './deny-blocks-tcp.ts';
import { denyWithoutRules } from './deny-without-rules.ts';
import { emptyList } from './empty-list.ts';
import { emptyPart } from './empty-part.ts';

/** What Istio's webhook says of one resource alone. */
export const authorizationPolicyRules: readonly Rule[] = [
  badCondition,
  badPathTemplate,
  badProvider,
  badServiceAccount,
  badTrustDomain,
  badValue,
  customWithIdentity,
  denyBlocksTcp,
  denyWithoutRules,
  emptyList,
  emptyPart,
];
