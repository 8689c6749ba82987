import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandIds, viewIds } from '../../extension/ids.ts';
import { hover, read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, pause, readTree, setTheme, visibleRows } from './support.ts';

async function openManifest(content: string, cursor: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: 'yaml', content });
  const editor = await vscode.window.showTextDocument(document);
  const at = document.positionAt(content.indexOf(cursor));
  editor.selection = new vscode.Selection(at, at);
}

const manifest = `apiVersion: v1
kind: Namespace
metadata: { name: till, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: till, namespace: till }
spec:
  template:
    metadata: { labels: { app: till } }
    spec:
      containers: [{ name: app, image: till, ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: till, namespace: till }
spec:
  selector: { app: till }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: till }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: till, namespace: till }
spec:
  host: till
  trafficPolicy: { tls: { mode: DISABLE } }
`;

describe('trust between workloads', function () {
  this.timeout(90_000);

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:broken')!);
    await vscode.commands.executeCommand('workbench.view.extension.meshloom');
  });

  after(async () => {
    // Closing what is not saved would ask.
    while (vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0))
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('shows the control plane, webhooks, namespaces and policies in a view of their own', async () => {
    await vscode.commands.executeCommand(`${viewIds.mesh}.focus`);
    await eventually('the control plane', async () =>
      (await visibleRows()).find((text) => /istiod.*revision default/.test(text)),
    );
    const tree = (await readTree(viewIds.mesh)).join('\n');
    assert.match(tree, /outboundTrafficPolicy.*ALLOW_ANY/);
    assert.match(tree, /ratings.*STRICT/);
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`mesh-tree-${theme}`);
    }
    await vscode.commands.executeCommand('list.focusLast');
    await pause(300);
    await screenshot('mesh-tree-policies');
  });

  it('explains mTLS of a workload of the cluster, clients and what STRICT would break included', async () => {
    const strict = await vscode.commands.executeCommand<string>(commandIds.explainMtls, {
      kind: 'Deployment',
      namespace: 'shop',
      name: 'ratings',
    });
    assert.match(strict, /STRICT: mutual TLS only/);
    assert.match(strict, /503/);
    const open = await vscode.commands.executeCommand<string>(commandIds.explainMtls, {
      kind: 'Service',
      namespace: 'shop',
      name: 'reviews',
    });
    assert.match(open, /shop\/legacy/);
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await pause(1_000);
      await screenshot(`explain-mtls-${theme}`);
    }
    await vscode.commands.executeCommand(commandIds.explainMtls, {
      kind: 'Deployment',
      namespace: 'shop',
      name: 'ratings',
    });
    await pause(1_500);
    await screenshot('explain-mtls-strict');
  });

  it('explains the manifest under the cursor without a cluster', async () => {
    await openManifest(manifest, 'kind: DestinationRule');
    const text = await vscode.commands.executeCommand<string>(commandIds.explainMtls);
    assert.match(text, /DestinationRule till\/till/);
    assert.match(text, /no cluster was asked/);
    assert.match(text, /503/);
    await openManifest(manifest, 'app: till }');
    assert.match(await vscode.commands.executeCommand<string>(commandIds.explainMtls), /Deployment till\/till/);
    await openManifest(manifest, 'app: till }');
    const injection = await vscode.commands.executeCommand<string>(commandIds.explainInjection);
    assert.match(injection, /would be injected by revision default/);
    await pause(1_500);
    await screenshot('explain-injection-offline');
  });

  it('says the mutual TLS of a pod in its tooltip, and explains what is read as YAML', async () => {
    await vscode.commands.executeCommand(`${viewIds.workloads}.focus`);
    await vscode.commands.executeCommand('workbench.actions.treeView.meshloom.workloads.collapseAll');
    const row = (words: string) => ({ selector: `.part.sidebar .monaco-list-row[aria-label^="${words}"]` });
    await eventually('the namespace', async () => (await readAll(row('Namespace shop'))).length > 0);
    await vscode.commands.executeCommand('list.focusLast');
    await vscode.commands.executeCommand('list.expand');
    await pause(500);
    await eventually('its workloads', async () => {
      await vscode.commands.executeCommand('list.focusLast');
      return (await readAll(row('Deployment ratings'))).length > 0;
    });
    await hover(row('Deployment ratings'));
    const told = await read({ selector: '.monaco-hover', text: 'Mutual TLS', timeoutMs: 15_000 });
    assert.match(told, /STRICT \(shop\/ratings\)/);
    await screenshot('workloads-tooltip-mtls');
    await vscode.commands.executeCommand(commandIds.showYaml, {
      kind: 'Deployment',
      namespace: 'shop',
      name: 'ratings',
    });
    assert.match(await vscode.commands.executeCommand<string>(commandIds.explainMtls), /Deployment shop\/ratings/);
  });

  it('offers the names of the demo in a manifest, and judges nothing by them', async () => {
    const text =
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: x, namespace: shop }\nspec:\n  host: ';
    const document = await vscode.workspace.openTextDocument({ language: 'yaml', content: text });
    await vscode.window.showTextDocument(document);
    const offered = await eventually('the names', async () => {
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        document.uri,
        document.positionAt(text.length),
      );
      return list.items.find(({ label }) => label === 'hostnet');
    });
    assert.match(offered?.detail ?? '', /cluster Demo/);
    assert.deepEqual(
      vscode.languages.getDiagnostics(document.uri).filter(({ message }) => /not found|No Service/.test(message)),
      [],
    );
  });
});
