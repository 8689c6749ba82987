import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import * as vscode from 'vscode';
import type { OpenLog } from '../../extension/actions/log-terminal.ts';
import type { PortForward } from '../../extension/actions/port-forward.ts';
import { resourceTypes, type Cluster } from '../../extension/cluster/cluster.ts';
import { commandIds, settingIds } from '../../extension/ids.ts';
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { click, press, read, readAll, screenshot, type } from './eyes.ts';
import { activated, eventually } from './support.ts';

const input = '.quick-input-widget input';

describe('acting on workloads', function () {
  this.timeout(90_000);
  let cluster: Cluster;
  let pod: { kind: string; namespace: string; name: string };

  const protect = (value: object | undefined) =>
    vscode.workspace.getConfiguration().update(settingIds.protectedContexts, value, vscode.ConfigurationTarget.Global);
  /** By keyboard: a tooltip may lie over the row. */
  const stopAll = async () => {
    await read({ selector: '.quick-input-list .monaco-list-row', text: 'Stop All' });
    await type('Stop All');
    await press('Enter');
  };
  const says = async (text: string) => {
    await vscode.commands.executeCommand('notifications.showList');
    await read({ selector: '.notification-list-item-message', text, timeoutMs: 20_000 });
  };
  const templateOf = async () => {
    const found = await cluster.get<Workload>(resourceTypes.deployments, 'reviews', { namespace: 'shop' });
    return JSON.stringify(found?.spec?.template?.metadata?.annotations ?? {});
  };

  before(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:with-cni')!);
    cluster = await clusters.connect();
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const found = items.find(
      ({ status, metadata }) => status?.phase === 'Running' && metadata?.name?.startsWith('reviews'),
    );
    pod = { kind: 'Pod', namespace: 'shop', name: found!.metadata!.name! };
  });
  after(async () => {
    await protect(undefined);
    for (const terminal of vscode.window.terminals) terminal.dispose();
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('follows the logs of all containers in a terminal, which are in an editor at a key', async () => {
    const log = await vscode.commands.executeCommand<OpenLog>(commandIds.showLogs, { ...pod, logs: {} });
    await eventually('a line of each container', () =>
      log.text().includes('[istio-proxy] This cluster is a recording'),
    );
    assert.match(log.text(), /Ctrl\+C stops/);
    await screenshot('logs');
    await click({ selector: '.terminal.xterm' });
    await type('e');
    await eventually('the lines in an editor', () =>
      vscode.window.activeTextEditor?.document.getText().includes('[istio-proxy] This cluster is a recording'),
    );
    log.terminal.dispose();
  });

  it('opens a shell in the application’s container and ends with it', async () => {
    const shown = vscode.commands.executeCommand<vscode.Terminal>(commandIds.openTerminal, pod);
    const rows = await eventually('containers to choose from', async () => {
      const texts = await readAll({ selector: '.quick-input-list .monaco-list-row' });
      return texts.length >= 2 ? texts : undefined;
    });
    assert.doesNotMatch(rows[0] ?? '', /istio-proxy/);
    // A view that opens late may take the keyboard away from the list.
    await click({ selector: '.quick-input-list .monaco-list-row' });
    const terminal = await shown;
    await read({ selector: '.terminal-tab, .single-terminal-tab, .terminal-wrapper', timeoutMs: 20_000 });
    terminal.sendText('exit 4');
    await eventually('the exit code in the terminal', async () => {
      await vscode.commands.executeCommand('workbench.action.terminal.focus');
      return terminal.exitStatus === undefined;
    });
    await screenshot('terminal');
    terminal.dispose();
  });

  it('forwards a port on loopback, lists it and stops it', async () => {
    const forward = await vscode.commands.executeCommand<PortForward>(commandIds.portForward, {
      ...pod,
      forward: { port: 9080, localPort: 0 },
    });
    assert.match(forward.target.label, /^Deployment shop\/reviews/);
    await eventually('the status bar tells', async () =>
      (await readAll({ selector: '.statusbar-item' })).some((text) => text.trim() === '1'),
    );
    const reached = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(forward.localPort, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    assert.equal(reached, true);
    void vscode.commands.executeCommand(commandIds.listPortForwards);
    await read({ selector: '.quick-input-list .monaco-list-row', text: `http://127.0.0.1:${forward.localPort}` });
    await screenshot('forwarded-ports');
    await stopAll();
    await eventually('it is stopped', () => forward.state.phase === 'stopped');
  });

  it('takes a Service’s port by its name, and names the forward that has a local port already', async () => {
    const service = { kind: 'Service', namespace: 'shop', name: 'reviews' };
    const first = await vscode.commands.executeCommand<PortForward>(commandIds.portForward, {
      ...service,
      forward: { port: 'http', localPort: 0 },
    });
    assert.equal(first.target.port, 9080);
    void vscode.commands.executeCommand(commandIds.portForward, {
      ...service,
      forward: { port: 9080, localPort: first.localPort },
    });
    await says(`Port ${first.localPort} of this machine leads to Service shop/reviews already`);
    await vscode.commands.executeCommand('notifications.clearAll');
    void vscode.commands.executeCommand(commandIds.listPortForwards);
    await stopAll();
    await eventually('it is stopped', () => first.state.phase === 'stopped');
  });

  it('shows an object as YAML, read-only, with managedFields at a press', async () => {
    const text = await vscode.commands.executeCommand<string>(commandIds.showYaml, {
      ...{ kind: 'Deployment', namespace: 'shop', name: 'reviews' },
    });
    assert.match(text, /^apiVersion: apps\/v1$/m);
    assert.doesNotMatch(text, /^ {2}managedFields:/m);
    const document = vscode.window.activeTextEditor!.document;
    assert.equal(document.languageId, 'yaml');
    assert.equal(document.uri.scheme, 'meshloom-yaml');
    await screenshot('yaml');
    await click({ selector: '.monaco-editor .view-lines' });
    await type('typed');
    assert.equal(document.isDirty, false);
    assert.equal(document.getText(), text);
    const again = await vscode.commands.executeCommand<string>(commandIds.showYaml);
    assert.equal(again, text);
  });

  it('restarts after the diff, and says how to undo it', async () => {
    // The editor refuses modal questions while tests run; what they say is tested beside plan-restart.ts.
    const done = await vscode.commands.executeCommand<boolean>(commandIds.restartWorkload, {
      ...{ kind: 'Deployment', namespace: 'shop', name: 'reviews', confirmed: true },
    });
    assert.equal(done, true);
    await read({ selector: '.tab', text: 'now ↔ restarted' });
    await says('rollout undo deployment/reviews');
    await screenshot('restart');
    assert.match(await templateOf(), /restartedAt/);
  });

  it('refuses writes to a protected context before anything is asked', async () => {
    const before = await templateOf();
    await protect({ 'demo*': 'refuse' });
    void vscode.commands.executeCommand(commandIds.restartWorkload, {
      ...{ kind: 'Deployment', namespace: 'shop', name: 'reviews', confirmed: true },
    });
    await says('is protected by the pattern');
    await screenshot('protected-refused');
    void vscode.commands.executeCommand(commandIds.deployNodeHelper, { confirmed: true });
    await says('Deploy Node Helper was refused');
    await vscode.commands.executeCommand('notifications.clearAll');
    assert.equal(await templateOf(), before);
    await assert.rejects(
      async () =>
        (await (await activated()).clusters.connect()).delete(resourceTypes.pods, pod.name, { namespace: 'shop' }),
      /protected/,
    );
  });

  it('writes to a context that is confirmed only when its name was typed', async () => {
    const before = await templateOf();
    await protect({ 'demo*': 'confirm' });
    const target = { kind: 'Deployment', namespace: 'shop', name: 'reviews', confirmed: true };
    void vscode.commands.executeCommand(commandIds.restartWorkload, target);
    await read({ selector: '.quick-input-title', text: 'protected context' });
    await screenshot('protected-confirm');
    await press('Escape');
    await says('its name was not typed');
    assert.equal(await templateOf(), before);
    await vscode.commands.executeCommand('notifications.clearAll');
    const done = vscode.commands.executeCommand<boolean>(commandIds.restartWorkload, target);
    await read({ selector: '.quick-input-title', text: 'protected context' });
    await click({ selector: input });
    await type(cluster.context.name);
    await press('Enter');
    assert.equal(await done, true);
    assert.notEqual(await templateOf(), before);
  });

  it('says in words that a recording’s proxy cannot be asked', async () => {
    await protect(undefined);
    // Not one of those that were just restarted.
    const { items } = await cluster.list<Pod>(resourceTypes.pods, { namespace: 'shop' });
    const details = items.find(({ metadata }) => metadata?.name?.startsWith('details-'));
    void vscode.commands.executeCommand(commandIds.showProxyConfig, { ...pod, name: details?.metadata?.name });
    await says('nothing answers on port 15000');
    await vscode.commands.executeCommand('notifications.clearAll');
  });
});
