import * as vscode from 'vscode';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type { App } from '../app.ts';
import type { Cluster, ResourceType } from '../cluster/cluster.ts';
import { viewAuthority, yamlScheme } from '../actions/yaml-scheme.ts';
import { manifestLanguages } from '../language-settings.ts';
import { pick } from '../pick.ts';

/** What is to be explained, and where it was found. */
export interface Subject extends WorkloadReference {
  from: 'cluster' | 'files';
}

export interface SubjectQuestion {
  /** What a tree handed over; nothing, from the palette. */
  target: Partial<WorkloadReference> | undefined;
  /** Kinds of manifests that can be explained. */
  kinds: readonly string[];
  /** What to offer where the cursor stands on nothing of the kind. */
  offer: readonly ResourceType[];
  placeHolder: string;
}

/** That of the tree, else the manifest under the cursor, else one that the user picks; undefined when they pressed Escape. */
export async function chooseSubject(app: App, question: SubjectQuestion): Promise<Subject | undefined> {
  const { target, kinds } = question;
  if (target?.kind !== undefined && target.name !== undefined)
    return { kind: target.kind, namespace: target.namespace ?? '', name: target.name, from: 'cluster' };
  return (await subjectAtCursor(app, kinds)) ?? (await pickSubject(await app.clusters.connect(), question));
}

/** Reads nothing of a cluster. */
async function subjectAtCursor(app: App, kinds: readonly string[]): Promise<Subject | undefined> {
  const { language } = app;
  const editor = vscode.window.activeTextEditor;
  const shown = editor && subjectShown(app, editor.document.uri, kinds);
  if (shown) return shown;
  const scheme = editor?.document.uri.scheme;
  if (!editor || !manifestLanguages.includes(editor.document.languageId)) return undefined;
  if (scheme !== 'file' && scheme !== 'untitled') return undefined;
  const place = { uri: editor.document.uri.toString(), line: editor.selection.active.line };
  const { at } = await language.objects({ kinds: [], at: place });
  if (!at || !kinds.includes(at.kind)) return undefined;
  return { kind: at.kind, namespace: at.namespace, name: at.name, from: 'files' };
}

/** That of a document that shows an object of the chosen cluster: `meshloom-yaml://kind-mesh/shop/Deployment/reviews.yaml`. */
function subjectShown({ clusters }: App, uri: vscode.Uri, kinds: readonly string[]): Subject | undefined {
  if (uri.scheme !== yamlScheme || uri.authority !== viewAuthority(clusters.chosen.name)) return undefined;
  const [, namespace = '', kind = '', file = ''] = uri.path.split('/');
  return kinds.includes(kind) ? { kind, namespace, name: file.replace(/\.yaml$/, ''), from: 'cluster' } : undefined;
}

interface Offered extends vscode.QuickPickItem {
  subject: Subject;
}

async function pickSubject(cluster: Cluster, { offer, placeHolder }: SubjectQuestion): Promise<Subject | undefined> {
  const offered = Promise.all(offer.map((type) => listOffered(cluster, type))).then((all) => all.flat());
  const picked = await pick(offered, {
    title: vscode.l10n.t('Cluster {0}', cluster.context.name),
    placeHolder,
    matchOnDescription: true,
  });
  return picked?.subject;
}

async function listOffered(cluster: Cluster, type: ResourceType): Promise<Offered[]> {
  const { items } = await cluster.list<KubernetesObject>(type);
  const icon = new vscode.ThemeIcon(type.kind === 'Service' ? 'symbol-interface' : 'symbol-object');
  return items
    .map(({ metadata: { name = '', namespace = '' } = {} }): Offered => ({
      label: name,
      description: `${type.kind} · ${namespace}`,
      iconPath: icon,
      subject: { kind: type.kind, namespace, name, from: 'cluster' },
    }))
    .sort((a, b) => compare(a.subject.namespace, b.subject.namespace) || compare(a.label, b.label));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
