import type { Rule } from '../../rule.ts';
import { badConsistentHash } from './bad-consistent-hash.ts';
import { badHost } from './bad-host.ts';
import { badLocality } from './bad-locality.ts';
import { badLocalityName } from './bad-locality-name.ts';
import { badOutlierDetection } from './bad-outlier-detection.ts';
import { badSubsetName } from './bad-subset-name.ts';
import { badTunnel } from './bad-tunnel.ts';
import { badWarmup } from './bad-warmup.ts';
import { credentialNameAndFiles } from './credential-name-and-files.ts';
import { credentialOfOtherNamespace } from './credential-of-other-namespace.ts';
import { deprecatedConsecutiveErrors } from './deprecated-consecutive-errors.ts';
import { deprecatedRingSize } from './deprecated-ring-size.ts';
import { emptyPolicy } from './empty-policy.ts';
import { failoverWithoutOutlierDetection } from './failover-without-outlier-detection.ts';
import { incompleteKeepalive } from './incomplete-keepalive.ts';
import { mutualWithoutCertificate } from './mutual-without-certificate.ts';
import { negativeCount } from './negative-count.ts';
import { portOutOfRange } from './port-out-of-range.ts';
import { selectorExported } from './selector-exported.ts';
import { selectorWithoutLabels } from './selector-without-labels.ts';
import { skipVerifyAndVerification } from './skip-verify-and-verification.ts';
import { upgradeWithClientProtocol } from './upgrade-with-client-protocol.ts';

/** What Istio's webhook says of one resource alone. */
export const destinationRuleRules: readonly Rule[] = [
  badConsistentHash,
  badHost,
  badLocality,
  badLocalityName,
  badOutlierDetection,
  badSubsetName,
  badTunnel,
  badWarmup,
  credentialNameAndFiles,
  credentialOfOtherNamespace,
  deprecatedConsecutiveErrors,
  deprecatedRingSize,
  emptyPolicy,
  failoverWithoutOutlierDetection,
  incompleteKeepalive,
  mutualWithoutCertificate,
  negativeCount,
  portOutOfRange,
  selectorExported,
  selectorWithoutLabels,
  skipVerifyAndVerification,
  upgradeWithClientProtocol,
];
