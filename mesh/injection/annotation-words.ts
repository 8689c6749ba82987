import * as l10n from '@vscode/l10n';
import type { CatalogueEntry } from './catalogue-entry.ts';

/** Words for a hover; absent where there is nothing worth saying. */
export interface EntryWords {
  meaning?: string;
  /** What it changes in the pod's packet rules. */
  rule?: string;
  /** Traps, and where the injector and the CNI plugin disagree. */
  notes: string[];
}

/** The plain words for an annotation or label, in the user's language. */
export function describeEntry(entry: CatalogueEntry): EntryWords {
  return words[`${entry.carrier} ${entry.name}`]?.() ?? { notes: [] };
}

/** Functions, not strings: the user's language is set only after this module has loaded. */
const words: Readonly<Record<string, () => EntryWords>> = {
  // ---- is the pod in the mesh? ----
  'label istio-injection': () => ({
    meaning: l10n.t('On a namespace: "enabled" lets the default revision inject new pods, anything else lets nobody.'),
    notes: [
      l10n.t('The API server compares with exactly "enabled": "true" or "Enabled" switch injection off.'),
      l10n.t('While it is there, istio.io/rev on the same namespace is not looked at.'),
    ],
  }),
  'label istio.io/rev': () => ({
    meaning: l10n.t(
      'The revision (or tag) of the control plane that injects: for every new pod of a namespace, or for one pod.',
    ),
    notes: [
      l10n.t('A revision that nobody runs means no injection, without any error.'),
      l10n.t('On a pod it counts only if the namespace has neither istio-injection nor istio.io/rev.'),
    ],
  }),
  'label sidecar.istio.io/inject': () => ({
    meaning: l10n.t(
      'On a pod: "true" asks for a sidecar, "false" refuses one. It is the only switch on a pod that the API server looks at.',
    ),
    notes: [
      l10n.t('Any text but "true" and "false" leaves the decision to the namespace.'),
      l10n.t(
        'The CNI plugin reads it as a Go bool, so it also takes "0" and "F" for a refusal; the injector does not.',
      ),
    ],
  }),
  'annotation sidecar.istio.io/inject': () => ({
    meaning: l10n.t(
      'The old switch: "true" asks for a sidecar, "false" refuses one. The label of the same name took its place and wins over it.',
    ),
    notes: [
      l10n.t(
        'The API server does not look at annotations: "true" does nothing in a namespace that is not labelled for injection.',
      ),
      l10n.t(
        'Any text but "true" and "false" leaves the decision to the namespace; the CNI plugin reads it as a Go bool and also takes "0" and "F" for a refusal.',
      ),
    ],
  }),
  'label istio.io/dataplane-mode': () => ({
    meaning: l10n.t(
      '"ambient" puts the pods of a namespace, or one pod, into the ambient mesh; "none" on a pod keeps it out.',
    ),
    rule: l10n.t(
      'Enrolled pods get the ambient rules: ISTIO_PRERT and ISTIO_OUTPUT, with ports 15008, 15006 and 15001 of ztunnel.',
    ),
    notes: [],
  }),
  'annotation inject.istio.io/templates': () => ({
    meaning: l10n.t(
      'Which injection templates are laid over the pod, separated by commas: sidecar (the default), gateway, grpc-agent, grpc-simple or your own.',
    ),
    notes: [l10n.t('A template that the control plane does not have fails the creation of the pod.')],
  }),
  'annotation sidecar.istio.io/status': () => ({
    meaning: l10n.t('Written by the injector: what it added to the pod. Its presence tells that the pod was injected.'),
    notes: [l10n.t('Do not write it yourself: the CNI plugin takes a pod that carries it for injected.')],
  }),
  'annotation ambient.istio.io/redirection': () => ({
    meaning: l10n.t('Written by Istio\'s node agent: "enabled" once the pod is in the ambient mesh.'),
    notes: [],
  }),

  // ---- what the proxy intercepts ----
  'annotation sidecar.istio.io/interceptionMode': () => ({
    meaning: l10n.t(
      'How traffic is taken to the proxy: REDIRECT rewrites the destination, TPROXY keeps source addresses visible to the app, NONE intercepts nothing.',
    ),
    rule: l10n.t(
      'REDIRECT: ISTIO_INBOUND in table nat. TPROXY: ISTIO_INBOUND, ISTIO_DIVERT and ISTIO_TPROXY in table mangle. NONE: no rules.',
    ),
    notes: [
      l10n.t('TPROXY gives the proxy container NET_ADMIN, which Pod Security "baseline" refuses.'),
      l10n.t('The injector accepts NONE; the CNI plugin refuses it, and the pod cannot start.'),
    ],
  }),
  'annotation traffic.sidecar.istio.io/includeInboundPorts': () => ({
    meaning: l10n.t(
      'The ports on which connections into the pod go through the proxy: * (the default) for all, a list for some, empty for none.',
    ),
    rule: l10n.t(
      'ISTIO_INBOUND: one jump to ISTIO_IN_REDIRECT (or ISTIO_TPROXY) for everything, or one --dport rule for each port. Empty: no jump to ISTIO_INBOUND.',
    ),
    notes: [l10n.t('With a list, excludeInboundPorts has no effect.')],
  }),
  'annotation traffic.sidecar.istio.io/excludeInboundPorts': () => ({
    meaning: l10n.t('Ports on which connections reach the app directly: no mutual TLS, no policy, no telemetry.'),
    rule: l10n.t('ISTIO_INBOUND: one "-p tcp --dport PORT -j RETURN" for each port.'),
    notes: [
      l10n.t('It works only while includeInboundPorts is *.'),
      l10n.t('The injector refuses * here; the CNI plugin takes it.'),
      l10n.t('Single ports only, no ranges. 15020, 15021 and 15090 are always excluded.'),
    ],
  }),
  'annotation traffic.sidecar.istio.io/includeOutboundPorts': () => ({
    meaning: l10n.t(
      'Ports on which connections out of the pod go through the proxy even if their address is not in includeOutboundIPRanges.',
    ),
    rule: l10n.t('ISTIO_OUTPUT: one "-p tcp --dport PORT -j ISTIO_REDIRECT" for each port.'),
    notes: [
      l10n.t('It narrows nothing while includeOutboundIPRanges is *.'),
      l10n.t(
        'The injector does not check this value; the CNI plugin does, and a wrong one keeps the pod from starting.',
      ),
    ],
  }),
  'annotation traffic.sidecar.istio.io/excludeOutboundPorts': () => ({
    meaning: l10n.t('Ports on which connections out of the pod bypass the proxy.'),
    rule: l10n.t('ISTIO_OUTPUT: "--dport PORT -j RETURN" for tcp and udp, at the top.'),
    notes: [
      l10n.t('The injector refuses * here; the CNI plugin takes it.'),
      l10n.t('In CNI mode its default is 15020; a value of your own replaces that.'),
    ],
  }),
  'annotation traffic.sidecar.istio.io/includeOutboundIPRanges': () => ({
    meaning: l10n.t(
      'The destinations that go through the proxy: * (the default) for all, CIDR ranges for some, empty for none. The rest leaves the pod directly.',
    ),
    rule: l10n.t(
      'ISTIO_OUTPUT: "-d CIDR -j ISTIO_REDIRECT" for each range, then RETURN; with * one jump to ISTIO_REDIRECT at the end.',
    ),
    notes: [l10n.t('Ranges, not addresses: 10.0.0.1/32. No spaces.')],
  }),
  'annotation traffic.sidecar.istio.io/excludeOutboundIPRanges': () => ({
    meaning: l10n.t('Destinations that bypass the proxy, as CIDR ranges.'),
    rule: l10n.t('ISTIO_OUTPUT: "-d CIDR -j RETURN" for each range.'),
    notes: [l10n.t('Ranges, not addresses: 169.254.169.254/32. No spaces.')],
  }),
  'annotation traffic.sidecar.istio.io/excludeInterfaces': () => ({
    meaning: l10n.t('Network interfaces whose traffic is left alone in both directions.'),
    rule: l10n.t('"-i NAME -j RETURN" on the way in and "-o NAME -j RETURN" on the way out.'),
    notes: [],
  }),
  'annotation istio.io/reroute-virtual-interfaces': () => ({
    meaning: l10n.t(
      'Interfaces behind which virtual machines live; what comes in there is treated as traffic out of the pod.',
    ),
    rule: l10n.t('PREROUTING: "-i NAME -j ISTIO_REDIRECT" rules in front of the jump to ISTIO_INBOUND.'),
    notes: [],
  }),
  'annotation traffic.sidecar.istio.io/kubevirtInterfaces': () => ({
    meaning: l10n.t('The old name of istio.io/reroute-virtual-interfaces.'),
    rule: l10n.t('PREROUTING: "-i NAME -j ISTIO_REDIRECT" rules in front of the jump to ISTIO_INBOUND.'),
    notes: [],
  }),
  'annotation ambient.istio.io/bypass-inbound-capture': () => ({
    meaning: l10n.t(
      '"true": in the ambient mesh, connections into the pod are not taken to ztunnel; for ingress gateways.',
    ),
    rule: l10n.t('The pod gets only the outbound ambient rules.'),
    notes: [],
  }),
  'annotation ambient.istio.io/dns-capture': () => ({
    meaning: l10n.t('Whether the DNS queries of an ambient pod go to ztunnel.'),
    rule: l10n.t('ISTIO_OUTPUT: port 53 to 15053, with the conntrack zones in table raw.'),
    notes: [],
  }),

  // ---- the proxy container ----
  'annotation proxy.istio.io/config': () => ({
    meaning: l10n.t(
      "Overrides the mesh's proxy settings for this pod, as YAML of a ProxyConfig: concurrency, tracing, holdApplicationUntilProxyStarts, proxyMetadata …",
    ),
    rule: l10n.t(
      'proxyMetadata.ISTIO_META_DNS_CAPTURE: "true" adds the rules that take port 53 to 15053; INVALID_DROP adds ISTIO_DROP.',
    ),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyCPU': () => ({
    meaning: l10n.t('The CPU that the proxy container requests.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyCPULimit': () => ({
    meaning: l10n.t('The CPU limit of the proxy container.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyMemory': () => ({
    meaning: l10n.t('The memory that the proxy container requests.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyMemoryLimit': () => ({
    meaning: l10n.t('The memory limit of the proxy container; beyond it the proxy is killed and connections break.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyImage': () => ({
    meaning: l10n.t('Another image for the proxy container.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/proxyImageType': () => ({
    meaning: l10n.t('The variant of the proxy image: default, debug or distroless.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/nativeSidecar': () => ({
    meaning: l10n.t(
      '"true": the proxy runs as a native sidecar (an init container that keeps running), so it starts before and stops after the app.',
    ),
    notes: [],
  }),
  'annotation sidecar.istio.io/logLevel': () => ({
    meaning: l10n.t('How much Envoy logs: trace, debug, info, warning, error, critical, off.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/componentLogLevel': () => ({
    meaning: l10n.t('How much each part of Envoy logs, such as "misc:error,rbac:debug".'),
    notes: [],
  }),
  'annotation sidecar.istio.io/agentLogLevel': () => ({
    meaning: l10n.t('How much the agent beside Envoy logs, such as "default:info,dns:debug".'),
    notes: [],
  }),
  'annotation sidecar.istio.io/bootstrapOverride': () => ({
    meaning: l10n.t('The ConfigMap that holds a bootstrap configuration for Envoy.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/userVolume': () => ({
    meaning: l10n.t('Volumes to add to the pod, as JSON; for the proxy to mount.'),
    notes: [],
  }),
  'annotation sidecar.istio.io/userVolumeMount': () => ({
    meaning: l10n.t('Mounts to add to the proxy container, as JSON.'),
    notes: [],
  }),

  // ---- health and metrics ----
  'annotation sidecar.istio.io/rewriteAppHTTPProbers': () => ({
    meaning: l10n.t(
      '"true" (the default): the kubelet\'s HTTP and TCP probes go to the proxy\'s agent on 15020, which asks the app; so probes work under STRICT mutual TLS.',
    ),
    notes: [],
  }),
  'annotation status.sidecar.istio.io/port': () => ({
    meaning: l10n.t("The port of the proxy's health check; 0 switches the readiness probe off. Default 15020."),
    rule: l10n.t('ISTIO_INBOUND: this port is left out of interception.'),
    notes: [],
  }),
  'annotation readiness.status.sidecar.istio.io/initialDelaySeconds': () => ({
    meaning: l10n.t('Seconds until the first readiness probe of the proxy.'),
    notes: [],
  }),
  'annotation readiness.status.sidecar.istio.io/periodSeconds': () => ({
    meaning: l10n.t('Seconds between readiness probes of the proxy.'),
    notes: [],
  }),
  'annotation readiness.status.sidecar.istio.io/failureThreshold': () => ({
    meaning: l10n.t('After how many failed readiness probes the proxy counts as not ready.'),
    notes: [],
  }),
  'annotation prometheus.istio.io/merge-metrics': () => ({
    meaning: l10n.t(
      "Whether the proxy's agent serves the app's metrics together with its own on 15020. \"false\" leaves the pod's prometheus.io annotations as they are.",
    ),
    notes: [],
  }),

  // ---- beyond pods ----
  'annotation networking.istio.io/exportTo': () => ({
    meaning: l10n.t('On a Service: the namespaces that see it. "*" for all, "." for its own, "~" for none.'),
    notes: [],
  }),
  'annotation galley.istio.io/analyze-suppress': () => ({
    meaning: l10n.t('Codes of findings that are not reported for this resource, separated by commas; * for all.'),
    notes: [],
  }),
  'annotation istio.io/dry-run': () => ({
    meaning: l10n.t('On an AuthorizationPolicy: "true" logs what it would decide and decides nothing.'),
    notes: [],
  }),
  'label topology.istio.io/network': () => ({
    meaning: l10n.t(
      'The network a pod, or a whole namespace, lives in; traffic between networks goes through an east-west gateway.',
    ),
    notes: [],
  }),
  'label istio.io/use-waypoint': () => ({
    meaning: l10n.t('The waypoint proxy through which ambient traffic goes; "none" for no waypoint.'),
    notes: [],
  }),
  'label security.istio.io/tlsMode': () => ({
    meaning: l10n.t('Written by the injector: "istio" tells other proxies that this pod takes mutual TLS.'),
    notes: [],
  }),
  'label service.istio.io/canonical-name': () => ({
    meaning: l10n.t(
      'The name under which the workload appears in telemetry; the injector takes it from the app label.',
    ),
    notes: [],
  }),
  'label service.istio.io/canonical-revision': () => ({
    meaning: l10n.t(
      'The version under which the workload appears in telemetry; the injector takes it from the version label.',
    ),
    notes: [],
  }),
};
