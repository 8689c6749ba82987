import * as vscode from 'vscode';
import { parse } from 'yaml';
import type { WorkloadReference } from '../../contract/language-server.ts';
import { decideInjection } from '../../mesh/injection/decide-injection.ts';
import type { ConfigMap, MutatingWebhookConfiguration, Namespace, Pod } from '../../mesh/kubernetes.ts';
import { describeDecision } from '../../mesh/pods/describe-decision.ts';
import type { App } from '../app.ts';
import { ClusterFailure, resourceTypes } from '../cluster/cluster.ts';
import { readInjectionEnvironment, readPodOf } from '../cluster/read-injection.ts';
import { showPage } from '../panels/markdown-page.ts';
import { podOf, sortWritten, writtenKinds } from './build-world.ts';
import { chooseSubject, type Subject } from './choose-subject.ts';
import { groundOfFiles, withoutCluster, type Ground } from './ground.ts';
import type { SecurityObjects } from './security-objects.ts';

/** What the decision is made of. */
interface Found {
  pod: Pod;
  running?: Pod;
  environment: { namespace?: Namespace; webhooks?: MutatingWebhookConfiguration[]; configMaps?: ConfigMap[] };
  missing: string[];
  origin: string;
}

/**
 * Shows why a pod, or the pods of a workload, are injected or not: every step in the order in which Istio decides.
 * @returns the page's text; undefined when the user pressed Escape.
 */
export async function showInjection(app: App, target?: Partial<WorkloadReference>): Promise<string | undefined> {
  const subject = await chooseSubject(app, {
    target,
    kinds: ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'],
    offer: [resourceTypes.pods],
    placeHolder: vscode.l10n.t('Pod whose injection to explain'),
  });
  if (!subject) return undefined;
  const { pod, running, environment, missing, origin } = await (subject.from === 'files'
    ? fromFiles(app, subject)
    : fromCluster(app, subject));
  const decision = decideInjection({ pod, ...environment, parseYaml: (text) => parse(text) as unknown });
  const { kind, namespace, name } = subject;
  const text = describeDecision({
    subject: `${kind} ${namespace}/${name}`,
    origin,
    decision,
    live: subject.from !== 'files',
    ...(running && { running }),
    missing,
  });
  await showPage(app, `injection/${namespace}/${kind}/${name} · injection`, text);
  return text;
}

async function fromCluster(app: App, subject: Subject): Promise<Found> {
  const cluster = await app.clusters.connect();
  const found = await readPodOf(cluster, subject);
  const { known, missing } = await readInjectionEnvironment(cluster, found.pod.metadata?.namespace ?? '');
  const origin = vscode.l10n.t('Cluster {0}', cluster.context.name);
  return { ...found, environment: known, missing, origin };
}

async function fromFiles(app: App, subject: Subject): Promise<Found> {
  const written = sortWritten((await app.language.objects({ kinds: writtenKinds })).objects);
  const pod = findPod(written, subject);
  if (!pod)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t('{0} {1} has no pod template.', subject.kind, subject.name),
      vscode.l10n.t('Write spec.template, and ask again.'),
    );
  const { known, missing, origin } = await environmentOf(app, subject.namespace);
  const namespace = written.namespaces.find(({ metadata }) => metadata?.name === subject.namespace) ?? known.namespace;
  const webhooks = [...(written.webhooks ?? []), ...(known.webhooks ?? [])];
  return {
    pod,
    environment: {
      ...(namespace && { namespace }),
      ...((written.webhooks ?? known.webhooks) && { webhooks }),
      configMaps: [...written.configMaps, ...(known.configMaps ?? [])],
    },
    missing,
    origin,
  };
}

/** Of the cluster under the files, if there is one that answers. */
async function environmentOf(
  app: App,
  namespace: string,
): Promise<Omit<Ground, 'cluster'> & Awaited<ReturnType<typeof readInjectionEnvironment>>> {
  const { cluster, origin } = await groundOfFiles(app);
  if (!cluster) return { known: {}, missing: [], origin };
  try {
    return { ...(await readInjectionEnvironment(cluster, namespace)), origin };
  } catch (error) {
    return { known: {}, missing: [], origin: withoutCluster(cluster.context.name, error, app.log) };
  }
}

function findPod({ pods, workloads }: SecurityObjects, { kind, namespace, name }: Subject): Pod | undefined {
  const isIt = (object: { kind?: string; metadata?: { name?: string; namespace?: string } }) =>
    object.kind === kind && object.metadata?.name === name && (object.metadata.namespace ?? 'default') === namespace;
  const workload = workloads.find(isIt);
  return workload ? podOf(workload) : pods.find(isIt);
}
