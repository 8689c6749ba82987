import * as vscode from 'vscode';
import { parse } from 'yaml';
import { decideInjection } from '../../mesh/injection/decide-injection.ts';
import { describeDecision } from '../../mesh/pods/describe-decision.ts';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type {
  ConfigMap,
  KubernetesObject,
  MutatingWebhookConfiguration,
  Namespace,
  Pod,
  Workload,
} from '../../mesh/kubernetes.ts';
import type { App } from '../app.ts';
import { ClusterFailure, resourceTypes } from '../cluster/cluster.ts';
import type { Cluster, ResourceType } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { controlPlaneNamespaces } from '../cluster/control-plane-namespaces.ts';
import { defineCommand } from './define-command.ts';

/** Shows why a pod, or the pods of a workload, are injected or not: every step in the order in which Istio decides. */
export const explainInjection = defineCommand<[WorkloadReference]>(commandIds.explainInjection, async (app, target) => {
  const cluster = await app.clusters.connect();
  const reference = isReference(target) ? target : await pickTarget(cluster);
  if (!reference) return undefined; // the user pressed Escape: not an error
  const found = await readPod(cluster, reference);
  const environment = await readEnvironment(cluster, found.pod.metadata?.namespace ?? '');
  const decision = decideInjection({ pod: found.pod, ...environment.known, parseYaml: parse });
  const text = describeDecision({
    subject: `${reference.kind} ${reference.namespace}/${reference.name}`,
    cluster: cluster.context.name,
    decision,
    ...(found.running && { running: found.running }),
    missing: environment.missing,
  });
  await showDocument(app, reference, text);
  return text;
});

function isReference(target: Partial<WorkloadReference> | undefined): target is WorkloadReference {
  return target?.kind !== undefined && target.name !== undefined;
}

async function pickTarget(cluster: Cluster): Promise<WorkloadReference | undefined> {
  const items = cluster
    .list<Pod>(resourceTypes.pods)
    .then(({ items: pods }) =>
      pods
        .map(({ metadata }) => ({ label: metadata?.name ?? '', description: metadata?.namespace ?? '' }))
        .sort((a, b) => (`${a.description}/${a.label}` < `${b.description}/${b.label}` ? -1 : 1)),
    );
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Pods of cluster {0}', cluster.context.name),
    placeHolder: vscode.l10n.t('Pod whose injection to explain'),
    matchOnDescription: true,
  });
  return picked && { kind: 'Pod', namespace: picked.description, name: picked.label };
}

const workloadTypes: Record<string, ResourceType> = {
  Deployment: resourceTypes.deployments,
  StatefulSet: resourceTypes.statefulSets,
  DaemonSet: resourceTypes.daemonSets,
  ReplicaSet: resourceTypes.replicaSets,
};

/** A running pod as it is; for a workload, the pod that its template makes. */
async function readPod(
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
  const template = workload?.spec?.template;
  if (template)
    return {
      pod: { metadata: { ...template.metadata, namespace, name }, ...(template.spec && { spec: template.spec }) },
    };
  const owned = await findOwnedPod(cluster, kind, namespace, name);
  if (owned) return { pod: owned, running: owned };
  throw new ClusterFailure(
    'not-found',
    vscode.l10n.t('There is no {0} {1} in namespace {2} of cluster {3}.', kind, name, namespace, cluster.context.name),
    vscode.l10n.t('It may have been deleted a moment ago: refresh the view.'),
  );
}

/** For kinds that are known from their pods alone, such as Jobs. */
async function findOwnedPod(cluster: Cluster, kind: string, namespace: string, name: string): Promise<Pod | undefined> {
  const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace });
  return items.find(({ metadata }) =>
    metadata?.ownerReferences?.some((owner) => owner.kind === kind && owner.name === name),
  );
}

/** What the decision depends on beside the pod; what may not be read is named instead. */
async function readEnvironment(
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
      vscode.l10n.t('the labels of namespace {0}', namespaceName),
      cluster.get<Namespace>(resourceTypes.namespaces, namespaceName),
    ),
    allowed(vscode.l10n.t('the webhooks'), list<MutatingWebhookConfiguration>(resourceTypes.mutatingWebhooks)),
  ]);
  const perNamespace = await Promise.all(
    controlPlaneNamespaces(webhooks ?? []).map((name) =>
      allowed(
        vscode.l10n.t('the injector’s settings in namespace {0}', name),
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

// ---- the document ---------------------------------------------------------------------------------------------------

const scheme = 'meshloom-injection';
const keptDocuments = 30;
const documents = new Map<string, string>();
let provider: { dispose(): void; changed: vscode.EventEmitter<vscode.Uri> } | undefined;

/** A read-only document, shown rendered where the editor can, else as its text. */
async function showDocument(app: App, { kind, namespace, name }: WorkloadReference, text: string): Promise<void> {
  provider ??= provideDocuments(app);
  const uri = vscode.Uri.from({ scheme, path: `/${namespace}/${kind}/${name}.md` });
  // A preview outlives the document that it was made of, so a text is kept until many newer ones have come.
  documents.delete(uri.toString());
  documents.set(uri.toString(), text);
  const [oldest] = documents.keys();
  if (documents.size > keptDocuments && oldest !== undefined) documents.delete(oldest);
  provider.changed.fire(uri);
  try {
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  } catch {
    // The Markdown extension is built in, but it can be turned off.
    await vscode.window.showTextDocument(uri, { preview: true });
  }
}

function provideDocuments(app: App): { dispose(): void; changed: vscode.EventEmitter<vscode.Uri> } {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const registration = vscode.workspace.registerTextDocumentContentProvider(scheme, {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri) => documents.get(uri.toString()) ?? '',
  });
  const dispose = () => {
    registration.dispose();
    changed.dispose();
    documents.clear();
    provider = undefined;
  };
  app.context.subscriptions.push({ dispose });
  return { dispose, changed };
}
