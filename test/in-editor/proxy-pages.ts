import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { commandIds } from '../../extension/ids.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { pagesOf, pageTitle } from '../../mesh/proxy-config/pages.ts';
import type { ProxyReport } from '../../mesh/proxy-config/report.ts';
import { click, press, read, screenshot, type } from './eyes.ts';
import { activated, setTheme } from './support.ts';

/** Every page in both themes takes half a minute: for whoever changes them. */
const isThorough = process.env.MESHLOOM_TEST_LONG === '1';
const inWebview = true;

describe('the recorded proxy of the demo shop', function () {
  this.timeout(120_000);
  const target = { kind: 'Pod', namespace: 'shop', name: 'productpage-6fc8589769-llc7t' };
  const show = (more: object) =>
    vscode.commands.executeCommand<ProxyReport>(commandIds.showProxyConfig, { ...target, ...more });

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:broken')!);
    await (await clusters.connect()).list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closeSidebar');
  });
  after(async () => {
    await setTheme('dark');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows its problems first, then what is chosen, filtered', async () => {
    const report = await show({});
    assert.deepEqual(report?.missing, []);
    await read({ selector: 'h1', text: 'Proxy of Pod shop/productpage', inWebview });
    await read({ selector: 'li', text: '10.88.0.39:9080', inWebview });
    await screenshot('proxy-overview-and-choice');
    await click({ selector: '.quick-input-list .monaco-list-row', text: 'Clusters' });
    await read({ selector: '.quick-input-box' });
    await type('ratings');
    await press('Enter');
    await read({ selector: 'td', text: 'DestinationRule shop/ratings', inWebview });
    await press('Escape');
    await screenshot('proxy-clusters-filtered');
  });

  (isThorough ? it : it.skip)(
    'has a page of every kind, light and dark (half a minute: only with MESHLOOM_TEST_LONG=1)',
    async () => {
      for (const page of pagesOf('envoy')) {
        await vscode.commands.executeCommand('workbench.action.closeAllEditors');
        await show({ page });
        await read({ selector: 'h1', ...(page !== 'overview' && { text: pageTitle(page) }), inWebview });
        for (const theme of ['light', 'dark'] as const) {
          await setTheme(theme);
          await screenshot(`proxy-${page}-${theme}`);
        }
      }
    },
  );
});
