/** Every command that writes: what it asks, what it names, and that a protected context is not written to. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import { commandIds, settingIds } from '../../extension/ids.ts';
import { activated } from './support.ts';

interface Asked {
  message: string;
  detail: string;
  modal: boolean;
}

interface WriteCommand {
  /** As the gate names it. */
  name: string;
  id: string;
  target?: object;
  demo: string;
  /** What must stand there first. */
  first?: string[];
  /** Where it writes. */
  place: RegExp;
  undo: RegExp;
  /** Tabs that show what would change. */
  shows?: RegExp;
}

const helper = [commandIds.deployNodeHelper];
const reviews = { kind: 'Deployment', namespace: 'shop', name: 'reviews' };

const writes: WriteCommand[] = [
  {
    ...{ name: 'Deploy Node Helper', id: commandIds.deployNodeHelper, demo: 'demo:before-cni' },
    ...{ place: /namespace “meshloom-system”/, undo: /To undo: “Mesh: Remove Node Helper”/ },
    shows: /meshloom-node-helper\.yaml/,
  },
  {
    ...{ name: 'Install CNI Plugin', id: commandIds.installCniPlugin, target: { mode: 'chained', settleMs: 0 } },
    ...{ demo: 'demo:before-cni', first: helper, place: /Nodes, one after the other: n1/ },
    ...{ undo: /To undo: “Mesh: Uninstall CNI Plugin”/, shows: /^Install CNI Plugin/ },
  },
  {
    ...{ name: 'Uninstall CNI Plugin', id: commandIds.uninstallCniPlugin, target: { settleMs: 0 } },
    ...{ demo: 'demo:before-cni', first: [...helper, commandIds.installCniPlugin], place: /configuration of: n1/ },
    ...{ undo: /To undo: “Mesh: Install CNI Plugin”/, shows: /^Uninstall CNI Plugin/ },
  },
  {
    ...{ name: 'Repair CNI Chain', id: commandIds.repairCniChain, target: { settleMs: 0 }, demo: 'demo:broken' },
    ...{ first: helper, place: /Nodes, one after the other: n1/, undo: /To undo: copies/, shows: /^Repair CNI Chain/ },
  },
  {
    ...{ name: 'Recreate Stuck Pods', id: commandIds.recreateStuckPods, demo: 'demo:broken', first: helper },
    ...{ place: /namespaces/, undo: /does not come back/ },
  },
  {
    ...{ name: 'Remove Node Helper', id: commandIds.removeNodeHelper, demo: 'demo:before-cni', first: helper },
    ...{ place: /Namespace “meshloom-system”/, undo: /To undo: “Mesh: Deploy Node Helper”/ },
  },
  {
    ...{ name: 'Restart Workload', id: commandIds.restartWorkload, target: reviews, demo: 'demo:with-cni' },
    ...{ place: /namespace “shop”/, undo: /rollout undo deployment\/reviews/, shows: /now ↔ restarted/ },
  },
];

describe('asking before a write', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  const asked: Asked[] = [];
  const typed: string[] = [];
  const errors: string[] = [];
  const kept = { ...vscode.window };
  /** What the person answers to the question; undefined: Cancel. */
  let answer: 'yes' | undefined;

  const answering = (name: keyof typeof vscode.window, value: unknown) =>
    Object.defineProperty(vscode.window, name, { value, configurable: true, writable: true });
  const protect = (value: object | undefined) =>
    vscode.workspace.getConfiguration().update(settingIds.protectedContexts, value, vscode.ConfigurationTarget.Global);
  const open = async (id: string) => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find((context) => context.id === id)!);
    cluster = await clusters.connect();
  };
  /** What a write would leave its mark on. */
  const state = async () => {
    const types = [
      ...[resourceTypes.namespaces, resourceTypes.configMaps, resourceTypes.daemonSets, resourceTypes.deployments],
      ...[resourceTypes.clusterRoles, resourceTypes.mutatingWebhooks],
    ];
    const lists = await Promise.all(types.map((type) => cluster.list(type)));
    const marks = lists.flatMap(({ items }) =>
      items.map(({ metadata }) => `${metadata?.uid} ${(metadata as { generation?: number }).generation}`),
    );
    const pods = await cluster.list(resourceTypes.pods);
    return [...marks, ...pods.items.map(({ metadata }) => `${metadata?.uid} ${metadata?.deletionTimestamp}`)].sort();
  };

  before(() => {
    answering(
      'showWarningMessage',
      (message: string, options?: { detail?: string; modal?: boolean }, ...rest: string[]) => {
        if (options?.modal !== true) return Promise.resolve(undefined);
        asked.push({ message, detail: options.detail ?? '', modal: true });
        return Promise.resolve(answer && rest[0]);
      },
    );
    answering('showErrorMessage', (message: string) => {
      errors.push(message);
      return Promise.resolve(undefined);
    });
    answering('showInputBox', ({ title = '', prompt = '' }: vscode.InputBoxOptions) => {
      typed.push(`${title} ${prompt}`);
      return Promise.resolve(undefined);
    });
    answering('showQuickPick', async (items: unknown[] | Promise<unknown[]>) => await items);
  });
  after(async () => {
    for (const name of ['showWarningMessage', 'showErrorMessage', 'showInputBox', 'showQuickPick'] as const)
      answering(name, kept[name]);
    await protect(undefined);
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await open('demo:before-cni');
  });

  for (const { name, id, target = {}, demo, first = [], place, undo, shows } of writes)
    it(`${name} names context, server and place, shows what changes, says how to undo it, and passes no gate`, async () => {
      await protect(undefined);
      await open('demo:with-cni');
      await open(demo);
      const { name: context, server } = cluster.context;
      for (const command of first)
        await vscode.commands
          .executeCommand(command, { mode: 'chained', confirmed: true, settleMs: 0 })
          .then(undefined);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      const before = await state();
      const run = async (how: 'yes' | undefined) => {
        for (const list of [asked, typed, errors]) list.length = 0;
        answer = how;
        await vscode.commands.executeCommand(id, target);
      };

      await run(undefined);
      assert.equal(asked.length, 1, `one question, not ${JSON.stringify(asked)}; errors: ${errors.join('; ')}`);
      const text = `${asked[0]!.message}\n${asked[0]!.detail}`;
      assert.ok(text.includes(context), `names the context: ${text}`);
      assert.ok(text.includes(server!), `names the server ${server}: ${text}`);
      assert.match(text, place);
      assert.match(text, undo);
      if (shows) {
        const tabs = vscode.window.tabGroups.all.flatMap(({ tabs: all }) => all.map(({ label }) => label));
        assert.ok(
          tabs.some((label) => shows.test(label)),
          `shown: ${tabs.join(', ')}`,
        );
      }
      assert.deepEqual(await state(), before);

      await protect({ 'no-such': 'refuse', '*': 'refuse' });
      await run('yes');
      assert.deepEqual(asked, [], 'nobody reads a preview in vain');
      assert.match(errors.join('\n'), new RegExp(`${name} was refused: context “${context}” is protected`));
      assert.deepEqual(await state(), before);

      await protect({ '*': 'confirm' });
      await run('yes');
      assert.equal(typed.length, 1, `its name is asked for once; errors: ${errors.join('; ')}`);
      assert.ok(typed[0]!.includes(context) && typed[0]!.includes(name) && typed[0]!.includes(server!), typed[0]);
      assert.match(errors.join('\n'), /its name was not typed/);
      assert.deepEqual(await state(), before);
    });
});
