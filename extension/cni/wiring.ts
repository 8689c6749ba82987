/**
 * The cluster's side of stand-alone mode: planned from what stands there, written under the condition that it still does,
 * and remembered in the helper's namespace so that uninstalling takes it back.
 */
import * as l10n from '@vscode/l10n';
import { pluginType, type CniActionResult } from '../../contract/cni-plugin.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import {
  delegatorOf,
  planUnwiring,
  planWiring,
  type NetworkAttachment,
  type StandaloneWiring,
  type WiringEdit,
} from '../../mesh/cni/standalone-wiring.ts';
import type { ConfigMap, KubernetesObject, Namespace, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { helperNamespace, managedBy } from '../node-helper/manifest.ts';
import type { FileChange } from './node-plans.ts';

const attachments: ResourceType = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  namespaced: true,
};

/** Where the edits are remembered; gone with the namespace. */
const memory = 'meshloom-wiring';

export type Wiring = Pick<StandaloneWiring, 'edits' | 'problems'>;

/** What the cluster needs besides the nodes' files. @throws ClusterFailure */
export async function collectWiring(cluster: Cluster, results: readonly CniActionResult[]): Promise<Wiring> {
  const [network] = results.flatMap((result) => ownNetwork(result) ?? []);
  const types = results.flatMap(({ plan }) => plan.plugins.map(({ type }) => type));
  const delegator = types.map(delegatorOf).find((known) => known !== undefined);
  if (!network || !delegator) return { edits: [], problems: delegator ? [] : [nobodyDelegates(types)] };
  const namespaces = (await cluster.list<Namespace>(resourceTypes.namespaces)).items;
  const injected = namespaces.filter(({ metadata }) => {
    const labels = metadata?.labels ?? {};
    return labels['istio-injection'] === 'enabled' || labels['istio.io/rev'] !== undefined;
  });
  const [pods, maps, known] = await Promise.all([
    cluster.list<Pod>(resourceTypes.pods),
    cluster.list<ConfigMap>(resourceTypes.configMaps),
    listAttachments(cluster),
  ]);
  return planWiring({
    delegator,
    network,
    namespaces: injected.flatMap(({ metadata }) => metadata?.name ?? []),
    pods: pods.items,
    attachments: known,
    configMaps: maps.items,
  });
}

function nobodyDelegates(types: readonly string[]): Wiring['problems'][number] {
  const chain = [...new Set(types)].filter((type) => type !== pluginType).join(', ');
  return {
    severity: 'error',
    message: l10n.t(
      'No plugin of the nodes’ chains ({0}) is known to call another one: a plugin that stands alone would never run. Use chained mode.',
      chain,
    ),
  };
}

/** The file of our own that stand-alone mode writes, or has written. */
function ownNetwork({ plan, before }: CniActionResult): { name: string; config: string } | undefined {
  const texts = [...plan.writes, ...Object.entries(before).map(([name, content]) => ({ name, content }))];
  for (const { name, content } of texts) {
    const { list } = parseCniFile({ name, content });
    if (list?.plugins.length === 1 && list.plugins[0]!.type === pluginType) return { name: list.name, config: content };
  }
  return undefined;
}

/** Without Multus the kind does not exist. */
async function listAttachments(cluster: Cluster): Promise<NetworkAttachment[]> {
  try {
    return (await cluster.list<KubernetesObject & NetworkAttachment>(attachments)).items;
  } catch (error) {
    if (error instanceof ClusterFailure && error.reason === 'not-found') return [];
    throw error;
  }
}

/** For the diff editor. */
export function wiringChanges(edits: readonly WiringEdit[]): FileChange[] {
  return edits.map(({ resource: { kind, namespace, name }, key, before, after }) => ({
    path: `/${kind}/${namespace}/${name}${key === undefined ? '.json' : `/${key}`}`,
    ...(before !== null && { before }),
    ...(after !== null && { after }),
  }));
}

/** For the summary. */
export function describeWiring({ edits, problems }: Wiring): string {
  return [
    `## ${l10n.t('Wiring in the cluster')}`,
    '',
    ...(edits.length === 0 ? [l10n.t('Nothing in the cluster changes.')] : []),
    ...edits.map(({ resource: { kind, namespace, name }, says }) => `- ${kind} ${namespace}/${name}: ${says}`),
    ...problems.map(
      ({ severity, message }) => `- **${severity === 'error' ? l10n.t('Error') : l10n.t('Warning')}**: ${message}`,
    ),
    '',
  ].join('\n');
}

/**
 * Writes the edits one after the other, each only where its text still stands as it was shown. They are written down first,
 * so that they can be taken back also after half of them.
 * @throws ClusterFailure that says which were made.
 */
export async function applyWiring(cluster: Cluster, edits: readonly WiringEdit[]): Promise<void> {
  if (edits.length === 0) return;
  await remember(cluster, [...(await recall(cluster)), ...edits]);
  await write(cluster, edits);
}

/** What would take the wiring back; nothing, where none was made. @throws ClusterFailure */
export async function collectUnwiring(cluster: Cluster): Promise<Wiring> {
  const made = await recall(cluster);
  const now = new Map<WiringEdit, string | null>();
  for (const edit of made) now.set(edit, (await readText(cluster, edit)).text);
  const network = made.find(({ resource }) => resource.kind === attachments.kind)?.resource.name ?? pluginType;
  return made.length > 0 ? planUnwiring(made, (edit) => now.get(edit) ?? null, network) : { edits: [], problems: [] };
}

/** @throws ClusterFailure */
export async function removeWiring(cluster: Cluster, edits: readonly WiringEdit[]): Promise<void> {
  await write(cluster, edits);
  await cluster.delete(resourceTypes.configMaps, memory, { namespace: helperNamespace });
}

async function write(cluster: Cluster, edits: readonly WiringEdit[]): Promise<void> {
  const made: string[] = [];
  for (const edit of edits) {
    const { kind, namespace, name } = edit.resource;
    const label = `${kind} ${namespace}/${name}`;
    try {
      await writeOne(cluster, edit, label);
      made.push(label);
    } catch (error) {
      if (!(error instanceof ClusterFailure) || made.length === 0) throw error;
      const stands = l10n.t('Changed before that: {0}.', made.join(', '));
      throw new ClusterFailure(error.reason, error.message, `${error.next} ${stands}`.trim(), { cause: error });
    }
  }
}

async function writeOne(cluster: Cluster, edit: WiringEdit, label: string): Promise<void> {
  const { resource, key, before, after } = edit;
  const { namespace, name } = resource;
  const { text, object } = await readText(cluster, edit);
  if (text === after) return;
  if (text !== before) throw changedMeanwhile(cluster, label);
  const { resourceVersion, uid } = object?.metadata ?? {};
  const type = typeOf(edit);
  if (key !== undefined && object) {
    // The condition is the server's to check: between our look and the write somebody else may come.
    const body = { metadata: { resourceVersion }, data: { [key]: after } };
    await cluster.patch(type, name, body, { namespace });
  } else if (after === null) {
    await cluster.delete(type, name, { namespace, ...(uid !== undefined && { uid }) });
  } else {
    const wanted: KubernetesObject =
      key === undefined
        ? (JSON.parse(after) as KubernetesObject)
        : ({ ...resource, metadata: { namespace, name }, data: { [key]: after } } as KubernetesObject);
    const metadata = { ...wanted.metadata, name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) };
    const { apiVersion, kind } = resource;
    await cluster.apply({ ...stripped(wanted), apiVersion, kind, metadata }, { force: object !== undefined });
  }
}

/** An object to apply has no names beside its metadata. */
function stripped(object: KubernetesObject): KubernetesObject {
  const { namespace: _, name: __, ...rest } = object as KubernetesObject & { namespace?: string; name?: string };
  return rest;
}

function changedMeanwhile(cluster: Cluster, label: string): ClusterFailure {
  return new ClusterFailure(
    'conflict',
    l10n.t(
      '{0} in context “{1}” has changed since the plan was shown: it was left as it is.',
      label,
      cluster.context.name,
    ),
    l10n.t('Plan again.'),
  );
}

function typeOf({ resource: { kind } }: WiringEdit): ResourceType {
  return kind === attachments.kind ? attachments : resourceTypes.configMaps;
}

async function readText(
  cluster: Cluster,
  edit: WiringEdit,
): Promise<{ text: string | null; object?: KubernetesObject }> {
  const { resource, key, before, after } = edit;
  const options = { namespace: resource.namespace };
  const object = await cluster.get<ConfigMap & NetworkAttachment>(typeOf(edit), resource.name, options);
  if (!object) return { text: null };
  if (key !== undefined) return { text: object.data?.[key] ?? null, object };
  // The server adds to an object: it is the same text as long as its configuration is.
  const shown = [before, after].find(
    (text) => text !== null && (JSON.parse(text) as NetworkAttachment).spec?.config === object.spec?.config,
  );
  return { text: shown ?? `${JSON.stringify({ ...resource, spec: object.spec }, undefined, 2)}\n`, object };
}

async function remember(cluster: Cluster, edits: readonly WiringEdit[]): Promise<void> {
  const metadata = { name: memory, namespace: helperNamespace, labels: managedBy };
  const data = { edits: JSON.stringify(edits) };
  await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as KubernetesObject, { force: true });
}

async function recall(cluster: Cluster): Promise<WiringEdit[]> {
  const options = { namespace: helperNamespace };
  const map = await cluster.get<ConfigMap>(resourceTypes.configMaps, memory, options);
  try {
    const edits: unknown = JSON.parse(map?.data?.edits ?? '[]');
    return Array.isArray(edits) ? (edits as WiringEdit[]) : [];
  } catch {
    return [];
  }
}
