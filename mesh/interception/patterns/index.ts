import { preparePattern } from '../rule-pattern.ts';
import type { PreparedPattern } from '../rule-pattern.ts';
import { ambientHost, ambientPod } from './ambient.ts';
import { dnsCapture } from './dns.ts';
import { hidden } from './hidden.ts';
import { kubeProxy } from './kube-proxy.ts';
import { node } from './node.ts';
import { sidecarInbound } from './sidecar-inbound.ts';
import { sidecarOutbound } from './sidecar-outbound.ts';
import { hostPorts, nodeTools } from './tools.ts';
import { invalidPackets, tproxy } from './tproxy.ts';
import { virtualInterfaces } from './virtual-interfaces.ts';

/** Every kind of rule that is known; the first that takes a rule explains it, so the narrower ones come first. */
export const rulePatterns: readonly PreparedPattern[] = [
  ambientPod,
  ambientHost,
  dnsCapture,
  tproxy,
  invalidPackets,
  sidecarInbound,
  virtualInterfaces,
  sidecarOutbound,
  hostPorts,
  nodeTools,
  kubeProxy,
  node,
  hidden,
]
  .flat()
  .map(preparePattern);
