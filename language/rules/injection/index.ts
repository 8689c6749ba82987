import type { Rule } from '../../rule.ts';
import { annotationContradictsLabel } from './annotation-contradicts-label.ts';
import { deprecatedAnnotation } from './deprecated-annotation.ts';
import { hostNetworkNotInjected } from './host-network-not-injected.ts';
import { includedAndExcludedPort } from './included-and-excluded-port.ts';
import { misplacedAnnotation } from './misplaced-annotation.ts';
import { misplacedLabel } from './misplaced-label.ts';
import { misspeltName } from './misspelt-name.ts';
import { multipleInjectionLabels } from './multiple-injection-labels.ts';
import { namespaceInjectionValue } from './namespace-injection-value.ts';
import { namespaceNotInjected } from './namespace-not-injected.ts';
import { podSecurityRefusesInit } from './pod-security-refuses-init.ts';
import { proxyGroupId } from './proxy-group-id.ts';
import { proxyUserId } from './proxy-user-id.ts';
import { tproxyProxyUser } from './tproxy-proxy-user.ts';
import { uncheckedValue } from './unchecked-value.ts';
import { unchainedCniNetwork } from './unchained-cni-network.ts';
import { uncheckedPortList } from './unchecked-port-list.ts';
import { unknownAnnotation } from './unknown-annotation.ts';
import { unknownProxyConfigField } from './unknown-proxy-config-field.ts';
import { unquotedMetadataValue } from './unquoted-metadata-value.ts';
import { wrongAnnotationValue } from './wrong-annotation-value.ts';

/** Labels and annotations: is the pod in the mesh, and what does its proxy intercept? */
export const injectionRules: readonly Rule[] = [
  annotationContradictsLabel,
  deprecatedAnnotation,
  hostNetworkNotInjected,
  includedAndExcludedPort,
  misplacedAnnotation,
  misplacedLabel,
  misspeltName,
  multipleInjectionLabels,
  namespaceInjectionValue,
  namespaceNotInjected,
  podSecurityRefusesInit,
  proxyGroupId,
  proxyUserId,
  tproxyProxyUser,
  unchainedCniNetwork,
  uncheckedPortList,
  uncheckedValue,
  unknownAnnotation,
  unknownProxyConfigField,
  unquotedMetadataValue,
  wrongAnnotationValue,
];
