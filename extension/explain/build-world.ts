import { parse } from 'yaml';
import type { KubernetesObject, Pod, Workload } from '../../mesh/kubernetes.ts';
import { groupPods } from '../../mesh/pods/group-pods.ts';
import { standPod } from '../../mesh/security/stand-pod.ts';
import type { StandingInputs } from '../../mesh/security/stand-pod.ts';
import type { MeshPod, SecurityWorld } from '../../mesh/security/security-objects.ts';
import { controlPlaneNamespaces } from '../cluster/control-plane-namespaces.ts';
import { settingsByRevision, settingsOf, type SecurityObjects } from './security-objects.ts';

/** Kinds that the explanation of mutual TLS takes from files. */
export const writtenKinds = [
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'Job',
  'CronJob',
  'Service',
  'Namespace',
  'PeerAuthentication',
  'DestinationRule',
  'ServiceEntry',
  'WorkloadEntry',
  'MutatingWebhookConfiguration',
  'ConfigMap',
];

/** Objects as files define them. */
export function sortWritten(objects: readonly Record<string, unknown>[]): SecurityObjects {
  const of = <T>(group: string, ...kinds: string[]) =>
    objects.filter(
      ({ apiVersion, kind }) =>
        kinds.includes(String(kind)) &&
        (group === '' ? !String(apiVersion).includes('/') : String(apiVersion).startsWith(`${group}/`)),
    ) as T[];
  const webhooks = of<NonNullable<SecurityObjects['webhooks']>[number]>(
    'admissionregistration.k8s.io',
    'MutatingWebhookConfiguration',
  );
  return {
    pods: of('', 'Pod'),
    workloads: [
      ...of<Workload>('apps', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'),
      ...of<Workload>('batch', 'Job', 'CronJob'),
    ],
    services: of('', 'Service'),
    namespaces: of('', 'Namespace'),
    peerAuthentications: of('security.istio.io', 'PeerAuthentication'),
    destinationRules: of('networking.istio.io', 'DestinationRule'),
    serviceEntries: of('networking.istio.io', 'ServiceEntry'),
    workloadEntries: of('networking.istio.io', 'WorkloadEntry'),
    endpointSlices: [],
    callers: [],
    ...(webhooks.length > 0 && { webhooks }),
    configMaps: of('', 'ConfigMap'),
    missing: [],
  };
}

/** Files over a cluster: what a file defines takes the place of the object of that kind and name, and of the pods it makes. */
export function layOver(files: SecurityObjects, below: SecurityObjects): SecurityObjects {
  const over = <T extends KubernetesObject>(upper: readonly T[], lower: readonly T[]): T[] => {
    const below = new Map(lower.map((object) => [nameOf(object), object]));
    const names = new Set(upper.map(nameOf));
    return [
      // Applied, it keeps its age, and by that Istio chooses.
      ...upper.map((object) => withAgeOf(object, below.get(nameOf(object)))),
      ...lower.filter((object) => !names.has(nameOf(object))),
    ];
  };
  const redefined = new Set(files.workloads.map(nameOf));
  const made = groupPods({ pods: below.pods, replicaSets: [], workloads: [] })
    .filter(({ kind, namespace, name }) => redefined.has(`${kind}/${namespace}/${name}`))
    .flatMap(({ pods }) => pods);
  const gone = new Set(made);
  const webhooks = [...(files.webhooks ?? []), ...(below.webhooks ?? [])];
  return {
    pods: over(
      files.pods,
      below.pods.filter((pod) => !gone.has(pod)),
    ),
    workloads: over(files.workloads, below.workloads),
    services: over(files.services, below.services),
    namespaces: over(files.namespaces, below.namespaces),
    peerAuthentications: over(files.peerAuthentications, below.peerAuthentications),
    destinationRules: over(files.destinationRules, below.destinationRules),
    serviceEntries: over(files.serviceEntries, below.serviceEntries),
    workloadEntries: over(files.workloadEntries, below.workloadEntries),
    endpointSlices: below.endpointSlices,
    callers: below.callers,
    ...((files.webhooks ?? below.webhooks) && { webhooks }),
    configMaps: over(files.configMaps, below.configMaps),
    missing: below.missing,
  };
}

function withAgeOf<T extends KubernetesObject>(object: T, known: T | undefined): T {
  const creationTimestamp = object.metadata?.creationTimestamp ?? known?.metadata?.creationTimestamp;
  return creationTimestamp === undefined ? object : { ...object, metadata: { ...object.metadata, creationTimestamp } };
}

/** The objects as the mesh sees them: who stands how, and what was told at installation. */
export function buildWorld(objects: SecurityObjects): SecurityWorld {
  const { webhooks, configMaps } = objects;
  const settings = settingsOf(configMaps);
  return {
    pods: standPods(objects),
    services: objects.services,
    namespaces: objects.namespaces,
    peerAuthentications: objects.peerAuthentications,
    destinationRules: objects.destinationRules,
    serviceEntries: objects.serviceEntries,
    workloadEntries: objects.workloadEntries,
    endpointSlices: objects.endpointSlices,
    callers: objects.callers,
    ...(settings && { settings }),
    ...(webhooks && { webhooks }),
    rootNamespace: settings?.rootNamespace ?? (webhooks && controlPlaneNamespaces(webhooks)[0]) ?? 'istio-system',
    clusterDomain: 'cluster.local',
  };
}

function standPods({ pods, workloads, namespaces, webhooks, configMaps }: SecurityObjects): MeshPod[] {
  const byName = new Map(namespaces.map((namespace) => [namespace.metadata?.name ?? '', namespace]));
  const environment = {
    ...(webhooks && { webhooks }),
    configMaps,
    parseYaml: (text: string) => parse(text) as unknown,
  };
  const roots = rootsByRevision(configMaps);
  return groupPods({ pods, replicaSets: [], workloads }).flatMap(({ kind, namespace, name, workload, pods: own }) => {
    const home = byName.get(namespace);
    const about = { owner: { kind, name }, ...(home && { namespace: home }), ...environment };
    const stand = (inputs: Pick<StandingInputs, 'pod' | 'isTemplate'>): MeshPod => {
      const stood = standPod({ ...inputs, ...about });
      const rootNamespace = roots.get(stood.revision ?? '');
      return rootNamespace === undefined ? stood : { ...stood, rootNamespace };
    };
    const alive = own.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
    const template = alive.length === 0 && workload ? podOf(workload) : undefined;
    if (template) return [stand({ pod: template, isTemplate: true })];
    // A pod of a file has never been to an API server.
    return alive.map((pod) => stand({ pod, isTemplate: pod.status === undefined }));
  });
}

/** Where each revision's policies for the whole mesh lie, if that is not the same place for all of them. */
function rootsByRevision(configMaps: SecurityObjects['configMaps']): Map<string, string> {
  const roots = new Map(
    settingsByRevision(configMaps).map(({ revision, namespace, settings }) => [
      revision,
      settings.rootNamespace ?? namespace,
    ]),
  );
  return new Set(roots.values()).size > 1 ? roots : new Map();
}

/** The pod that a workload's template makes. */
export function podOf({ metadata, spec }: Workload): Pod | undefined {
  const template = spec?.jobTemplate?.spec?.template ?? spec?.template;
  if (!template) return undefined;
  const { namespace = 'default', name = '' } = metadata ?? {};
  return { metadata: { ...template.metadata, namespace, name }, ...(template.spec && { spec: template.spec }) };
}

function nameOf({ kind = '', metadata }: KubernetesObject): string {
  return `${kind}/${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
