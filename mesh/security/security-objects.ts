import type { KubernetesObject, Labels, MutatingWebhookConfiguration, Namespace, Pod } from '../kubernetes.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import type { EndpointSliceObject, ServiceObject } from '../service-path/service-objects.ts';
import type { PeerPolicy } from './choose-policies.ts';

export interface PeerAuthentication extends KubernetesObject {
  spec?: {
    selector?: { matchLabels?: Labels };
    mtls?: { mode?: string };
    portLevelMtls?: Record<string, { mode?: string } | null>;
  };
}

export interface TlsSettings {
  mode?: string;
  credentialName?: string;
  clientCertificate?: string;
}

export interface TrafficPolicyObject {
  tls?: TlsSettings;
  loadBalancer?: { simple?: string };
  portLevelSettings?: { port?: { number?: number }; tls?: TlsSettings; loadBalancer?: { simple?: string } }[];
}

export interface DestinationRule extends KubernetesObject {
  spec?: {
    host?: string;
    exportTo?: string[];
    workloadSelector?: { matchLabels?: Labels };
    trafficPolicy?: TrafficPolicyObject;
    subsets?: { name?: string; labels?: Labels; trafficPolicy?: TrafficPolicyObject }[];
  };
}

/** Hosts beside those of Services: of outside, or of workloads that no Service selects. */
export interface ServiceEntryObject extends KubernetesObject {
  spec?: {
    hosts?: string[];
    location?: string;
    resolution?: string;
    ports?: { number?: number; name?: string; protocol?: string; targetPort?: number }[];
    endpoints?: WorkloadAddress[];
    workloadSelector?: { labels?: Labels };
  };
}

/** A workload that is no pod: an endpoint of a ServiceEntry, or what a WorkloadEntry says. */
export interface WorkloadAddress {
  address?: string;
  labels?: Labels;
  ports?: Record<string, number>;
}

export interface WorkloadEntryObject extends KubernetesObject {
  spec?: WorkloadAddress;
}

/** How a pod meets traffic, as far as mutual TLS depends on it. */
export type Standing = 'sidecar' | 'gateway' | 'waypoint' | 'ambient' | 'proxyless' | 'none';

/** A pod that runs, or that a template makes. */
export interface MeshPod {
  pod: Pod;
  standing: Standing;
  /** Why it stands so, in a sentence with the pod's own names. */
  why: string;
  /** What runs it: `Deployment`, `reviews`. */
  owner: { kind: string; name: string };
  /** Of its own control plane, where that is not the world's: revisions may have different ones. */
  rootNamespace?: string;
  /** Not running: what a template makes, before the injector has seen it. */
  isTemplate?: boolean;
}

/** An object that has the API server call a Service. */
export interface ApiServerCall {
  /** `ValidatingWebhookConfiguration check` */
  by: string;
  service: { namespace: string; name: string };
}

/** All that mutual TLS between workloads depends on, from a cluster or from files. */
export interface SecurityWorld {
  pods: readonly MeshPod[];
  services: readonly ServiceObject[];
  namespaces: readonly Namespace[];
  peerAuthentications: readonly PeerAuthentication[];
  destinationRules: readonly DestinationRule[];
  serviceEntries?: readonly ServiceEntryObject[];
  workloadEntries?: readonly WorkloadEntryObject[];
  /** Of Services without a selector: somebody else says who stands behind them. */
  endpointSlices?: readonly EndpointSliceObject[];
  /** Of the control plane; absent: not known, and Istio's defaults count. */
  settings?: MeshSettings;
  /** To see which Services the API server calls. */
  webhooks?: readonly MutatingWebhookConfiguration[];
  /** Beside webhooks, whom the API server calls: `APIService v1beta1.metrics.k8s.io`, and the Service it names. */
  callers?: readonly ApiServerCall[];
  /** Default `istio-system`. */
  rootNamespace: string;
  /** Default `cluster.local`. */
  clusterDomain: string;
}

/** A cluster's PeerAuthentication as policies are chosen by. */
export function asPolicy(object: PeerAuthentication): PeerPolicy {
  const { metadata = {}, spec = {} } = object;
  const { namespace = 'default', name = '', creationTimestamp } = metadata;
  const labels = spec.selector?.matchLabels;
  const ports = Object.entries(spec.portLevelMtls ?? {});
  return {
    namespace,
    name,
    ...(creationTimestamp !== undefined && { created: creationTimestamp }),
    ...(labels && Object.keys(labels).length > 0 && { labels }),
    ...(spec.mtls?.mode !== undefined && { mode: spec.mtls.mode }),
    ...(ports.length > 0 && { portModes: Object.fromEntries(ports.map(([port, said]) => [port, said?.mode])) }),
  };
}
