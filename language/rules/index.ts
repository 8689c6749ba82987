import type { Rule } from '../rule.ts';
import { betweenResources } from './between-resources.ts';
import { commonRules } from './common/index.ts';
import { destinationRuleRules } from './destination-rule/index.ts';
import { duplicateSubset } from './destination-rule/duplicate-subset.ts';
import { portLevelWithoutSelector } from './peer-authentication/port-level-without-selector.ts';
import { portNotANumber } from './peer-authentication/port-not-a-number.ts';
import { injectionRules } from './injection/index.ts';
import { gatewayRules } from './gateway/index.ts';
import { envoyFilterRules } from './envoy-filter/index.ts';
import { serverTlsRules } from './server-tls/index.ts';
import { serviceEntryRules } from './service-entry/index.ts';
import { authorizationPolicyRules } from './authorization-policy/index.ts';
import { neverMatches } from './authorization-policy/never-matches.ts';
import { requestAuthenticationRules } from './request-authentication/index.ts';
import { sidecarRules } from './sidecar/index.ts';
import { structureRules } from './structure/index.ts';
import { gatewayNotFound } from './virtual-service/gateway-not-found.ts';
import { hostNotFound } from './virtual-service/host-not-found.ts';
import { literalWildcard } from './virtual-service/literal-wildcard.ts';
import { portNotFound } from './virtual-service/port-not-found.ts';
import { subsetNotFound } from './virtual-service/subset-not-found.ts';
import { virtualServiceRules } from './virtual-service/index.ts';
import { telemetryRules } from './telemetry/index.ts';
import { trafficExtensionRules } from './traffic-extension/index.ts';
import { wasmPluginRules } from './wasm-plugin/index.ts';
import { weightMissing } from './virtual-service/weight-missing.ts';
import { weightsNotHundred } from './virtual-service/weights-not-hundred.ts';
import { workloadEntryRules } from './workload-entry/index.ts';
import { workloadGroupRules } from './workload-group/index.ts';
import { weightsThatCannotWork } from './virtual-service/weights-that-cannot-work.ts';

/** Every rule, one line each. */
export const rules: readonly Rule[] = [
  ...structureRules,
  portLevelWithoutSelector,
  portNotANumber,
  duplicateSubset,
  gatewayNotFound,
  hostNotFound,
  portNotFound,
  subsetNotFound,
  weightsThatCannotWork,
  weightMissing,
  weightsNotHundred,
  neverMatches,
  literalWildcard,
  ...commonRules,
  ...virtualServiceRules,
  ...destinationRuleRules,
  ...gatewayRules,
  ...serverTlsRules,
  ...serviceEntryRules,
  ...workloadEntryRules,
  ...workloadGroupRules,
  ...authorizationPolicyRules,
  ...requestAuthenticationRules,
  ...telemetryRules,
  ...wasmPluginRules,
  ...trafficExtensionRules,
  ...sidecarRules,
  ...envoyFilterRules,
  ...injectionRules,
  ...betweenResources,
];
