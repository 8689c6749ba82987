import type { ValueFormat } from './annotation-values.ts';

/** The 19 annotations whose value the injector checks before it injects. */
export const formats: Readonly<Record<string, ValueFormat>> = {
  'istio.io/reroute-virtual-interfaces': 'interface-list',
  'prometheus.istio.io/merge-metrics': 'boolean',
  'proxy.istio.io/config': 'proxy-config',
  'readiness.status.sidecar.istio.io/failureThreshold': 'uint32',
  'readiness.status.sidecar.istio.io/initialDelaySeconds': 'uint32',
  'readiness.status.sidecar.istio.io/periodSeconds': 'uint32',
  'sidecar.istio.io/interceptionMode': 'interception-mode',
  'sidecar.istio.io/proxyCPU': 'quantity',
  'sidecar.istio.io/proxyCPULimit': 'quantity',
  'sidecar.istio.io/proxyMemory': 'quantity',
  'sidecar.istio.io/proxyMemoryLimit': 'quantity',
  'status.sidecar.istio.io/port': 'port',
  'traffic.sidecar.istio.io/excludeInboundPorts': 'port-list',
  'traffic.sidecar.istio.io/excludeInterfaces': 'interface-list',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': 'cidr-list',
  'traffic.sidecar.istio.io/excludeOutboundPorts': 'port-list',
  'traffic.sidecar.istio.io/includeInboundPorts': 'port-list-or-all',
  'traffic.sidecar.istio.io/includeOutboundIPRanges': 'cidr-list-or-all',
  'traffic.sidecar.istio.io/kubevirtInterfaces': 'interface-list',
};

/** What took the place of a deprecated annotation, where one thing did. */
export const replacements: Readonly<Record<string, { carrier: 'annotation' | 'label'; name: string }>> = {
  'sidecar.istio.io/inject': { carrier: 'label', name: 'sidecar.istio.io/inject' },
  'traffic.sidecar.istio.io/kubevirtInterfaces': { carrier: 'annotation', name: 'istio.io/reroute-virtual-interfaces' },
  'sidecar.istio.io/discoveryAddress': { carrier: 'annotation', name: 'proxy.istio.io/config' },
  'sidecar.istio.io/extraStatTags': { carrier: 'annotation', name: 'proxy.istio.io/config' },
  'sidecar.istio.io/statsInclusionPrefixes': { carrier: 'annotation', name: 'proxy.istio.io/config' },
  'sidecar.istio.io/statsInclusionRegexps': { carrier: 'annotation', name: 'proxy.istio.io/config' },
  'sidecar.istio.io/statsInclusionSuffixes': { carrier: 'annotation', name: 'proxy.istio.io/config' },
};
