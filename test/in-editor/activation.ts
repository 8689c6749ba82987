import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandIds } from '../../extension/ids.ts';

describe('the extension in VS Code', () => {
  it('activates and registers every command', async () => {
    const extension = vscode.extensions.getExtension('meshloom.meshloom');
    assert.ok(extension, 'meshloom.meshloom is installed');
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = Object.values(commandIds).filter((id) => !registered.has(id));
    assert.deepEqual(missing, []);
  });

  it('loads no Kubernetes client and no demo cluster before somebody asks', () => {
    const loaded = Object.keys(require.cache).filter((file) => /dist[\\/](kubernetes|demo)\.js$/.test(file));
    assert.deepEqual(loaded, []);
  });
});
