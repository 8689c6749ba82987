/** What the injection decision about a pod depends on, read from the cluster. No editor here. */
import * as l10n from '@vscode/l10n';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type {
  ConfigMap,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Pod,
  Workload,
} from '../../mesh/kubernetes.ts';
import { groupPods } from '../../mesh/pods/group-pods.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from './cluster.ts';
import { controlPlaneNamespaces } from './control-plane-namespaces.ts';

const workloadTypes: Record<string, ResourceType> = {
  Deployment: resourceTypes.deployments,
  StatefulSet: resourceTypes.statefulSets,
  DaemonSet: resourceTypes.daemonSets,
  ReplicaSet: resourceTypes.replicaSets,
  Job: resourceTypes.jobs,
  CronJob: resourceTypes.cronJobs,
};

/** A running pod as it is; for a workload, the pod that its template makes. */
export async function readPodOf(
  cluster: Cluster,
  { kind, namespace: written, name }: WorkloadReference,
): Promise<{ pod: Pod; running?: Pod }> {
  const namespace = written || (cluster.context.namespace ?? 'default');
  if (kind === 'Pod') {
    const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace });
    if (pod) return { pod, running: pod };
  }
  const type = workloadTypes[kind];
  const workload = type && (await cluster.get<Workload>(type, name, { namespace }));
  const template = workload?.spec?.jobTemplate?.spec?.template ?? workload?.spec?.template;
  if (template)
    return {
      pod: { metadata: { ...template.metadata, namespace, name }, ...(template.spec && { spec: template.spec }) },
    };
  const owned = await findOwnedPod(cluster, kind, namespace, name);
  if (owned) return { pod: owned, running: owned };
  throw new ClusterFailure(
    'not-found',
    l10n.t('There is no {0} {1} in namespace {2} of cluster {3}.', kind, name, namespace, cluster.context.name),
    l10n.t('It may have been deleted a moment ago: refresh the view.'),
  );
}

/** For kinds that are known from their pods alone, such as Rollouts. */
async function findOwnedPod(cluster: Cluster, kind: string, namespace: string, name: string): Promise<Pod | undefined> {
  const [{ items: pods }, replicaSets] = await Promise.all([
    cluster.list<Pod>(resourceTypes.pods, { namespace }),
    cluster.list<Workload>(resourceTypes.replicaSets, { namespace }).then(
      ({ items }) => items,
      () => [],
    ),
  ]);
  const groups = groupPods({ pods, replicaSets, workloads: [] });
  return groups.find((group) => group.kind === kind && group.name === name)?.pods[0];
}

/** What the decision depends on beside the pod; what may not be read is named instead. */
export async function readInjectionEnvironment(
  cluster: Cluster,
  namespaceName: string,
): Promise<{
  known: { namespace?: Namespace; webhooks?: MutatingWebhookConfiguration[]; configMaps?: ConfigMap[] };
  missing: string[];
}> {
  const missing: string[] = [];
  const allowed = async <T>(what: string, ask: Promise<T>): Promise<T | undefined> => {
    try {
      return await ask;
    } catch (error) {
      if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
      missing.push(what);
      return undefined;
    }
  };
  const list = <T extends KubernetesObject>(type: ResourceType, namespace?: string) =>
    cluster.list<T>(type, namespace === undefined ? {} : { namespace }).then(({ items }) => items);
  const [namespace, webhooks] = await Promise.all([
    allowed(
      l10n.t('the labels of namespace {0}', namespaceName),
      cluster.get<Namespace>(resourceTypes.namespaces, namespaceName),
    ),
    allowed(l10n.t('the webhooks'), list<MutatingWebhookConfiguration>(resourceTypes.mutatingWebhooks)),
  ]);
  const perNamespace = await Promise.all(
    controlPlaneNamespaces(webhooks ?? []).map((name) =>
      allowed(
        l10n.t('the injector’s settings in namespace {0}', name),
        list<ConfigMap>(resourceTypes.configMaps, name),
      ),
    ),
  );
  const configMaps = perNamespace.every((found) => found !== undefined) ? perNamespace.flat() : undefined;
  return {
    known: { ...(namespace && { namespace }), ...(webhooks && { webhooks }), ...(configMaps && { configMaps }) },
    missing,
  };
}
