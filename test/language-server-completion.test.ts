import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type { CompletionList, InitializeResult, MessageConnection } from 'vscode-languageserver/node';
import { clusterChangeNotification, clusterNotification, clusterSeenNotification } from '../contract/cluster-layer.ts';
import { objectsRequest } from '../contract/language-server.ts';

let folder: string;
let server: ChildProcess;
let connection: MessageConnection;
let initialized: InitializeResult;
let version = 1;

const uri = () => pathToFileURL(join(folder, 'open.yaml')).href;
const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ port: 9080 }] },
});
const text = (host: string) =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  host: ${host}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meshloom-completion-'));
  const program = join(folder, 'server.cjs');
  await build({
    entryPoints: ['language/server/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  });
  await writeFile(
    join(folder, 'services.yaml'),
    'apiVersion: v1\nkind: Service\nmetadata: { name: from-file, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n',
  );
  server = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  connection = createMessageConnection(new StreamMessageReader(server.stdout!), new StreamMessageWriter(server.stdin!));
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  initialized = await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: pathToFileURL(folder).href,
    workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'test' }],
    capabilities: {},
  });
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri: uri(), languageId: 'yaml', version: 1, text: text('') },
  });
}, 60_000);

afterAll(async () => {
  connection?.dispose();
  server?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function offered(host = '', trigger?: string): Promise<Record<string, string | undefined>> {
  await connection.sendNotification('textDocument/didChange', {
    textDocument: { uri: uri(), version: ++version },
    contentChanges: [{ text: text(host) }],
  });
  const { items } = await connection.sendRequest<CompletionList>('textDocument/completion', {
    textDocument: { uri: uri() },
    position: { line: 6, character: 8 + host.length },
    context: trigger ? { triggerKind: 2, triggerCharacter: trigger } : { triggerKind: 1 },
  });
  return Object.fromEntries(items.map(({ label, detail }) => [label, detail]));
}

describe('completion in a session', () => {
  it('is announced, with what asks for it while typing', () => {
    expect(initialized.capabilities.completionProvider?.triggerCharacters).toContain(' ');
  });

  it('offers what lies in the folder, while the text is half-typed', async () => {
    await expect.poll(() => offered()).toMatchObject({ 'from-file': 'file services.yaml · Service' });
    expect(await offered('', ' ')).toHaveProperty('from-file');
  });

  it('offers what a cluster holds, follows its changes, says its age, and forgets it', async () => {
    await connection.sendNotification(clusterNotification, {
      name: 'kind-mesh',
      resources: [service('live')],
      complete: [],
    });
    expect(await offered('li')).toMatchObject({
      live: 'cluster kind-mesh · Service',
      'from-file': expect.stringContaining('file') as string,
    });
    await connection.sendNotification(clusterChangeNotification, {
      changed: [service('newer')],
      removed: [{ apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'live' }],
    });
    const changed = await offered();
    expect(changed).toHaveProperty('newer');
    expect(changed).not.toHaveProperty('live');
    await connection.sendNotification(clusterSeenNotification, new Date(2026, 0, 1, 12, 3).getTime());
    expect((await offered())['newer']).toBe('cluster kind-mesh, as of 12:03 · Service');
    await connection.sendNotification(clusterSeenNotification, null);
    expect((await offered())['newer']).toBe('cluster kind-mesh · Service');
    // As when the setting is switched off.
    await connection.sendNotification(clusterNotification, null);
    expect(Object.keys(await offered())).toEqual(['from-file']);
  });

  it('offers the names of a cluster that is nobody’s mesh, and those of a document of it never as a file’s', async () => {
    await connection.sendNotification(clusterNotification, {
      name: 'Demo: shop',
      resources: [service('lent')],
      complete: ['/Service'],
      namesOnly: true,
    });
    expect((await offered())['lent']).toBe('cluster Demo: shop · Service');
    const view = 'meshloom-yaml://demo-3a-20shop/shop/Service/viewed.yaml';
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: view, languageId: 'yaml', version: 1, text: JSON.stringify(service('viewed')) },
    });
    expect(await offered()).not.toHaveProperty('viewed');
    const { objects } = await connection.sendRequest<{ objects: { metadata: { name: string } }[] }>(objectsRequest, {
      kinds: ['Service'],
    });
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['from-file']);
    await connection.sendNotification(clusterNotification, null);
    expect(Object.keys(await offered())).toEqual(['from-file']);
  });
});
