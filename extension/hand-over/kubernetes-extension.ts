/**
 * The Kubernetes extension beside ours (`ms-kubernetes-tools.vscode-kubernetes-tools`): our commands on its nodes, its
 * commands on ours. Both may look at different clusters, so the one that is meant is named and nothing is guessed. Whatever
 * is missing, absent or of another version, is said and breaks nothing.
 */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { chooseObject } from '../actions/pick-target.ts';
import type { TreeTarget } from '../actions/pod-targets.ts';
import { ClusterFailure, type ClusterContext } from '../cluster/cluster.ts';
import { findKubeconfigFiles, readKubeconfig } from '../cluster/kubeconfig.ts';
import { commandIds, settingIds } from '../ids.ts';
import { pickPod } from '../panels/pick-pod.ts';
import { makeExplorerNode, readExplorerNode, type ExplorerResource } from './explorer-node.ts';
import { kubernetesExtensionId } from './kubernetes-extension-id.ts';
import { pick } from '../pick.ts';

/** Of its exports; each version hands out what it knows by component and version. */
interface Broker {
  get?(component: string, version: string): { available: boolean; api?: unknown } | undefined;
}

/** @returns undefined: not installed, not willing to start, or without that part. */
async function findApi<T extends object>(component: string, versions: readonly string[]): Promise<T | undefined> {
  try {
    const broker = await vscode.extensions.getExtension<Broker>(kubernetesExtensionId)?.activate();
    for (const version of versions) {
      const answer = broker?.get?.(component, version);
      if (answer?.available && typeof answer.api === 'object' && answer.api !== null) return answer.api as T;
    }
    return undefined;
  } catch {
    return undefined;
  }
}

interface ExplorerApi {
  resolveCommandTarget?(target: unknown): unknown;
}

interface ConfigurationApi {
  getKubeconfigPath?(): { pathType?: string; hostPath?: string; wslPath?: string };
}

/** Commands of ours that a namespace is enough for; the others are asked about one of its pods. */
const forNamespaces = new Set<string>([
  ...[commandIds.openInKiali, commandIds.openInGrafana, commandIds.openInJaeger, commandIds.openInPrometheus],
  ...[commandIds.showYaml, commandIds.filterWorkloads],
]);

/**
 * A node of its tree as our commands know what they are about. Where it is of another cluster than the chosen one, the
 * person says whether to change over.
 * @param commandId for which it is.
 * @returns undefined: Escape. @throws ClusterFailure for a node that is not understood, or a cluster that is not known here.
 */
export async function takeExplorerNode(app: App, commandId: string, node: unknown): Promise<TreeTarget | undefined> {
  const resource = readExplorerNode(node, await resolveNode(node));
  if (!resource) throw notUnderstood();
  const theirs = await currentContextOfTheirs();
  if (!(await couldAgreeOn(app, theirs, resource))) return undefined;
  const namespaced = { ...resource, namespace: resource.namespace || (theirs?.namespace ?? 'default') };
  if (resource.kind !== 'Namespace') return namespaced;
  const { name } = resource;
  if (forNamespaces.has(commandId)) return { kind: 'Namespace', namespace: name, name };
  const cluster = await app.clusters.connect();
  const pod = await pickPod(cluster, {
    placeHolder: vscode.l10n.t('Pod of namespace {0}', name),
    namespace: name,
  });
  return pod && { kind: 'Pod', namespace: name, name: pod.metadata?.name ?? '', pod };
}

async function resolveNode(node: unknown): Promise<unknown> {
  const api = await findApi<ExplorerApi>('clusterexplorer', ['v1_1', 'v1']);
  try {
    return api?.resolveCommandTarget?.(node);
  } catch {
    return undefined;
  }
}

/** Its tree shows the objects of one context: the current one of the kubeconfig that it reads. */
async function currentContextOfTheirs(): Promise<{ name: string; server?: string; namespace?: string } | undefined> {
  const config = await readKubeconfig(findKubeconfigFiles((await kubeconfigOfTheirs()) ?? ''));
  const context = config.contexts.find(({ name }) => name === config.currentContext);
  if (!context) return undefined;
  const server = config.clusters.find(({ name }) => name === context.cluster)?.server;
  return {
    name: context.name,
    ...(server !== undefined && { server }),
    ...(context.namespace !== undefined && { namespace: context.namespace }),
  };
}

/** Its API knows; where there is none, its setting. Without both it looks where kubectl does. */
async function kubeconfigOfTheirs(): Promise<string | undefined> {
  const api = await findApi<ConfigurationApi>('configuration', ['v1_1', 'v1']);
  try {
    const path = api?.getKubeconfigPath?.().hostPath;
    if (path !== undefined) return path;
  } catch {
    // Of a version that nobody knew when this was written.
  }
  const settings = vscode.workspace.getConfiguration().get<Record<string, unknown>>('vs-kubernetes');
  const path = settings?.['vs-kubernetes.kubeconfig'];
  return typeof path === 'string' && vscode.workspace.isTrusted ? path : undefined;
}

/** By name, and by server where both are known: two files may call different clusters by one name. */
function isSame(ours: ClusterContext, theirs: { name: string; server?: string }): boolean {
  if (ours.kind !== 'kubeconfig' || ours.name !== theirs.name) return false;
  return ours.server === undefined || theirs.server === undefined || ours.server === theirs.server;
}

async function couldAgreeOn(
  { clusters }: App,
  theirs: { name: string; server?: string } | undefined,
  { kind, name }: ExplorerResource,
): Promise<boolean> {
  const { contexts } = await clusters.listContexts();
  const chosen = contexts.find(({ id }) => id === clusters.chosen.id) ?? clusters.chosen;
  if (theirs && isSame(chosen, theirs)) return true;
  const same = theirs && contexts.find((context) => isSame(context, theirs));
  if (!same) throw unknownCluster(theirs?.name, `${kind} ${name}`);
  const change = vscode.l10n.t('Look at “{0}” with Meshloom, too', same.name);
  const picked = await pick([{ label: change, detail: same.server ?? '' }], {
    title: vscode.l10n.t('{0} {1} is in “{2}”, and Meshloom looks at “{3}”', kind, name, same.name, chosen.name),
    placeHolder: vscode.l10n.t('Escape does nothing'),
  });
  if (!picked) return false;
  await clusters.choose(same);
  return true;
}

function notUnderstood(): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    vscode.l10n.t(
      'This node of the Kubernetes extension is no object of a cluster, or of a version that is not known.',
    ),
    vscode.l10n.t('Run the command from the views of Meshloom.'),
  );
}

function unknownCluster(context: string | undefined, what: string): ClusterFailure {
  return new ClusterFailure(
    'kubeconfig',
    context === undefined
      ? vscode.l10n.t(
          'Of which cluster {0} is could not be told: the kubeconfig of the Kubernetes extension names no current context.',
          what,
        )
      : vscode.l10n.t(
          '{0} is in context “{1}” of the Kubernetes extension, and no kubeconfig that Meshloom reads has this cluster.',
          what,
          context,
        ),
    vscode.l10n.t('Let the setting “{0}” name the same file.', settingIds.kubeconfig),
  );
}

/** What it does better than we: offered where the command is there. */
const offers = [
  { id: 'extension.vsKubernetesDescribe', kinds: undefined, label: () => vscode.l10n.t('Describe') },
  { id: 'extension.vsKubernetesLoad', kinds: undefined, label: () => vscode.l10n.t('Edit and Apply YAML') },
  {
    id: 'extension.vsKubernetesDebugAttach',
    kinds: ['Pod', 'Deployment'],
    label: () => vscode.l10n.t('Attach a Debugger'),
  },
  { id: 'extension.vsKubernetesShowEvents', kinds: ['Namespace'], label: () => vscode.l10n.t('Show Events') },
] as const;
const focusTree = 'extension.vsKubernetesExplorer.focus';

/** Hands an object of our trees over. @returns the command that was run; undefined: Escape, or nothing was. */
export async function openInKubernetesExtension(app: App, target: TreeTarget | undefined): Promise<string | undefined> {
  if (!vscode.extensions.getExtension(kubernetesExtensionId)) throw notInstalled();
  const cluster = await app.clusters.connect();
  const object = await chooseObject(cluster, target, vscode.l10n.t('Pod to open in the Kubernetes extension'));
  if (!object) return undefined;
  await findApi('clusterexplorer', ['v1_1', 'v1']);
  const theirs = await currentContextOfTheirs();
  if (!theirs || !isSame(cluster.context, theirs)) {
    await tellOfOtherCluster(cluster.context, theirs?.name, `${object.kind} ${object.name}`);
    return undefined;
  }
  const there = new Set(await vscode.commands.getCommands(true));
  const items = offers
    .filter(
      ({ id, kinds }) => there.has(id) && (kinds === undefined || (kinds as readonly string[]).includes(object.kind)),
    )
    .map(({ id, label }) => ({ label: label(), id: id as string }));
  if (there.has(focusTree)) items.push({ label: vscode.l10n.t('Show Its Tree'), id: focusTree });
  if (items.length === 0) throw nothingOffered();
  const picked = await pick(items, {
    title: vscode.l10n.t('{0} {1}/{2} of “{3}”', object.kind, object.namespace, object.name, theirs.name),
    placeHolder: vscode.l10n.t('In the Kubernetes extension'),
  });
  if (!picked) return undefined;
  await vscode.commands.executeCommand(picked.id, ...(picked.id === focusTree ? [] : [makeExplorerNode(object)]));
  return picked.id;
}

async function tellOfOtherCluster(ours: ClusterContext, theirs: string | undefined, what: string): Promise<void> {
  const show = vscode.l10n.t('Show Its Tree');
  const picked = await vscode.window.showWarningMessage(
    ours.kind === 'demo'
      ? vscode.l10n.t('{0} is in the demo cluster “{1}”, which only Meshloom can reach.', what, ours.name)
      : vscode.l10n.t(
          '{0} is in “{1}”, and the Kubernetes extension looks at “{2}”: nothing was handed over. Make “{1}” its current cluster first.',
          what,
          ours.name,
          theirs ?? vscode.l10n.t('no cluster'),
        ),
    ...(ours.kind === 'demo' ? [] : [show]),
  );
  if (picked === show) await vscode.commands.executeCommand(focusTree);
}

function notInstalled(): ClusterFailure {
  return new ClusterFailure(
    'not-found',
    vscode.l10n.t('The Kubernetes extension ({0}) is not installed, or disabled.', kubernetesExtensionId),
    vscode.l10n.t('Meshloom does without it; install it for editing objects in place and for debugging.'),
  );
}

function nothingOffered(): ClusterFailure {
  return new ClusterFailure(
    'not-found',
    vscode.l10n.t('This version of the Kubernetes extension has none of the commands that are known here.'),
    vscode.l10n.t('Use its own tree.'),
  );
}
