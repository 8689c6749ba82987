import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import { commandIds, viewIds } from '../../extension/ids.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { click, fill, press, read, readAll, screenshot } from './eyes.ts';
import { activated, eventually, readTree, setTheme } from './support.ts';

const inWebview = true;

describe('deploying the node helper and showing the rules of a pod', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let atFirst: string[];

  const everything = async () => {
    const kinds = [
      resourceTypes.namespaces,
      resourceTypes.configMaps,
      resourceTypes.daemonSets,
      resourceTypes.pods,
      resourceTypes.serviceAccounts,
    ];
    const lists = await Promise.all(kinds.map((kind) => cluster.list<KubernetesObject>(kind)));
    return lists
      .flatMap(({ items }, index) =>
        items.map(({ metadata }) => `${kinds[index]?.kind} ${metadata?.namespace ?? ''}/${metadata?.name}`),
      )
      .sort();
  };
  const podOf = async (prefix: string) => {
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const pod = items.find(({ metadata }) => metadata?.name?.startsWith(prefix));
    assert.ok(pod, `a pod ${prefix}…`);
    return pod;
  };

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:with-cni')!);
    cluster = await clusters.connect();
    atFirst = await everything();
    await vscode.commands.executeCommand('workbench.view.extension.meshloom');
  });
  after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('says in the view what is missing while no helper runs, with the way out as a button', async () => {
    await vscode.commands.executeCommand(commandIds.showIptables, { pod: await podOf('reviews') });
    await read({ selector: 'body', text: 'Deploy', inWebview });
    await screenshot('interception-no-helper');
  });

  it('previews what it will apply and asks for, then deploys', async () => {
    await vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
    const preview = vscode.workspace.textDocuments.find((document) => document.getText().includes('kind: DaemonSet'));
    assert.ok(preview, 'the manifest is shown');
    assert.match(preview.getText(), /SYS_PTRACE/);
    assert.match(preview.getText(), /meshloom-system/);
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'meshloom-system' });
    assert.deepEqual(
      items.map(({ status }) => status?.phase),
      ['Running'],
    );
    await screenshot('deploy-preview');
  });

  it('shows the rules by chain with counters, each explained', async () => {
    await vscode.commands.executeCommand(commandIds.showIptables, { pod: await podOf('reviews') });
    await read({ selector: 'body', text: 'ISTIO_INBOUND', inWebview });
    const text = await read({ selector: 'body', inWebview });
    assert.match(text, /15006/);
    assert.match(text, /-A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN/);
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`interception-${theme}`);
    }
  });

  it('finds rules by text, from the keyboard', async () => {
    await click({ selector: 'body', inWebview });
    await press('/');
    await fill({ selector: 'input', value: '15090', inWebview });
    await eventually('only matching rules are left', async () => {
      const rules = (await readAll({ selector: 'code', inWebview })).filter((text) => text.startsWith('-A'));
      return rules.length > 0 && rules.every((rule) => rule.includes('15090')) && rules;
    });
    await press('Escape');
  });

  it('fills the CNI chain with what the node really has', async () => {
    const rows = await eventually('the file of the chain', async () => {
      const tree = await readTree(viewIds.cniChain);
      return tree.some((text) => text.includes('10-bridge.conflist')) ? tree : undefined;
    });
    for (const plugin of ['bridge', 'portmap', 'istio-cni']) assert.match(rows.join('\n'), new RegExp(plugin));
    await screenshot('cni-chain-with-helper');
  });

  it('leaves nothing when the helper is removed', async () => {
    await vscode.commands.executeCommand(commandIds.removeNodeHelper, { confirmed: true });
    await eventually(
      'the cluster is as before',
      async () => JSON.stringify(await everything()) === JSON.stringify(atFirst),
    );
  });
});
