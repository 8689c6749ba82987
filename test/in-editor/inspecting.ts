import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { InterceptionState } from '../../contract/interception-view.ts';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import type * as OpenApp from '../../extension/open-app.ts';
import { commandIds, webviewTypes } from '../../extension/ids.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { click, fill, read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, setTheme } from './support.ts';

const inWebview = true;

describe('looking into pods of the demo shop', function () {
  this.timeout(90_000);
  let cluster: Cluster;

  const podOf = async (prefix: string) => {
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const pod = items.find(({ metadata }) => metadata?.name?.startsWith(prefix));
    assert.ok(pod, `a pod ${prefix}…`);
    return pod;
  };
  const open = async (command: string, prefix: string, ...rest: unknown[]) => {
    const pod = await podOf(prefix);
    const state = await vscode.commands.executeCommand<InterceptionState | undefined>(command, { pod }, ...rest);
    assert.equal(state?.phase, 'ready', state?.failure?.what);
    await read({ selector: 'h1', text: prefix, inWebview });
    return state;
  };
  const both = async (name: string) => {
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`${name}-${theme}`);
    }
  };
  const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map(({ label }) => label));
  const closeAll = () => vscode.commands.executeCommand('workbench.action.closeAllEditors');

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:broken')!);
    cluster = await clusters.connect();
    await closeAll();
    await vscode.commands.executeCommand('workbench.action.closeSidebar');
  });
  after(async () => {
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    await closeAll();
  });

  it('offers three ways while no helper runs, and shows computed rules for what they are', async () => {
    const pod = await podOf('reviews-');
    const state = await vscode.commands.executeCommand<InterceptionState>(commandIds.showIptables, { pod });
    assert.equal(state.phase, 'failed');
    assert.deepEqual(
      state.failure?.actions.map(({ id }) => id).filter((id) => id !== 'retry' && id !== 'show-log'),
      ['deploy-node-helper', 'read-inside', 'show-computed'],
    );
    await both('interception-three-ways');
    await click({ selector: '.action-show-computed', inWebview });
    await read({ selector: '.computed-tag', inWebview });
    await read({ selector: 'body', text: 'ISTIO_INBOUND', inWebview });
    await click({ selector: '#tab-drift', inWebview });
    await read({ selector: '#panel', text: 'computed', inWebview });
    await both('interception-computed');
    await closeAll();
  });

  it('shows every tab of a pod', async () => {
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
    await closeAll();
    await open(commandIds.showIptables, 'details-');
    for (const tab of ['rules', 'graph', 'trace', 'drift', 'watch', 'compare', 'raw']) {
      await click({ selector: `#tab-${tab}`, inWebview });
      await read({ selector: `#panel.panel-${tab}`, inWebview });
      await screenshot(`tab-${tab}`);
    }
    await click({ selector: '#tab-graph', inWebview });
    await both('tab-graph');
    await closeAll();
  });

  it('names what drifted, with its effect', async () => {
    const state = await open(commandIds.showDrift, 'reviews-6cb6f49678-j9m77');
    const [ipv4] = state.drift?.comparisons ?? [];
    assert.equal(ipv4?.status, 'drift');
    await read({ selector: '#panel.panel-drift', text: '--dport 9080 -j ACCEPT', inWebview });
    await both('tab-drift');
    const same = await open(commandIds.showDrift, 'reviews-6cb6f49678-9fmxc');
    assert.deepEqual(
      same.drift?.comparisons.map(({ status }) => status),
      ['same', 'same'],
    );
  });

  it('counts what is hit from now on, and pauses while it is hidden', async () => {
    await open(commandIds.watchCounters, 'reviews-6cb6f49678-9fmxc');
    await click({ selector: '.arm', inWebview });
    await eventually('rules that were hit', () => readAll({ selector: '.hits li .delta', inWebview }));
    await read({ selector: 'body', text: 'simulated', inWebview });
    await both('tab-watch');
    await vscode.commands.executeCommand('workbench.action.files.newUntitledFile');
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await eventually('the hits after coming back', () => readAll({ selector: '.hits li .delta', inWebview }));
    await click({ selector: '.stop', inWebview });
  });

  it('shows two pods side by side', async () => {
    const state = await open(commandIds.comparePods, 'reviews-6cb6f49678-9fmxc', [
      { pod: await podOf('reviews-6cb6f49678-j9m77') },
    ]);
    assert.equal(state.compare?.phase, 'ready');
    await read({ selector: '.pair', text: 'j9m77', inWebview });
    await both('tab-compare');
    await click({ selector: '.stop-compare', inWebview });
    await read({ selector: '#panel .choose-pod', inWebview });
  });

  it('follows a packet that an excluded port lets past the proxy, from this pod’s own presets', async () => {
    const state = await open(commandIds.tracePacket, 'dns-');
    assert.deepEqual(state.trace?.appPorts, [9080]);
    await click({ selector: '.preset-client-app', inWebview });
    await read({ selector: '.verdict-pass', inWebview });
    await both('tab-trace');
  });

  it('takes over the panel that a window had before it was reloaded', async () => {
    await closeAll();
    const app = await activated();
    const file = join(process.env.MESHLOOM_TEST_ROOT ?? '', 'dist', 'app.js');
    const { restoreInterception } = await (createRequire(file)(file) as typeof OpenApp).inspect();
    const restore = (kept: unknown) => {
      const panel = vscode.window.createWebviewPanel(webviewTypes.interception, 'kept', vscode.ViewColumn.Active);
      restoreInterception(app, panel, kept);
    };
    const name = (await podOf('ratings-')).metadata?.name;
    restore({ tab: 'raw', pod: { namespace: 'shop', name, context: cluster.context.name } });
    await read({ selector: 'h1', text: 'ratings-', inWebview });
    await read({ selector: 'body', text: 'ISTIO_', inWebview });
    await closeAll();
    restore({ pod: { namespace: 'shop', name, context: 'kind-elsewhere' } });
    await read({ selector: '.failure', text: 'kind-elsewhere is not the chosen one', inWebview });
    await closeAll();
    restore(undefined);
    await eventually('no panel that waits for ever', () => tabs().length === 0);
  });

  it('previews the debug container before it asks, and adds none without an answer', async () => {
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    const pod = await podOf('productpage-');
    await vscode.commands.executeCommand(commandIds.showIptables, { pod });
    await click({ selector: '.action-read-inside', inWebview });
    // A window under test shows no modal question: it answers itself with nothing.
    await eventually('the preview', () =>
      vscode.workspace.textDocuments.some((document) => document.getText().includes('pods/ephemeralcontainers')),
    );
    await screenshot('read-inside-preview');
    assert.equal((await podOf('productpage-')).spec?.ephemeralContainers, undefined);
    await closeAll();
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
    await closeAll();
  });

  it('lets go of a comparison that the person does not choose', async () => {
    await open(commandIds.showIptables, 'details-');
    await click({ selector: '#tab-compare', inWebview });
    await click({ selector: '.choose-pod', inWebview });
    const offered = (what: string) =>
      eventually(`pods ${what} to choose from`, async () => {
        await fill({ selector: '.quick-input-box input', value: what });
        return (await readAll({ selector: '.quick-input-list .monaco-list-row' })).filter((row) => row.includes(what));
      });
    assert.ok((await offered('productpage-')).length >= 2);
    const all = await readAll({ selector: '.quick-input-list .monaco-list-row' });
    assert.ok(!all.some((row) => row.includes('details-')));
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await read({ selector: '#panel .choose-pod', inWebview });
  });
});
