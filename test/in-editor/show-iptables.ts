import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { InterceptionState } from '../../contract/interception-view.ts';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import { commandIds } from '../../extension/ids.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { click, read, readAll } from './eyes.ts';
import { activated, eventually } from './support.ts';

const inWebview = true;

describe('choosing whose rules to show', function () {
  this.timeout(90_000);
  let cluster: Cluster;

  const connect = async (id: string) => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find((context) => context.id === id)!);
    cluster = await clusters.connect();
  };
  const show = (target?: unknown) =>
    vscode.commands.executeCommand<InterceptionState | undefined>(commandIds.showIptables, target);
  const podOf = async (prefix: string, suits: (pod: Pod) => boolean = () => true) => {
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const pod = items.find((one) => one.metadata?.name?.startsWith(prefix) && suits(one));
    assert.ok(pod, `a pod ${prefix}…`);
    return pod;
  };

  before(async () => {
    await connect('demo:before-cni');
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
  });
  after(async () => {
    await connect('demo:before-cni');
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('opens the one pod of a workload from its code lens', async () => {
    const state = await show({ kind: 'Deployment', namespace: 'shop', name: 'details' });
    assert.equal(state?.phase, 'ready');
    assert.match(state.pod.name, /^details-/);
    assert.equal(state.readings[0]?.mode, 'sidecar-redirect');
    // A view that is shown takes the focus once, and with it any question that was asked meanwhile.
    await read({ selector: 'h1', text: 'details-', inWebview });
  });

  it('asks which pod when the workload has several', async () => {
    const shown = show({ kind: 'Deployment', namespace: 'shop', name: 'reviews' });
    await eventually('two pods to choose from', async () => {
      const rows = await readAll({ selector: '.quick-input-list .monaco-list-row' });
      return rows.filter((text) => text.includes('reviews-')).length === 2;
    });
    await click({ selector: '.quick-input-list .monaco-list-row', text: 'reviews-' });
    assert.match((await shown)?.pod.name ?? '', /^reviews-/);
    await read({ selector: 'h1', text: 'reviews-', inWebview });
  });

  it('offers every pod of the cluster from the palette, and takes Escape for an answer', async () => {
    const shown = show();
    await eventually('the pods of several namespaces', async () => {
      const rows = await readAll({ selector: '.quick-input-list .monaco-list-row' });
      return rows.some((text) => text.includes('istiod')) && rows.length > 3;
    });
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    assert.equal(await shown, undefined);
  });

  it('says where it looked when a workload has no pod there', async () => {
    void show({ kind: 'Deployment', namespace: 'shop', name: 'nowhere' });
    // A toast shows itself only in a window that has the focus; the list has it in any case.
    await vscode.commands.executeCommand('notifications.showList');
    await read({
      selector: '.notification-list-item-message',
      text: 'Deployment nowhere has no pod in namespace shop',
    });
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('does not pass the node’s rules off as those of a pod on the host network', async () => {
    const state = await show({ pod: await podOf('hostnet') });
    assert.equal(state?.phase, 'failed');
    assert.match(state.failure?.what ?? '', /host network/);
    await read({ selector: '.failure', text: 'hostNetwork: true', inWebview });
  });

  it('opens the exact text as a document', async () => {
    const state = await show({ pod: await podOf('ratings') });
    assert.equal(state?.readings[0]?.mode, 'sidecar-tproxy');
    await read({ selector: 'h1', text: 'ratings-', inWebview });
    await click({ selector: '#tab-raw', inWebview });
    await click({ selector: '.open-raw', inWebview });
    const document = await eventually('the document', () =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'meshloom-rules'),
    );
    assert.equal(document.getText(), state.readings[0].raw);
  });

  it('says what a pod waits for that hangs before it has a network namespace', async () => {
    await connect('demo:broken');
    const state = await show({ pod: await podOf('batch', ({ status }) => status?.phase === 'Pending') });
    assert.equal(state?.phase, 'failed');
    assert.match(state.failure?.why ?? '', /0\.3\.1|CNI/);
  });
});
