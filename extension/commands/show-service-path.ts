import * as vscode from 'vscode';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import type { ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { defineCommand } from './define-command.ts';
import { pick, pickName } from '../pick.ts';

interface ServiceName {
  namespace?: string;
  name: string;
}

/**
 * Where a node's rules send connections to a Service: of the manifest under the cursor, or picked.
 * @param target names the Service, and the node if the caller knows it.
 */
export const showServicePathCommand = defineCommand<[ServiceName & { node?: string }]>(
  commandIds.showServicePath,
  async (app, target) => {
    const cluster = await app.clusters.connect();
    const service = await chooseService(cluster, target?.name === undefined ? serviceUnderCursor() : target);
    if (!service) return undefined; // the user pressed Escape: not an error
    const node = target?.node ?? (await chooseNode(cluster, service.name));
    if (node === undefined) return undefined;
    const { showServicePath } = await import('../inspection.ts');
    return showServicePath(app, cluster, { ...service, node });
  },
);

async function chooseService(
  cluster: Cluster,
  wanted: ServiceName | undefined,
): Promise<{ namespace: string; name: string } | undefined> {
  if (wanted) return { namespace: wanted.namespace ?? cluster.context.namespace ?? 'default', name: wanted.name };
  const items = cluster.list<ServiceObject>(resourceTypes.services).then(({ items: services }) =>
    services
      .map(({ metadata, spec }) => ({
        label: metadata?.name ?? '',
        description: metadata?.namespace ?? '',
        detail: [
          spec?.type,
          spec?.clusterIP,
          (spec?.ports ?? []).map(({ port, protocol = 'TCP' }) => `${port}/${protocol}`).join(', '),
        ]
          .filter(Boolean)
          .join(' · '),
      }))
      .sort((a, b) => a.description.localeCompare(b.description) || a.label.localeCompare(b.label)),
  );
  const picked = await pick(items, {
    title: vscode.l10n.t('Services of cluster {0}', cluster.context.name),
    placeHolder: vscode.l10n.t('Service whose path to show'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return picked && { namespace: picked.description, name: picked.label };
}

async function chooseNode(cluster: Cluster, service: string): Promise<string | undefined> {
  const { items } = await cluster.list<KubernetesObject>(resourceTypes.nodes);
  const names = items.flatMap(({ metadata }) => metadata?.name ?? []).sort();
  if (names.length === 0)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t('Cluster {0} has no node whose rules could be read.', cluster.context.name),
      vscode.l10n.t('Choose a cluster with nodes.'),
    );
  if (names.length === 1) return names[0];
  return pickName(names, {
    title: vscode.l10n.t('Path of Service {0}', service),
    placeHolder: vscode.l10n.t('Node from which connections come, or to which a node port belongs'),
  });
}

/** The Service manifest around the cursor: the document between two `---`. */
function serviceUnderCursor(): ServiceName | undefined {
  const editor = vscode.window.activeTextEditor;
  if (!editor || !/^(yaml|helm)$/.test(editor.document.languageId)) return undefined;
  const lines = editor.document.getText().split(/\r?\n/);
  const at = editor.selection.active.line;
  const isBorder = (line: string) => /^---(\s|$)/.test(line);
  const start = lines.findLastIndex((line, number) => number <= at && isBorder(line)) + 1;
  const end = lines.findIndex((line, number) => number >= start && isBorder(line));
  const text = lines.slice(start, end < 0 ? undefined : end).join('\n');
  if (!/^kind:\s*["']?Service["']?\s*(#.*)?$/m.test(text) || !/^apiVersion:\s*["']?v1["']?\s*(#.*)?$/m.test(text))
    return undefined;
  const [, metadata = ''] = /^metadata:[^\n]*\n((?:[ \t]+[^\n]*\n?|\s*\n)*)/m.exec(`${text}\n`) ?? [];
  const indent = /^([ \t]+)\S/m.exec(metadata)?.[1] ?? '  ';
  const field = (name: string) => new RegExp(`^${indent}${name}:\\s*["']?([\\w.-]+)`, 'm').exec(metadata)?.[1];
  const name = field('name');
  const namespace = field('namespace');
  return name === undefined ? undefined : { name, ...(namespace !== undefined && { namespace }) };
}
