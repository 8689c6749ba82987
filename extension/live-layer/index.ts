import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { settingIds, viewIds } from '../ids.ts';
import { literalText } from '../trees/literal-text.ts';
import type { TreeStore } from '../trees/store/tree-store.ts';
import { LiveLayer } from './live-layer.ts';
import type { LayerState } from './live-layer.ts';

/** The layer that the trees start and stop, with what the status bar says of it. Contacts nobody by itself. */
export function createLiveLayer(
  { layer: hub, clusters, log }: App,
  store: TreeStore,
): Pick<LiveLayer, 'start' | 'stop' | 'reset' | 'refresh'> & vscode.Disposable {
  const status = vscode.window.createStatusBarItem('meshloom.liveCluster', vscode.StatusBarAlignment.Right);
  status.name = vscode.l10n.t('Mesh: cluster under the manifests');
  status.command = `${viewIds.workloads}.focus`;
  const layer = new LiveLayer({
    store,
    receiver: hub,
    useOf: () => {
      if (!vscode.workspace.getConfiguration().get<boolean>(settingIds.liveCluster, true)) return 'nothing';
      // The demo is nobody's mesh, nor is a recording: a host that it lacks says nothing of the user's files.
      return clusters.chosen.kind === 'demo' ? 'names' : 'analysis';
    },
    log: (line) => log.info(line),
    onDidChange: () => {
      show(status, layer.state);
      hub.seen(layer.state?.asOf);
    },
  });
  hub.onDidAttach = () => layer.tellAgain();
  const changed = vscode.workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration(settingIds.liveCluster)) layer.reset();
  });
  return {
    start: () => layer.start(),
    stop: () => layer.stop(),
    reset: () => layer.reset(),
    refresh: () => layer.refresh(),
    dispose: () => {
      hub.onDidAttach = undefined;
      changed.dispose();
      layer.dispose();
      status.dispose();
    },
  };
}

function show(item: vscode.StatusBarItem, state: LayerState | undefined): void {
  if (!state) return item.hide();
  const { cluster, objects, asOf, gaps, use } = state;
  // A name with `$(…)` in it is no icon.
  const name = literalText(cluster).replaceAll('$(', '$\u200a(');
  const time =
    asOf === undefined ? '' : ` ${new Date(asOf).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`;
  item.text = `${asOf === undefined ? '$(pulse)' : '$(history)'} ${name}${time}`;
  item.accessibilityInformation = { label: `${item.name ?? ''}: ${name}${time}` };
  if (use === 'names') {
    item.tooltip = vscode.l10n.t(
      'Completion offers the names of {0}. It is nobody’s mesh: manifests are not checked against it.',
      cluster,
    );
    return item.show();
  }
  const when =
    asOf === undefined
      ? vscode.l10n.t('Manifests are checked against {0}, live ({1} objects).', cluster, objects)
      : vscode.l10n.t(
          'Manifests are checked against {0} as it was at {1} ({2} objects). Open a Mesh view to follow it again.',
          cluster,
          new Date(asOf).toLocaleTimeString(),
          objects,
        );
  const missing = gaps.map((kind) => kind.slice(kind.indexOf('/') + 1)).join(', ');
  const gap = missing && vscode.l10n.t('Of these nothing is said to be missing: {0}.', missing);
  item.tooltip = [when, gap].filter(Boolean).join('\n');
  item.show();
}
