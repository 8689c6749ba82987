import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { NodeOutcome } from '../../extension/cni/carry-out.ts';
import type { PlannedInstallation } from '../../extension/commands/plan-cni-installation.ts';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import type { CniChainState } from '../../contract/cni-chain-view.ts';
import { commandIds, viewIds } from '../../extension/ids.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, readTree, setTheme } from './support.ts';

/** The incident as a person lives through it: seen, planned, repaired, and the plugin installed and taken out again. */
describe('the CNI chain from the editor', function () {
  this.timeout(120_000);
  let cluster: Cluster;

  const connect = async (id: string) => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find((context) => context.id === id)!);
    cluster = await clusters.connect();
  };
  const run = <T>(id: string, target: object) => vscode.commands.executeCommand<T>(id, target);
  const closeAll = () => vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const shoot = async (name: string) => {
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`${name}-${theme}`);
    }
  };
  const states = (outcomes: NodeOutcome[] | undefined) => outcomes?.map(({ node, state }) => `${node} ${state}`);
  const toast = async (text: string) => {
    await vscode.commands.executeCommand('notifications.showList');
    await read({ selector: '.notification-list-item-message', text });
    await vscode.commands.executeCommand('notifications.clearAll');
  };

  before(async () => {
    await connect('demo:before-cni');
    await connect('demo:broken');
    await vscode.commands.executeCommand('workbench.view.extension.meshloom');
  });
  after(async () => {
    await run(commandIds.removeNodeHelper, { confirmed: true });
    await connect('demo:before-cni');
    await closeAll();
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('says that no node answers while no helper is deployed, and changes nothing', async () => {
    assert.equal(await run(commandIds.planCniInstallation, { mode: 'chained' }), undefined);
    await toast('No node answers (n1)');
  });

  it('refuses a node that is not there, and leaves the cluster as it is', async () => {
    await run(commandIds.deployNodeHelper, { confirmed: true });
    void run(commandIds.installCniPlugin, { nodes: ['n9'], confirmed: true });
    await toast('has no Linux node n9');
    const { items } = await cluster.list(resourceTypes.clusterRoles);
    assert.deepEqual(
      items.filter(({ metadata }) => metadata?.name?.startsWith('meshloom')),
      [],
    );
  });

  it('takes Escape for an answer when it asks how the plugin is called', async () => {
    const shown = run(commandIds.planCniInstallation, {});
    await eventually('both ways to choose from', async () => {
      const rows = await readAll({ selector: '.quick-input-list .monaco-list-row' });
      return rows.some((text) => text.includes('Stand-alone')) && rows.some((text) => text.includes('Chained'));
    });
    await shoot('cni-mode');
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    assert.equal(await shown, undefined);
  });

  it('shows the repair as a diff, heals the chain, and every pod that hung', async () => {
    await closeAll();
    const outcomes = run<NodeOutcome[]>(commandIds.repairCniChain, {
      kind: 'Node',
      name: 'n1',
      confirmed: true,
      settleMs: 0,
    });
    assert.deepEqual(states(await outcomes), ['n1 done']);
    const diffs = vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ label }) => label.startsWith('Repair CNI Chain'));
    assert.equal(diffs.length, 1);
    assert.ok(diffs[0]?.isActive, 'the diff stands in front');
    await shoot('cni-repair');
    const { items } = await cluster.list<Pod>(resourceTypes.pods);
    const hanging = items.filter(
      ({ spec, metadata, status }) =>
        !spec?.hostNetwork && (metadata?.deletionTimestamp || status?.phase === 'Pending'),
    );
    assert.deepEqual(
      hanging.map(({ metadata }) => metadata?.name),
      [],
    );
    // Whoever only looked before has a helper that only looks.
    const daemonSet = await cluster.get(resourceTypes.daemonSets, 'meshloom-node-helper', {
      namespace: 'meshloom-system',
    });
    assert.equal(daemonSet?.metadata?.annotations?.['meshloom.dev/mode'], 'observe');
    const tree = (await readTree(viewIds.cniChain)).join('\n');
    assert.match(tree, /00-galaxy\.conf(?!list)/);
    assert.doesNotMatch(tree, /0\.3\.1/);
    await shoot('cni-healed');
  });

  it('plans an installation as a diff and a summary, and writes nothing', async () => {
    await closeAll();
    const shown = await run<PlannedInstallation>(commandIds.planCniInstallation, { mode: 'chained' });
    assert.equal(shown.changes, 2);
    assert.ok(shown.summary);
    assert.match(shown.summary, /New: \/etc\/cni\/net\.d\/00-galaxy\.conflist/);
    assert.match(shown.summary, /asked for: 0\.[12]\.0/);
    await read({ selector: '.multiDiffEditor, .monaco-editor', text: 'meshloom-cni' });
    await shoot('cni-plan');
    const again = await run<PlannedInstallation>(commandIds.planCniInstallation, { mode: 'chained' });
    assert.equal(again.summary, shown.summary);
    await toast('Planned for n1, and nothing changed');
    // Who has the plan already may have it shown beside the chain.
    const plan = again.results.get('n1');
    const state = await run<CniChainState>(commandIds.showCniChain, { name: 'n1', plan, action: 'plan' });
    assert.equal(state.plan?.files.length, 2);
  });

  it('installs node by node, tells what stands, and gives everything back', async () => {
    await closeAll();
    assert.deepEqual(states(await run(commandIds.installCniPlugin, { confirmed: true, settleMs: 0 })), ['n1 done']);
    await toast('The CNI plugin is installed on: n1');
    const tree = (await readTree(viewIds.cniChain)).join('\n');
    assert.match(tree, /meshloom-cni/);
    await shoot('cni-installed');
    const settings = vscode.workspace.getConfiguration('meshloom.cni');
    await settings.update('backend', 'nft', vscode.ConfigurationTarget.Global);
    await toast('run with other settings than “meshloom.cni” has now: --exclude-namespaces kube-system');
    await settings.update('backend', undefined, vscode.ConfigurationTarget.Global);
    await closeAll();
    assert.deepEqual(states(await run(commandIds.uninstallCniPlugin, { confirmed: true, settleMs: 0 })), ['n1 done']);
    const diffs = vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .filter(({ label }) => label.startsWith('Uninstall CNI Plugin'));
    assert.equal(diffs.length, 1);
    assert.ok(diffs[0]?.isActive, 'the diff stands in front');
    await shoot('cni-uninstall');
    // What we wrote ourselves is nobody’s fight.
    assert.doesNotMatch((await readTree(viewIds.cniChain)).join('\n'), /rewrites/);
    const plan = await run<PlannedInstallation>(commandIds.planCniInstallation, { mode: 'chained' });
    assert.equal(plan.changes, 2);
    await run(commandIds.removeNodeHelper, { confirmed: true });
    const left = await Promise.all(
      [resourceTypes.clusterRoles, resourceTypes.clusterRoleBindings].map(
        async (type) => (await cluster.list(type)).items,
      ),
    );
    assert.deepEqual(
      left.flat().filter(({ metadata }) => metadata?.name?.startsWith('meshloom')),
      [],
    );
  });

  it('finds no pod to recreate where none hangs', async () => {
    assert.deepEqual(await run(commandIds.recreateStuckPods, { confirmed: true }), { recreated: [], left: [] });
    await toast('No pod hangs on the network of n1');
  });
});
