/** Objects of a cluster as read-only YAML documents: analysed like a file, read again when asked. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { findResourceType } from '../cluster/resource-path.ts';
import { chooseObject } from './pick-target.ts';
import { notThere, unknownKind, workloadTypes, type ObjectReference, type TreeTarget } from './pod-targets.ts';
import { printObject } from './print-object.ts';
import { viewAuthority, yamlScheme } from './yaml-scheme.ts';

const texts = new Map<string, string>();
const changed = new vscode.EventEmitter<vscode.Uri>();
let provider: vscode.Disposable | undefined;

/** `secrets` are not among the kinds that Meshloom asks for by itself. */
const moreTypes: Record<string, ResourceType> = {
  ...workloadTypes,
  Pod: resourceTypes.pods,
  Service: resourceTypes.services,
  Namespace: resourceTypes.namespaces,
  Node: resourceTypes.nodes,
  ConfigMap: resourceTypes.configMaps,
  Secret: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
};

interface YamlTarget extends TreeTarget {
  apiVersion?: string;
  plural?: string;
  managedFields?: boolean;
}

/** Shows an object; with a document of ours in front and no target, reads that one again. @returns the text. */
export async function showYaml(app: App, target: YamlTarget | vscode.Uri | undefined): Promise<string | undefined> {
  const kept = keptOf(target);
  const cluster = await app.clusters.connect();
  if (kept) return await show(app, cluster, kept);
  const node = target instanceof vscode.Uri ? undefined : target;
  const object = await chooseObject(cluster, node, vscode.l10n.t('Pod whose YAML to show'));
  if (!object) return undefined;
  const { id: context, name: contextName } = cluster.context;
  return await show(app, cluster, {
    ...node,
    ...object,
    context,
    contextName,
    managedFields: node?.managedFields === true,
  });
}

/** Unfolds the managedFields of the document in front, or folds them away again. */
export async function toggleManagedFields(app: App, target: vscode.Uri | undefined): Promise<string | undefined> {
  const kept = keptOf(target);
  return kept && (await show(app, await app.clusters.connect(), { ...kept, managedFields: !kept.managedFields }));
}

async function show(app: App, cluster: Cluster, kept: Kept): Promise<string | undefined> {
  if (kept.context !== cluster.context.id) {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'This document is from “{0}”, another cluster than the chosen one: it was not read again.',
        kept.contextName,
      ),
    );
    return undefined;
  }
  const type = typeOf(kept);
  if (!type) throw unknownKind(kept);
  const { namespace, name, managedFields } = kept;
  const object = await cluster.get<KubernetesObject>(type, name, type.namespaced ? { namespace } : {});
  if (!object) throw notThere(cluster, kept);
  const text = printObject({ apiVersion: type.apiVersion, kind: type.kind, ...object }, { managedFields });
  await open(app, cluster, kept, text);
  return text;
}

interface Kept extends ObjectReference {
  apiVersion?: string;
  plural?: string;
  context: string;
  contextName: string;
  managedFields: boolean;
}

function typeOf({
  kind,
  apiVersion,
  plural,
}: ObjectReference & { apiVersion?: string; plural?: string }): ResourceType | undefined {
  if (apiVersion && plural) return { apiVersion, kind, plural, namespaced: true };
  return moreTypes[kind] ?? (apiVersion ? findResourceType({ apiVersion, kind }) : undefined);
}

async function open(app: App, { context }: Cluster, kept: Kept, text: string): Promise<void> {
  provider ??= register(app);
  const { kind, namespace, name } = kept;
  const uri = vscode.Uri.from({
    scheme: yamlScheme,
    authority: viewAuthority(context.name),
    path: `/${namespace}/${kind}/${name}.yaml`,
  });
  documents.set(uri.toString(), kept);
  texts.set(uri.toString(), text);
  changed.fire(uri);
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.languages.setTextDocumentLanguage(document, 'yaml');
  await vscode.window.showTextDocument(document, { preview: true });
}

const documents = new Map<string, Kept>();

/** What a document of ours is about: the one that is meant, else the one in front when nothing is meant. */
function keptOf(target: YamlTarget | vscode.Uri | undefined): Kept | undefined {
  const uri = target instanceof vscode.Uri ? target : vscode.window.activeTextEditor?.document.uri;
  const isOurs = uri?.scheme === yamlScheme && (target === undefined || target instanceof vscode.Uri);
  return isOurs ? documents.get(uri.toString()) : undefined;
}

function register(app: App): vscode.Disposable {
  const all = vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(yamlScheme, {
      onDidChange: changed.event,
      provideTextDocumentContent: (uri) =>
        texts.get(uri.toString()) ?? `# ${vscode.l10n.t('Read it again: “Mesh: Show YAML”.')}\n`,
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === yamlScheme) {
        texts.delete(uri.toString());
        documents.delete(uri.toString());
      }
    }),
  );
  app.context.subscriptions.push(all);
  return all;
}
