/** Beside others: the Kubernetes extension (a stand-in with its public API), and consoles that are found in the cluster. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Clusters } from '../../extension/cluster/clusters.ts';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import { startApiServer, type RunningApiServer } from '../../extension/demo/api-server.ts';
import { readRecording } from '../../extension/demo/recording.ts';
import type { OpenedConsole } from '../../extension/hand-over/open-console.ts';
import { commandIds, settingIds } from '../../extension/ids.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { click, press, read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, visibleRows } from './support.ts';

const run = <T>(id: string, ...target: unknown[]) => vscode.commands.executeCommand<T>(id, ...target);
const row = '.quick-input-list .monaco-list-row';
const menu = '.monaco-menu .action-item';

describe('beside other tools', function () {
  this.timeout(90_000);
  let api: RunningApiServer;
  let web: Server;
  let clusters: Clusters;
  let cluster: Cluster;
  let pod: Pod;
  const kubeconfig = join(process.env.MESHLOOM_TEST_SCRATCH ?? '/tmp', 'beside-kubeconfig');

  const choose = async (id: string) => {
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find((context) => context.id === id)!);
    cluster = await clusters.connect();
  };
  const write = (file: string, current: string) =>
    writeFileSync(
      file,
      `apiVersion: v1\nkind: Config\ncurrent-context: ${current}\nclusters: [{ name: c, cluster: { server: '${api.url}' } }]\nusers: [{ name: u, user: { token: ${api.token} } }]\ncontexts: [{ name: beside, context: { cluster: c, user: u, namespace: shop } }]\n`,
    );
  const says = async (text: string) => {
    await run('notifications.showList');
    await read({ selector: '.notification-list-item-message', text, timeoutMs: 20_000 });
    await run('notifications.clearAll');
  };
  const nodes = () => run<object[]>('standIn.nodes');
  const page = () =>
    eventually('a page', () =>
      vscode.window.tabGroups.activeTabGroup.activeTab?.label.includes(pod.metadata!.name!) ? true : undefined,
    );

  before(async () => {
    const recordings = join(process.env.MESHLOOM_TEST_ROOT ?? '', 'extension', 'demo', 'recordings');
    web = createServer((request, response) => response.end(`kiali ${request.url}`));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const listener = (web.address() as AddressInfo).port;
    api = await startApiServer({
      recording: await readRecording(join(recordings, 'with-cni')),
      listeners: ({ name }) => (name === 'kiali' ? listener : undefined),
    });
    write(kubeconfig, 'beside');
    ({ clusters } = await activated());
    await vscode.workspace
      .getConfiguration()
      .update(settingIds.kubeconfig, kubeconfig, vscode.ConfigurationTarget.Global);
    await choose('kubeconfig:beside');
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    pod = items.find(({ metadata, status }) => status?.phase === 'Running' && metadata?.name?.startsWith('reviews-'))!;
    const known = { 'vs-kubernetes.kubeconfig': kubeconfig };
    await vscode.workspace.getConfiguration().update('vs-kubernetes', known, vscode.ConfigurationTarget.Global);
    await run('standIn.set', {
      kubeconfig,
      resources: [
        { kind: 'Pod', namespace: 'shop', name: pod.metadata!.name },
        { kind: 'Deployment', namespace: 'shop', name: 'reviews' },
        { kind: 'Namespace', name: 'shop' },
      ],
    });
  });
  after(async () => {
    await run('standIn.set', { resources: [] });
    await vscode.workspace.getConfiguration().update('vs-kubernetes', undefined, vscode.ConfigurationTarget.Global);
    await choose('demo:before-cni');
    await vscode.workspace
      .getConfiguration()
      .update(settingIds.kubeconfig, undefined, vscode.ConfigurationTarget.Global);
    web.close();
    await api.close();
    await run('notifications.clearAll');
    await run('workbench.action.closeAllEditors');
  });

  it('adds its commands to the tree of the Kubernetes extension', async () => {
    await run('extension.vsKubernetesExplorer.focus');
    const label = pod.metadata!.name!;
    await read({ selector: '.part.sidebar .monaco-list-row', text: label });
    await click({ selector: '.part.sidebar .monaco-list-row', text: label, button: 'right' });
    await click({ selector: menu, text: 'Mesh' });
    const items = await eventually('the commands', async () => {
      const texts = await readAll({ selector: menu });
      return texts.some((text) => text.includes('Explain mTLS')) ? texts : undefined;
    });
    for (const title of ['Explain Injection', 'Show Intercepted iptables', 'Open in Kiali'])
      assert.ok(
        items.some((text) => text.includes(title)),
        `${title} in ${items.join(', ')}`,
      );
    await screenshot('kubernetes-extension-menu');
    await click({ selector: '.monaco-submenu .action-item', text: 'Explain Injection' });
    await page();
    await screenshot('kubernetes-extension-explained');
  });

  for (const [title, api_] of [
    ['its API of today', { api: ['v1_1', 'v1'], throws: false }],
    ['its first API', { api: ['v1'], throws: false }],
    ['an API that is not known', { api: ['v9'], throws: false }],
    ['an API that fails', { api: ['v1'], throws: true }],
  ] as const)
    it(`explains a pod of its tree with ${title}`, async () => {
      await run('workbench.action.closeAllEditors');
      await run('standIn.set', api_);
      const [node] = await nodes();
      const text = await run<string>(commandIds.explainInjection, node, [node]);
      assert.ok(text.includes(`Pod shop/${pod.metadata!.name}`), text);
      const mtls = await run<string>(commandIds.explainMtls, (await nodes())[1]);
      assert.ok(mtls.includes('Deployment shop/reviews'), mtls.slice(0, 300));
      await run('standIn.set', { api: ['v1_1', 'v1'], throws: false });
    });

  it('asks which pod of a namespace is meant', async () => {
    const shown = run<string>(commandIds.explainInjection, (await nodes())[2]);
    await read({ selector: row, text: 'shop' });
    assert.equal(
      (await readAll({ selector: row })).some((text) => text.includes('istiod')),
      false,
    );
    await press('Escape');
    assert.equal(await shown, undefined);
  });

  it('names both clusters before it looks at another one, and does nothing on Escape', async () => {
    await choose('demo:before-cni');
    const [node] = await nodes();
    const refused = run<string>(commandIds.explainInjection, node);
    await read({ selector: '.quick-input-title', text: 'is in “beside”, and Meshloom looks at' });
    await screenshot('kubernetes-extension-other-cluster');
    await press('Escape');
    assert.equal(await refused, undefined);
    assert.equal(clusters.chosen.id, 'demo:before-cni');
    const shown = run<string>(commandIds.explainInjection, node);
    await click({ selector: row, text: 'Look at “beside” with Meshloom, too' });
    assert.match(await shown, /reviews/);
    assert.equal(clusters.chosen.id, 'kubeconfig:beside');
    cluster = await clusters.connect();
  });

  it('says so when it cannot tell of which cluster a node is', async () => {
    write(kubeconfig, 'gone');
    const [node] = await nodes();
    void run(commandIds.explainInjection, node);
    await says('names no current context');
    write(kubeconfig, 'beside');
    void run(commandIds.explainInjection, { nodeCategory: 'kubernetes-explorer-node', nodeType: 'error' });
    await says('is no object of a cluster');
  });

  it('hands an object over to what the Kubernetes extension does better', async () => {
    const target = { kind: 'Pod', namespace: 'shop', name: pod.metadata!.name };
    const done = run<string>(commandIds.openInKubernetesExtension, target);
    await read({ selector: row, text: 'Describe' });
    await screenshot('kubernetes-extension-handed-over');
    await click({ selector: row, text: 'Describe' });
    assert.equal(await done, 'extension.vsKubernetesDescribe');
    assert.deepEqual(await run('standIn.calls'), [
      { id: 'extension.vsKubernetesDescribe', kindName: `pod/${pod.metadata!.name}`, namespace: 'shop' },
    ]);
    await choose('demo:before-cni');
    void run(commandIds.openInKubernetesExtension, target);
    await says('which only Meshloom can reach');
    assert.deepEqual(await run('standIn.calls'), []);
    await choose('kubeconfig:beside');
  });

  it('says where no console is, and opens one that is there through a forwarded port', async () => {
    const target = { kind: 'Pod', namespace: 'shop', name: pod.metadata!.name, open: false };
    void run(commandIds.openInKiali, target);
    await says('There is no Kiali in “beside”');
    const metadata = { namespace: 'istio-system', name: 'kiali', labels: { app: 'kiali' } };
    const ports = [{ name: 'http', port: 20_001 }];
    const objects = [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'kiali' }, ports } },
      { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'kiali', image: 'kiali:v2.5' }] } },
    ];
    for (const object of objects) await cluster.apply(object as KubernetesObject);
    const opened = await run<OpenedConsole>(commandIds.openInKiali, target);
    assert.equal(opened.via, 'forward');
    assert.match(opened.url, /^http:\/\/127\.0\.0\.1:\d+\/kiali\/console\/namespaces\/shop\/workloads\/reviews/);
    assert.match(await (await fetch(opened.url)).text(), /^kiali \/kiali\/console\/namespaces\/shop/);
    await says('Service istio-system/kiali of “beside”');
    // The same way again, not a second one.
    const again = await run<OpenedConsole>(commandIds.openInKiali, { kind: 'Namespace', name: 'shop', open: false });
    assert.equal(new URL(again.url).host, new URL(opened.url).host);
    assert.match(again.url, /graph\/namespaces\?namespaces=shop/);
    void run(commandIds.listPortForwards);
    await click({ selector: row, text: 'Stop All' });
    await eventually('the forward’s end', () => opened.forward?.state.phase === 'stopped');
    const settings = vscode.workspace.getConfiguration();
    const link = { 'besi*': 'https://kiali.example/{context}' };
    await settings.update(settingIds.linkKiali, link, vscode.ConfigurationTarget.Global);
    const { url, via } = await run<OpenedConsole>(commandIds.openInKiali, target);
    assert.equal(via, 'setting');
    assert.match(url, /^https:\/\/kiali\.example\/beside\/console\/namespaces\/shop\/workloads\/reviews/);
    await settings.update(settingIds.linkKiali, undefined, vscode.ConfigurationTarget.Global);
  });

  it('offers them where a person points at a workload', async () => {
    await run('meshloom.workloads.focus');
    await eventually('the tree', async () => (await visibleRows()).some((text) => text.includes('shop')));
    await click({ selector: '.part.sidebar .monaco-list-row', text: 'shop', button: 'right' });
    await click({ selector: menu, text: 'Open In' });
    await eventually('the consoles', async () =>
      (await readAll({ selector: menu })).some((text) => text.includes('Open in Grafana')),
    );
    await screenshot('open-in-menu');
    await press('Escape');
    await press('Escape');
  });
});
