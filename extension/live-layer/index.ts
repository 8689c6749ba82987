import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { settingIds, viewIds } from '../ids.ts';
import type { TreeStore } from '../trees/tree-store.ts';
import { LiveLayer } from './live-layer.ts';
import type { LayerState } from './live-layer.ts';

/** The layer that the trees start and stop, with what the status bar says of it. Contacts nobody by itself. */
export function createLiveLayer(
  { layer: hub, clusters, log }: App,
  store: TreeStore,
): Pick<LiveLayer, 'start' | 'stop' | 'reset'> & vscode.Disposable {
  const status = vscode.window.createStatusBarItem('meshloom.liveCluster', vscode.StatusBarAlignment.Right);
  status.name = vscode.l10n.t('Mesh: cluster under the manifests');
  status.command = `${viewIds.workloads}.focus`;
  const layer = new LiveLayer({
    store,
    receiver: hub,
    // The demo is nobody's mesh: a host that it lacks says nothing of the user's files.
    isWanted: () =>
      clusters.chosen.kind !== 'demo' && vscode.workspace.getConfiguration().get<boolean>(settingIds.liveCluster, true),
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
  const { cluster, objects, asOf, gaps } = state;
  item.text = `${asOf === undefined ? '$(pulse)' : '$(history)'} ${cluster}`;
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
