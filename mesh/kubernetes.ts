/**
 * Kubernetes objects as the mesh reads them: only the fields that decide something here, all of them optional, because
 * a recording, an old API server or a half-typed manifest may leave out any of them.
 */

export type Labels = Record<string, string>;

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Labels;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  ownerReferences?: { apiVersion?: string; kind: string; name: string; uid?: string; controller?: boolean }[];
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata?: ObjectMeta;
}

export interface EnvVar {
  name: string;
  value?: string;
}

export interface Container {
  name: string;
  image?: string;
  args?: string[];
  command?: string[];
  env?: EnvVar[];
  /** `Always` on an init container makes it a native sidecar. */
  restartPolicy?: string;
  ports?: { name?: string; containerPort: number; protocol?: string }[];
  securityContext?: { runAsUser?: number; runAsGroup?: number; capabilities?: { add?: string[]; drop?: string[] } };
}

export interface PodSpec {
  hostNetwork?: boolean;
  hostUsers?: boolean;
  nodeName?: string;
  serviceAccountName?: string;
  runtimeClassName?: string;
  os?: { name?: string };
  nodeSelector?: Record<string, string>;
  containers?: Container[];
  initContainers?: Container[];
  /** Added to a running pod for debugging; they can never be taken out again. */
  ephemeralContainers?: Container[];
  securityContext?: { runAsUser?: number; runAsGroup?: number };
  volumes?: { name?: string; hostPath?: { path?: string }; configMap?: { name?: string } }[];
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode?: number; reason?: string; message?: string };
}

export interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  containerID?: string;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface PodStatus {
  phase?: string;
  reason?: string;
  message?: string;
  podIP?: string;
  podIPs?: { ip: string }[];
  hostIP?: string;
  conditions?: { type: string; status: string; reason?: string; message?: string }[];
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
  ephemeralContainerStatuses?: ContainerStatus[];
}

export interface Pod extends KubernetesObject {
  spec?: PodSpec;
  status?: PodStatus;
}

export interface Namespace extends KubernetesObject {
  status?: { phase?: string };
}

export interface LabelSelector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Deployment, StatefulSet, DaemonSet, ReplicaSet, Job: whatever owns pods. */
export interface Workload extends KubernetesObject {
  spec?: {
    replicas?: number;
    /** Of a Job or CronJob: it creates nothing for now, as it was told. */
    suspend?: boolean;
    selector?: LabelSelector;
    template?: { metadata?: ObjectMeta; spec?: PodSpec };
    /** Of a CronJob: what its Jobs are made of. */
    jobTemplate?: { spec?: { template?: { metadata?: ObjectMeta; spec?: PodSpec } } };
  };
  status?: {
    replicas?: number;
    readyReplicas?: number;
    desiredNumberScheduled?: number;
    currentNumberScheduled?: number;
    numberReady?: number;
    /** Of a Job: pods that run or wait. */
    active?: number;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface KubernetesEvent extends KubernetesObject {
  /** `fieldPath`: `spec.ephemeralContainers{debugger}` when it is about a container. */
  involvedObject?: { kind?: string; namespace?: string; name?: string; uid?: string; fieldPath?: string };
  reason?: string;
  message?: string;
  type?: string;
  count?: number;
  firstTimestamp?: string;
  lastTimestamp?: string;
  eventTime?: string;
  series?: { count?: number; lastObservedTime?: string };
  /** Who saw it; `host` is the node, for what kubelet tells. */
  source?: { component?: string; host?: string };
  reportingInstance?: string;
}

export interface Node extends KubernetesObject {
  spec?: { taints?: { key: string; effect: string; value?: string }[] };
  status?: {
    nodeInfo?: {
      containerRuntimeVersion?: string;
      kubeletVersion?: string;
      osImage?: string;
      kernelVersion?: string;
      architecture?: string;
    };
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface MutatingWebhookConfiguration extends KubernetesObject {
  webhooks?: {
    name: string;
    namespaceSelector?: LabelSelector;
    objectSelector?: LabelSelector;
    rules?: { operations?: string[]; apiGroups?: string[]; apiVersions?: string[]; resources?: string[] }[];
    clientConfig?: { url?: string; service?: { name: string; namespace: string; path?: string } };
    matchConditions?: { name: string; expression: string }[];
    failurePolicy?: string;
  }[];
}

export interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>;
}
