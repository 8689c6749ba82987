/**
 * What the Kubernetes extension hands to commands in the menus of its tree: its own objects, whose fields differ from
 * version to version, and what its API makes of them (`clusterexplorer` v1_1, v1). No editor here.
 */

/** `{ kind: 'Pod', namespace: 'shop', name: 'reviews-1' }`; the namespace is empty where it did not say. */
export interface ExplorerResource {
  kind: string;
  namespace: string;
  name: string;
}

/** A look from outside, without loading or asking anything. */
export function isExplorerNode(target: unknown): boolean {
  if (!isRecord(target) || 'flags' in target) return false;
  return target.nodeCategory === 'kubernetes-explorer-node' || target.nodeType === 'resource';
}

/**
 * @param resolved what its API says of the node; undefined: it has no such API, or says nothing.
 * @returns undefined for a node that is no object of a cluster, or is not understood.
 */
export function readExplorerNode(node: unknown, resolved: unknown): ExplorerResource | undefined {
  return [resolved, node].map(readOne).find(Boolean);
}

function readOne(node: unknown): ExplorerResource | undefined {
  if (!isRecord(node) || node.nodeType !== 'resource') return undefined;
  const metadata = isRecord(node.metadata) ? node.metadata : {};
  const type = [node.resourceKind, node.kind].find(isRecord) ?? {};
  const kind = text(type.manifestKind) ?? kindOfAbbreviation(text(type.abbreviation));
  const name = text(node.name) ?? text(metadata.name);
  if (kind === undefined || name === undefined) return undefined;
  return { kind: plainKind(kind), name, namespace: text(metadata.namespace) ?? text(node.namespace) ?? '' };
}

const kinds = [
  ...['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'],
  ...['Service', 'Namespace', 'Node', 'ConfigMap'],
];

function kindOfAbbreviation(abbreviation: string | undefined): string | undefined {
  const short: Record<string, string> = {
    po: 'Pod',
    svc: 'Service',
    ns: 'Namespace',
    deploy: 'Deployment',
    cm: 'ConfigMap',
  };
  const wanted = abbreviation?.toLowerCase();
  return kinds.find((kind) => kind.toLowerCase() === wanted) ?? (wanted && short[wanted]);
}

/** `Statefulset` and `deployment` have been seen. */
function plainKind(kind: string): string {
  return kinds.find((known) => known.toLowerCase() === kind.toLowerCase()) ?? kind;
}

/** A node as its commands take it: what kubectl understands, and what older and newer versions look at. */
export function makeExplorerNode({ kind, namespace, name }: ExplorerResource): object {
  const abbreviation = kind.toLowerCase();
  const of = kind === 'Namespace' ? null : namespace;
  return {
    nodeCategory: 'kubernetes-explorer-node',
    nodeType: 'resource',
    kind: { manifestKind: kind, abbreviation, displayName: kind, pluralDisplayName: `${kind}s` },
    resourceKind: { manifestKind: kind, abbreviation },
    kindName: `${abbreviation}/${name}`,
    name,
    namespace: of,
    metadata: { name, ...(of !== null && { namespace: of }) },
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
