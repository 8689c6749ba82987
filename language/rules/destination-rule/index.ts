import type { Rule } from '../../rule.ts';
import { badConsistentHash } from './bad-consistent-hash.ts';
import { badHost } from './bad-host.ts';
import { badLocality } from './bad-locality.ts';
import { badOutlierDetection } from './bad-outlier-detection.ts';
import { badSubsetName } from './bad-subset-name.ts';
import { badTunnel } from './bad-tunnel.ts';
import { credentialNameAndFiles } from './credential-name-and-files.ts';
import { deprecatedConsecutiveErrors } from './deprecated-consecutive-errors.ts';
import { emptyPolicy } from './empty-policy.ts';
import { failoverWithoutOutlierDetection } from './failover-without-outlier-detection.ts';
import { mutualWithoutCertificate } from './mutual-without-certificate.ts';
import { negativeCount } from './negative-count.ts';
import { selectorExported } from './selector-exported.ts';
import { skipVerifyAndVerification } from './skip-verify-and-verification.ts';
import { upgradeWithClientProtocol } from './upgrade-with-client-protocol.ts';

/** What Istio's webhook says of one resource alone. */
export const destinationRuleRules: readonly Rule[] = [
  badConsistentHash,
  badHost,
  badLocality,
  badOutlierDetection,
  badSubsetName,
  badTunnel,
  credentialNameAndFiles,
  deprecatedConsecutiveErrors,
  emptyPolicy,
  failoverWithoutOutlierDetection,
  mutualWithoutCertificate,
  negativeCount,
  selectorExported,
  skipVerifyAndVerification,
  upgradeWithClientProtocol,
];
