import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { click, read, screenshot } from './eyes.ts';
import { codeOf, eventually, ours, pause, setTheme, workspaceFolder } from './support.ts';

describe('editing manifests', () => {
  after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('shows every deliberate fault of the sample within a second of opening its file', async function () {
    this.timeout(90_000);
    const files = (await vscode.workspace.findFiles('**/*.yaml')).sort((a, b) => a.path.localeCompare(b.path));
    assert.ok(files.length > 5, `the sample has ${files.length} files`);
    const first = await vscode.workspace.openTextDocument(files[0]!);
    await vscode.window.showTextDocument(first);
    // The language server starts with the first manifest; from then on the second counts.
    await eventually('the first diagnostics', () => files.some((file) => ours(file).length > 0));
    for (const file of files) {
      const document = await vscode.workspace.openTextDocument(file);
      const faults = document.getText().match(/# fault:/g)?.length ?? 0;
      await vscode.window.showTextDocument(document);
      const shown = performance.now();
      if (faults === 0) {
        await pause(150);
        assert.deepEqual(
          ours(file).map(({ message }) => message),
          [],
          `${file.path} has no faults`,
        );
        continue;
      }
      await eventually(`${faults} findings in ${file.path}`, () => ours(file).length >= faults, 5_000);
      const took = performance.now() - shown;
      assert.ok(took < 1_000, `${file.path} took ${took.toFixed(0)} ms`);
      for (const { range } of ours(file)) assert.ok(!range.isEmpty, `a finding in ${file.path} has an empty range`);
    }
  });

  it('repairs with a quick fix, and the finding goes away', async () => {
    const misspelt = await eventually('a finding with a quick fix', async () => {
      for (const [uri, diagnostics] of vscode.languages.getDiagnostics()) {
        const mine = diagnostics.filter(({ source }) => source === 'meshloom');
        if (mine.length > 0) await vscode.workspace.openTextDocument(uri);
        for (const diagnostic of mine) {
          const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
            'vscode.executeCodeActionProvider',
            uri,
            diagnostic.range,
            vscode.CodeActionKind.QuickFix.value,
          );
          const fix = actions.find(({ edit }) => edit);
          if (fix?.edit) return { uri, diagnostic, edit: fix.edit };
        }
      }
      return undefined;
    });
    const document = await vscode.workspace.openTextDocument(misspelt.uri);
    const original = document.getText();
    await vscode.workspace.applyEdit(misspelt.edit);
    await eventually(
      'the finding is gone',
      () => !ours(misspelt.uri).some(({ message }) => message === misspelt.diagnostic.message),
    );
    const restore = new vscode.WorkspaceEdit();
    restore.replace(misspelt.uri, new vscode.Range(0, 0, document.lineCount, 0), original);
    await vscode.workspace.applyEdit(restore);
    await eventually('the finding is back', () =>
      ours(misspelt.uri).some(({ message }) => message === misspelt.diagnostic.message),
    );
  });

  it('stays calm while a manifest is half typed', async function () {
    this.timeout(60_000);
    const uri = vscode.Uri.joinPath(workspaceFolder(), 'typing.yaml');
    await vscode.workspace.fs.writeFile(uri, new Uint8Array());
    // Not through `openTextDocument`: documents opened by that API stay open for minutes after their editor is closed.
    await vscode.commands.executeCommand('vscode.open', uri);
    const editor = await eventually('the editor', () =>
      vscode.window.visibleTextEditors.find(({ document }) => document.uri.path === uri.path),
    );
    const text = `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: typed\nspec:\n  mtls:\n    mode: STRIKT\n`;
    let most = 0;
    for (let end = 0; end < text.length; end += 7) {
      await editor.edit((edit) => {
        edit.insert(editor.document.positionAt(end), text.slice(end, end + 7));
      });
      await pause(60);
      most = Math.max(most, ours(uri).length);
    }
    assert.ok(most <= 4, `${most} findings at once while typing one small resource`);
    const [unknownMode] = await eventually('the unknown mode', () =>
      ours(uri).filter(({ message }) => message.includes('STRIKT')),
    );
    assert.equal(editor.document.getText(unknownMode?.range), 'STRIKT');
    await editor.document.save();
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await vscode.workspace.fs.delete(uri);
    await eventually('the findings of a deleted file are gone', () => ours(uri).length === 0);
  });

  it('offers the rules of a workload above its manifest', async () => {
    const lenses = await eventually('a code lens', async () => {
      for (const file of await vscode.workspace.findFiles('**/*.yaml')) {
        const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
          'vscode.executeCodeLensProvider',
          file,
          50,
        );
        const mine = found.filter(({ command }) => command?.command === 'meshloom.showIptables');
        if (mine.length > 0) return mine;
      }
      return undefined;
    });
    const [reference] = lenses[0]?.command?.arguments ?? [];
    assert.ok(reference.kind && reference.name, JSON.stringify(reference));
  });

  it('looks right, light and dark', async () => {
    const [file] = await eventually('a file with findings', () =>
      vscode.languages
        .getDiagnostics()
        .filter(
          ([uri, diagnostics]) =>
            uri.path.endsWith('.yaml') && diagnostics.some((diagnostic) => /^(IST|ML)/.test(codeOf(diagnostic))),
        )
        .sort(([, a], [, b]) => b.length - a.length)
        .map(([uri]) => uri),
    );
    const editor = await vscode.window.showTextDocument(file!);
    const worst = ours(file!)[0]!;
    editor.revealRange(worst.range, vscode.TextEditorRevealType.InCenter);
    editor.selection = new vscode.Selection(worst.range.start, worst.range.start);
    await vscode.commands.executeCommand('workbench.actions.view.problems');
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`editing-${theme}`);
    }
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  it('opens the page of a rule from the code of its diagnostic', async () => {
    await vscode.commands.executeCommand('workbench.actions.view.problems');
    const [uri, diagnostics] = await eventually('a diagnostic', () =>
      vscode.languages.getDiagnostics().find(([, found]) => found.some(({ source }) => source === 'meshloom')),
    );
    await vscode.window.showTextDocument(uri);
    const code = codeOf(diagnostics.find(({ source }) => source === 'meshloom')!);
    await click({ selector: '.markers-panel a.monaco-link', text: code });
    await eventually('the page', () =>
      vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ label }) => /^Preview .*\.md$/.test(label))),
    );
    await read({ selector: 'h1', text: '/', inWebview: true });
    await screenshot('rule-page');
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
});
