/** From what a person points at to what a console has a page about. No editor here. */
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { ownerOf, readTarget, workloadTypes, type TreeTarget } from '../actions/pod-targets.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import type { PageSubject } from './console-pages.ts';

/** @returns an empty subject, the mesh as a whole, for nothing. What cannot be read is left out. Never fails. */
export async function subjectOf(cluster: Cluster, target: TreeTarget | undefined): Promise<PageSubject> {
  const reference = readTarget(target);
  if (!reference) return {};
  const { kind, name } = reference;
  const namespace = reference.namespace || (kind === 'Namespace' ? name : (cluster.context.namespace ?? 'default'));
  const subject = { kind, namespace, name };
  if (kind === 'Pod') return { ...subject, ...(await ofPod(cluster, namespace, name, target?.pod)) };
  if (workloadTypes[kind] === undefined && kind !== 'CronJob') return subject;
  const type = workloadTypes[kind];
  const found = type && (await cluster.get<Workload>(type, name, { namespace }).catch(() => undefined));
  return { ...subject, workload: name, ...appOf(found?.spec?.template?.metadata?.labels) };
}

async function ofPod(
  cluster: Cluster,
  namespace: string,
  name: string,
  known: Pod | undefined,
): Promise<Pick<PageSubject, 'workload' | 'app'>> {
  const pod = known ?? (await cluster.get<Pod>(resourceTypes.pods, name, { namespace }).catch(() => undefined));
  const owner = pod && (await ownerOf(cluster, pod).catch(() => undefined));
  return { workload: owner?.name ?? name, ...appOf(pod?.metadata?.labels) };
}

/** As a proxy names its service: https://istio.io/latest/docs/ops/deployment/application-requirements/ */
function appOf(labels: Readonly<Record<string, string>> = {}): Pick<PageSubject, 'app'> {
  const app = labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app;
  return app === undefined ? {} : { app };
}
