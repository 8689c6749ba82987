import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CniChainState } from '../../contract/cni-chain-view.ts';
import type * as OpenApp from '../../extension/open-app.ts';
import { commandIds, viewIds, webviewTypes } from '../../extension/ids.ts';
import { click, read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, readTree, setTheme, visibleRows } from './support.ts';

const inWebview = true;

describe('the CNI chain of the demo shop’s node', function () {
  this.timeout(120_000);

  const closeAll = () => vscode.commands.executeCommand('workbench.action.closeAllEditors');
  const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map(({ label }) => label));
  const open = async () => {
    const state = await vscode.commands.executeCommand<CniChainState | undefined>(commandIds.showCniChain, {
      name: 'n1',
    });
    assert.equal(state?.phase, 'ready', state?.failure?.why);
    await read({ selector: 'h1', text: 'n1', inWebview });
    return state;
  };
  const both = async (name: string) => {
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`${name}-${theme}`);
    }
  };

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:broken')!);
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    await closeAll();
    await vscode.commands.executeCommand('workbench.view.extension.meshloom');
  });
  after(async () => {
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    await closeAll();
  });

  it('tells without a helper what the API tells, labels it so, and offers to deploy one', async () => {
    const state = await open();
    assert.equal(state.knownFrom, 'api');
    assert.equal(state.pods.length, 3);
    await read({ selector: '.label', text: 'API alone', inWebview });
    await read({ selector: '.action-deploy-node-helper', inWebview });
    await read({ selector: '.problems', text: '0.3.1', inWebview });
    await both('chain-without-helper');
    await closeAll();
  });

  it('shows the version that one plugin does not speak, and the pods that hang on it', async () => {
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
    await closeAll();
    const state = await open();
    assert.equal(state.knownFrom, 'helper');
    assert.equal(state.problems[0]?.code, 'ML2001');
    await read({ selector: '.plugin.error', text: 'galaxy-sdn', inWebview });
    const asked = await read({ selector: '.matrix th.asked', inWebview });
    assert.match(asked, /0\.3\.1\s*asked for/);
    await read({ selector: '.pods', text: 'shop/batch-', inWebview });
    await both('chain-broken');
  });

  it('shows what a repair would change, here and in the editor’s own diff', async () => {
    await open();
    const diff = await read({ selector: '.plan', inWebview });
    assert.match(diff, /"0\.3\.1"/);
    assert.match(diff, /Nothing has been changed yet/);
    await click({ selector: '.open-diff', inWebview });
    await eventually('the diff editor', () => tabs().some((label) => label.includes('now ↔ planned')));
    await screenshot('chain-plan-diff-editor');
    await closeAll();
  });

  it('plans an installation on the page itself, and opens nothing beside it', async () => {
    await closeAll();
    await open();
    await click({ selector: '.run-plan-installation', inWebview });
    await read({ selector: '.quick-input-list .monaco-list-row', text: 'Chained' });
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await read({ selector: '.plan', text: 'meshloom-cni', inWebview });
    assert.equal(tabs().length, 1);
    await both('chain-plan-installation');
    await closeAll();
  });

  it('takes over the page that a window had before it was reloaded', async () => {
    await closeAll();
    const app = await activated();
    const file = join(process.env.MESHLOOM_TEST_ROOT ?? '', 'dist', 'app.js');
    const { restoreCniChain, restoreServicePath } = await (createRequire(file)(file) as typeof OpenApp).inspect();
    const restore = (type: 'cniChain' | 'servicePath', kept: unknown) => {
      const panel = vscode.window.createWebviewPanel(webviewTypes[type], 'kept', vscode.ViewColumn.Active);
      (type === 'cniChain' ? restoreCniChain : restoreServicePath)(app, panel, kept);
    };
    const context = app.clusters.chosen.name;
    restore('cniChain', { node: 'n1', context });
    await read({ selector: '.plugin', text: 'galaxy-sdn', inWebview });
    await closeAll();
    restore('cniChain', { node: 'n1', context: 'kind-elsewhere' });
    await read({ selector: '.failure', text: 'kind-elsewhere is not the chosen one', inWebview });
    await closeAll();
    restore('servicePath', { namespace: 'shop', name: 'reviews', node: 'n1', context });
    await read({ selector: 'h1', text: 'reviews', inWebview });
    await closeAll();
    restore('servicePath', { namespace: 'shop', name: 'reviews', node: 'n1', context: 'kind-elsewhere' });
    await read({ selector: '.failure', text: 'kind-elsewhere is not the chosen one', inWebview });
    await closeAll();
    restore('cniChain', undefined);
    restore('servicePath', { name: 'reviews' });
    await eventually('no page that waits for ever', () => tabs().length === 0);
  });

  it('opens the page of a problem', async () => {
    await open();
    await click({ selector: '.problems .link', inWebview });
    await eventually('the page', () => tabs().some((label) => label.includes('ML2001')));
    await closeAll();
  });

  it('leads from a pod that hangs to that pod in Workloads', async () => {
    await open();
    await click({ selector: '.pods .link', text: 'shop/batch-', inWebview });
    await eventually('the pod’s row', async () => (await visibleRows()).some((row) => row.startsWith('batch-')));
    const [focused] = await eventually('the selected row', () =>
      readAll({ selector: '.part.sidebar .monaco-list-row.selected' }),
    );
    assert.match(focused!, /batch-/);
    await screenshot('chain-reveal-pod');
    await closeAll();
  });

  it('shows the chain in the tree: what is wrong, what each plugin is for, where the runtime looks', async () => {
    const tree = (await readTree(viewIds.cniChain)).join('\n');
    assert.match(tree, /ML2001/);
    assert.match(tree, /galaxy-sdn.*asked for 0\.3\.1.*speaks 0\.1\.0, 0\.2\.0.*calls other plugins/);
    await both('chain-tree');
  });
});
