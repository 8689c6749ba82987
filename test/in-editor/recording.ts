import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as vscode from 'vscode';
import { resourceTypes } from '../../extension/cluster/cluster.ts';
import { commandIds } from '../../extension/ids.ts';
import { click, press, read, screenshot } from './eyes.ts';
import { activated, eventually, pause, visibleRows, workspaceFolder } from './support.ts';

describe('recording a cluster', function () {
  this.timeout(90_000);
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meshloom-in-editor-'));
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:with-cni')!);
  });
  after(async () => {
    const { clusters } = await activated();
    const { contexts } = await clusters.listContexts();
    await clusters.choose(contexts.find(({ id }) => id === 'demo:broken')!);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await rm(directory, { recursive: true, force: true });
  });

  it('writes one file, with other names, which the demo cluster replays', async () => {
    const file = join(directory, 'shop.json.gz');
    await vscode.commands.executeCommand(commandIds.recordCluster, { namespace: '', anonymize: true, file });
    const text = gunzipSync(await readFile(file)).toString('utf8');
    assert.match(text, /"type":"meshloom-recording","formatVersion":2/);
    assert.doesNotMatch(text, /productpage|ratings/);
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await vscode.commands.executeCommand(commandIds.openRecording, file);
    const { clusters } = await activated();
    assert.equal(clusters.chosen.id, `recording:${file}`);
    const { items } = await (await clusters.connect()).list(resourceTypes.pods);
    assert.equal(items.length, 18);
    await eventually('the trees of the recording', async () => {
      const rows = await visibleRows();
      return rows.some((row) => row.startsWith('istio-system')) && !rows.some((row) => /^(?:shop|n1)\b/.test(row));
    });
    await pause(1_000);
    await screenshot('recording-replayed');
  });

  it('leaves the chosen cluster when a file is no recording, and says why', async () => {
    const { clusters } = await activated();
    const before = clusters.chosen.id;
    const file = join(directory, 'foreign.json');
    await writeFile(file, '{"kind":"List","items":[]}');
    void vscode.commands.executeCommand(commandIds.openRecording, file);
    await pause(500);
    await vscode.commands.executeCommand('notifications.showList');
    const message = await read({ selector: '.notification-list-item-message', text: 'is no recording of Meshloom' });
    assert.match(message, /Choose a file that Record Cluster wrote/);
    assert.equal(clusters.chosen.id, before);
    await screenshot('recording-refused');
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('asks what to record, and whether names are shown', async () => {
    void vscode.commands.executeCommand(commandIds.recordCluster);
    await click({ selector: '.quick-input-list .monaco-list-row', text: 'All namespaces' });
    await read({ selector: '.quick-input-list .monaco-list-row', text: 'Other names for everything' });
    await screenshot('recording-asks');
    await press('Escape');
  });
});

describe('completing names', function () {
  this.timeout(60_000);
  after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));

  it('offers the hosts of the workspace in a half-typed manifest', async () => {
    const content =
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: a\n  namespace: bookinfo\nspec:\n  host: ';
    const document = await vscode.workspace.openTextDocument({ language: 'yaml', content });
    const editor = await vscode.window.showTextDocument(document);
    const end = document.positionAt(content.length);
    editor.selection = new vscode.Selection(end, end);
    const offered = await eventually('hosts', async () => {
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        document.uri,
        end,
      );
      return list.items.filter(({ detail = '' }) => detail.startsWith('file '));
    });
    assert.ok(offered.length > 0, `nothing from ${workspaceFolder().path}`);
    await vscode.commands.executeCommand('editor.action.triggerSuggest');
    await read({ selector: '.suggest-widget .monaco-list-row', text: 'file ' }).catch(() => undefined);
    await pause(500);
    await screenshot('completion-hosts');
    await press('Escape');
  });
});
