import type { Rule } from '../rule.ts';
import { namespaceNotFound } from './authorization-policy/namespace-not-found.ts';
import { noWorkloads } from './authorization-policy/no-workloads.ts';
import { conflictingTargetPorts } from './deployment/conflicting-target-ports.ts';
import { portWithTwoProtocols } from './deployment/port-with-two-protocols.ts';
import { destinationRuleHostNotFound } from './destination-rule/host-not-found.ts';
import { subsetSelectsNothing } from './destination-rule/subset-selects-nothing.ts';
import { unverifiedCertificate } from './destination-rule/unverified-certificate.ts';
import { unverifiedCertificateOfPort } from './destination-rule/unverified-certificate-of-port.ts';
import { addIgnored } from './envoy-filter/add-ignored.ts';
import { relativeAfterProxyVersion } from './envoy-filter/relative-after-proxy-version.ts';
import { relativeOperation } from './envoy-filter/relative-operation.ts';
import { removeIgnored } from './envoy-filter/remove-ignored.ts';
import { replaceIgnored } from './envoy-filter/replace-ignored.ts';
import { conflictingGatewayHosts } from './gateway/conflicting-hosts.ts';
import { badCredential } from './gateway/bad-credential.ts';
import { credentialNotFound } from './gateway/credential-not-found.ts';
import { duplicateCertificate } from './gateway/duplicate-certificate.ts';
import { portNotOnService } from './gateway/port-not-on-service.ts';
import { gatewaySelectorNotFound } from './gateway/selector-not-found.ts';
import { ineffectiveOnGateway } from './selector/ineffective-on-gateway.ts';
import { addressesRequired } from './service-entry/addresses-required.ts';
import { conflictingProtocols } from './service-entry/conflicting-protocols.ts';
import { externalNamePort } from './service/external-name-port.ts';
import { portName } from './service/port-name.ts';
import { conflictingSidecars } from './sidecar/conflicting-selectors.ts';
import { deprecatedEgressProxy } from './sidecar/deprecated-egress-proxy.ts';
import { ineffectiveSidecar } from './sidecar/ineffective-in-ambient.ts';
import { sidecarSelectorNotFound } from './sidecar/selector-not-found.ts';
import { severalDefaultSidecars } from './sidecar/several-without-selector.ts';
import { conflictingTelemetries } from './telemetry/conflicting-selectors.ts';
import { noAccessLogProvider } from './telemetry/no-access-log-provider.ts';
import { telemetrySelectorNotFound } from './telemetry/selector-not-found.ts';
import { severalDefaultTelemetries } from './telemetry/several-without-selector.ts';
import { claimsWithoutAuthentication } from './virtual-service/claims-without-authentication.ts';
import { conflictingMeshHosts } from './virtual-service/conflicting-mesh-hosts.ts';
import { deprecatedDelayPercent } from './virtual-service/deprecated-delay-percent.ts';
import { hostNotInGateway } from './virtual-service/host-not-in-gateway.ts';
import { ineffectiveMatch } from './virtual-service/ineffective-match.ts';
import { portRequired } from './virtual-service/port-required.ts';
import { subsetNotForGateway } from './virtual-service/subset-not-for-gateway.ts';
import { unreachableRoute } from './virtual-service/unreachable-route.ts';
import { oldGatewayApi } from './custom-resource-definition/old-gateway-api.ts';
import { removedRbac } from './custom-resource-definition/removed-rbac.ts';
import { jwksUnrestricted } from './deployment/jwks-unrestricted.ts';
import { unknownRegistry } from './mesh-config/unknown-registry.ts';
import { imageAuto } from './pod/image-auto.ts';
import { missingProxy } from './pod/missing-proxy.ts';
import { negativeCondition } from './status/negative-condition.ts';
import { lightstepProvider } from './telemetry/lightstep-provider.ts';
import { internalGateway } from './virtual-service/internal-gateway.ts';
import { badControlPlaneUrl } from './webhook/bad-control-plane-url.ts';
import { controlPlaneByAddress } from './webhook/control-plane-by-address.ts';
import { overlappingInjectors } from './webhook/overlapping-injectors.ts';
import { webhookServiceNotFound } from './webhook/service-not-found.ts';

import { droppedSettings } from './destination-rule/dropped-settings.ts';
import { neverLookedUp } from './destination-rule/never-looked-up.ts';
import { subsetHidden } from './virtual-service/subset-hidden.ts';
import { hiddenFromGateway } from './virtual-service/hidden-from-gateway.ts';
import { competingOnGateway } from './virtual-service/competing-on-gateway.ts';
import { subsetDefinedLater } from './virtual-service/subset-defined-later.ts';

import { tlsAgainstStrict } from './destination-rule/tls-against-strict.ts';
import { conflictingPolicies } from './peer-authentication/conflicting-policies.ts';
import { portNotExposed } from './peer-authentication/port-not-exposed.ts';
import { headlessWithoutPorts } from './service/headless-without-ports.ts';
import { twoProtocols } from './service/two-protocols.ts';

import { outsideRegistry } from './virtual-service/outside-registry.ts';
import { egressGatewayIncomplete } from './virtual-service/egress-gateway-incomplete.ts';
import { egressWithoutTraffic } from './gateway/egress-without-traffic.ts';
import { httpBehindPassthrough } from './virtual-service/http-behind-passthrough.ts';
import { proxyImageMismatch } from './pod/proxy-image-mismatch.ts';

/** What `istioctl analyze` says of resources that contradict, miss or hide each other. */
export const betweenResources: readonly Rule[] = [
  namespaceNotFound,
  noWorkloads,
  conflictingTargetPorts,
  portWithTwoProtocols,
  destinationRuleHostNotFound,
  subsetSelectsNothing,
  unverifiedCertificate,
  unverifiedCertificateOfPort,
  addIgnored,
  relativeAfterProxyVersion,
  relativeOperation,
  removeIgnored,
  replaceIgnored,
  conflictingGatewayHosts,
  badCredential,
  credentialNotFound,
  duplicateCertificate,
  portNotOnService,
  gatewaySelectorNotFound,
  ineffectiveOnGateway,
  addressesRequired,
  conflictingProtocols,
  externalNamePort,
  portName,
  conflictingSidecars,
  deprecatedEgressProxy,
  ineffectiveSidecar,
  sidecarSelectorNotFound,
  severalDefaultSidecars,
  conflictingTelemetries,
  noAccessLogProvider,
  telemetrySelectorNotFound,
  severalDefaultTelemetries,
  claimsWithoutAuthentication,
  conflictingMeshHosts,
  deprecatedDelayPercent,
  hostNotInGateway,
  ineffectiveMatch,
  portRequired,
  subsetNotForGateway,
  unreachableRoute,
  oldGatewayApi,
  removedRbac,
  jwksUnrestricted,
  unknownRegistry,
  imageAuto,
  missingProxy,
  negativeCondition,
  lightstepProvider,
  internalGateway,
  badControlPlaneUrl,
  controlPlaneByAddress,
  overlappingInjectors,
  webhookServiceNotFound,
  droppedSettings,
  neverLookedUp,
  subsetHidden,
  hiddenFromGateway,
  competingOnGateway,
  subsetDefinedLater,
  tlsAgainstStrict,
  conflictingPolicies,
  portNotExposed,
  headlessWithoutPorts,
  twoProtocols,
  outsideRegistry,
  egressGatewayIncomplete,
  egressWithoutTraffic,
  httpBehindPassthrough,
  proxyImageMismatch,
];
