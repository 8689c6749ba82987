import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Workspace } from '../workspace.ts';

const rules = join(import.meta.dirname, '../rules');
const files = globSync('**/*.yaml', { cwd: rules })
  .sort()
  .map((uri) => ({ uri, text: readFileSync(join(rules, uri), 'utf8') }));

function workspaceOf(once: boolean): Workspace {
  const workspace = new Workspace({ once, syntaxErrors: 'all' });
  for (const { uri, text } of files) workspace.setFile(uri, text);
  return workspace;
}

function print(workspace: Workspace): string {
  return JSON.stringify(workspace.findings(), null, 1);
}

test('asked once, all rules say what they say of edits', () => {
  const [once, tracked] = [workspaceOf(true), workspaceOf(false)];
  expect(print(once)).toBe(print(tracked));
  // An edit after all is no mistake, it only costs more.
  for (const workspace of [once, tracked]) {
    workspace.removeFile('virtual-service/host-not-found.yaml');
    workspace.setFile('more.yaml', 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: a }\n');
    workspace.setFile('hidden.yaml', 'apiVersion: v1\nkind: Service\nmetadata: { name: {{ .name }} }\n');
  }
  expect(print(once)).toBe(print(tracked));
});
