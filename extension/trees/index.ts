import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';
import { isProtected } from '../actions/write-gate.ts';
import type { App } from '../app.ts';
import { contextKeys, settingIds, viewIds } from '../ids.ts';
import { createLiveLayer } from '../live-layer/index.ts';
import { nodeHelperProtocol } from '../../contract/node-helper.ts';
import { ClusterFailure } from '../cluster/cluster.ts';
import { ask, readCni } from '../node-helper/client.ts';
import { CniChainTree } from './cni-chain/cni-chain-tree.ts';
import { decideForPod } from './store/decide.ts';
import { MeshModel } from './store/mesh-model.ts';
import { MeshView } from './control-plane/mesh-view.ts';
import { chosenNamespaces } from './store/chosen-namespaces.ts';
import { followLogin } from './login-notice.ts';
import { NodeAgents } from './cni-chain/node-agents.ts';
import type { ReadAgent } from './cni-chain/node-agents.ts';
import { NodeChains } from './cni-chain/node-chains.ts';
import { viewMessage } from './view-message.ts';
import type { TreeNode } from './tree-node.ts';
import { showTree } from './tree-view.ts';
import type { Source, Tree } from './tree-view.ts';
import { createDrawing, drawVisible } from './drawing.ts';
import { noChange, TreeStore } from './store/tree-store.ts';
import { describeFilter } from './workloads/tree-filter.ts';
import type { ViewPlaces } from './view-places.ts';
import { workloadsFilter } from './workloads/workloads-filter.ts';
import { WorkloadsTree } from './workloads/workloads-tree.ts';

/** The age of stale data is told in minutes; looked at this often, in milliseconds. */
const ageInterval = 30_000;

const refreshers = new WeakMap<App, (nodesWritten: boolean) => void>();

/** Asks the cluster everything again that the views show; nothing happens while no view is open. @param nodesWritten by us. */
export function refreshTrees(app: App, nodesWritten = false): void {
  refreshers.get(app)?.(nodesWritten);
}

const revealers = new WeakMap<App, (pod: { namespace: string; name: string }) => Promise<void>>();

/** Selects a pod in Workloads. @throws ClusterFailure when it is not there (any more). */
export async function revealPodInTree(app: App, pod: { namespace: string; name: string }): Promise<void> {
  await revealers.get(app)?.(pod);
}

const readAgent: ReadAgent = (cluster, node, signal) =>
  ask(cluster, node, { protocol: nodeHelperProtocol, verb: 'read-agent' }, signal);

const listers = new WeakMap<App, () => string[]>();

/** The namespaces that the trees know of now. */
export function namespacesInTree(app: App): string[] {
  return listers.get(app)?.() ?? [];
}

const listersOfAll = new WeakMap<App, () => string[]>();

/** The names of all namespaces of the cluster, as far as the views were told; empty: they were told nothing. */
export function allNamespaces(app: App): string[] {
  return listersOfAll.get(app)?.() ?? [];
}

/** The three views of the mesh. Nobody is contacted before one of them is visible. */
export function registerTrees(app: App, places: ViewPlaces): vscode.Disposable {
  const chosen = chosenNamespaces(app);
  const store = new TreeStore({
    connect: () => app.clusters.connect(),
    namespaces: () => chosen.current,
    log: (line) => app.log.debug(line),
  });
  const layer = createLiveLayer(app, store);
  const model = new MeshModel(store, decideForPod);
  const chains = new NodeChains(store, readCni);
  const agents = new NodeAgents(store, readAgent);
  const mesh = new MeshView(store, model, () => views[2]?.refresh());
  const filter = workloadsFilter(app);
  const workloads = new WorkloadsTree(store, model, agents, filter);
  listers.set(app, () => workloads.namespaces());
  listersOfAll.set(app, () => Array.from(store.tables.namespaces.all(), ({ metadata }) => metadata?.name ?? ''));
  const notesOn = (node: TreeNode) => mesh.notesOn(node);
  const source: Source = {
    get chosen() {
      return app.clusters.chosen;
    },
    get isSettled() {
      return store.phase === 'ready' || store.phase === 'failed' || store.login !== undefined;
    },
    whenSettled: () => store.whenSettled(),
  };
  const views = [
    { place: places.workloads, tree: workloads as Tree },
    { place: places.cniChain, tree: new CniChainTree(store, model, chains, agents) as Tree },
    { place: places.mesh, tree: mesh as Tree },
  ].map(({ place, tree }) => showTree(place, tree, source, () => showStateSoon(), notesOn));

  const describeView = (tree: Tree) =>
    [
      // First: a side bar is narrow, and who does not see it looks for what is filtered away.
      tree === workloads && describeFilter(filter.current),
      few(chosen.current),
      app.clusters.chosen.name,
      isProtected(app.clusters.chosen) && l10n.t('protected'),
      store.cluster?.context.warning,
    ]
      .filter(Boolean)
      .join(' · ');
  const showState = () => {
    const message = viewMessage(store, app.clusters.chosen.name, Date.now());
    for (const { view, tree } of views) {
      const description = describeView(tree);
      // Each assignment is a message to the window.
      if (view.description !== description) view.description = description;
      if (view.message !== message) view.message = message;
      // What nobody looks at is not computed.
      if (!view.visible && store.phase === 'ready') continue;
      const problems = store.phase === 'ready' ? tree.problems() : 0;
      view.badge =
        problems > 0
          ? { value: problems, tooltip: problems === 1 ? l10n.t('1 problem') : l10n.t('{0} problems', problems) }
          : undefined;
    }
  };
  let isStateOld = false;
  /** The editor asks for the children of many nodes in a row. */
  const showStateSoon = () => {
    if (isStateOld) return;
    isStateOld = true;
    setImmediate(() => {
      isStateOld = false;
      showState();
    });
  };
  /** In pieces: keys and other extensions share this process. */
  const prepare = async () => {
    if (store.phase === 'ready' && (views[0]?.view.visible || views[2]?.view.visible)) await model.prepare();
    if (store.phase === 'ready' && views[1]?.view.visible) await model.prepareNodes();
  };
  const drawChange = drawVisible(views);
  const draw = createDrawing(prepare, (change) => {
    drawChange(change);
    showState();
  });
  const logDrawing = (drawing: Promise<void>) =>
    void drawing.catch((error: unknown) => app.log.error(`trees: ${String(error)}`));
  const followVisibility = () => {
    const isLookedAt = views.some(({ view }) => view.visible);
    if (isLookedAt) logDrawing(draw(noChange));
    if (isLookedAt) store.start();
    else store.stop();
    if (isLookedAt) layer.start();
    else layer.stop();
    mesh.follow(isLookedAt);
  };
  const forget = () => {
    chains.forget({ startOver: true });
    agents.forget();
    store.reset();
    layer.reset();
    mesh.reset();
    for (const { refresh } of views) refresh();
  };
  refreshers.set(app, (nodesWritten) => {
    chains.forget({ startOver: nodesWritten });
    agents.forget();
    store.refresh();
    layer.refresh();
    mesh.refresh();
    for (const { refresh } of views) refresh();
  });

  revealers.set(app, async ({ namespace, name }) => {
    await vscode.commands.executeCommand(`${viewIds.workloads}.focus`);
    await store.whenSettled();
    const pod = workloads.pathTo(namespace, name)?.at(-1);
    if (!pod)
      throw new ClusterFailure(
        'not-found',
        l10n.t('Pod {0} is not in namespace {1} any more.', name, namespace),
        l10n.t('Refresh the tree: it may have been created again under another name.'),
      );
    await views[0]?.view.reveal(pod, { select: true, focus: true, expand: true });
  });

  const timer = setInterval(() => {
    if (store.stale()) showState();
  }, ageInterval);
  for (const { view, tree } of views) view.description = describeView(tree);
  followVisibility();
  return vscode.Disposable.from(
    layer,
    ...views.map(({ view }) => view.onDidChangeVisibility(followVisibility)),
    app.clusters.onDidChoose(forget),
    chosen,
    chosen.onDidChange(forget),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(settingIds.namespaces)) forget();
      if (change.affectsConfiguration(settingIds.protectedContexts)) showState();
    }),
    followLogin(app, store, () => views.some(({ view }) => view.visible)),
    // Who was away, and the network with him, sees at once whether it is back.
    vscode.window.onDidChangeWindowState(({ focused }) => (focused ? store.outage.hurry() : undefined)),
    filter.onDidChange(() => {
      views[0]?.refresh();
      showState();
    }),
    store.onDidChange((change) => {
      model.apply(change);
      logDrawing(draw(change));
      if (change.state) void vscode.commands.executeCommand('setContext', contextKeys.clusterState, store.phase);
    }),
    new vscode.Disposable(() => {
      clearInterval(timer);
      chains.forget();
      agents.forget();
      mesh.dispose();
      store.dispose();
    }),
  );
}

/** For the title of a view, which is narrow. */
function few(namespaces: readonly string[]): string {
  return namespaces.length > 3 ? l10n.t('{0} namespaces', namespaces.length) : namespaces.join(', ');
}
