import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import type {
  CodeAction,
  CodeLens,
  Diagnostic,
  Hover,
  MessageConnection,
  PublishDiagnosticsParams,
} from 'vscode-languageserver/node';
import { findingsRequest } from '../contract/language-server.ts';
import type { FindingsReply, LanguageServerOptions } from '../contract/language-server.ts';

/** What VS Code says that it can do. */
const fullWorkspace = {
  didChangeWatchedFiles: { dynamicRegistration: true },
  codeLens: { refreshSupport: true },
  workspaceFolders: true,
};

/** The server as it is shipped, spoken to as any editor speaks to it: the Language Server Protocol over stdio. */
class Editor {
  readonly folder: string;
  private readonly process: ChildProcess;
  private readonly connection: MessageConnection;
  private readonly diagnostics = new Map<string, Diagnostic[]>();
  private readonly waiting = new Set<() => void>();
  private version = 1;
  registered = false;
  /** What the server said of its progress, and what it said in messages. */
  readonly progress: { kind: string; title?: string; cancellable?: boolean }[] = [];
  readonly messages: string[] = [];
  progressToken: string | number | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.process = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.connection = createMessageConnection(
      new StreamMessageReader(this.process.stdout!),
      new StreamMessageWriter(this.process.stdin!),
    );
    this.connection.onNotification(
      'textDocument/publishDiagnostics',
      ({ uri, diagnostics }: PublishDiagnosticsParams) => {
        this.diagnostics.set(uri, diagnostics);
        for (const wake of this.waiting) wake();
      },
    );
    this.connection.onRequest('client/registerCapability', () => {
      this.registered = true;
      return null;
    });
    this.connection.onRequest('workspace/codeLens/refresh', () => null);
    this.connection.onRequest('window/workDoneProgress/create', ({ token }: { token: string }) => {
      this.progressToken = token;
      return null;
    });
    this.connection.onNotification('$/progress', ({ value }: { value: { kind: string } }) => {
      this.progress.push(value);
      for (const wake of this.waiting) wake();
    });
    this.connection.onRequest('window/showMessageRequest', ({ message }: { message: string }) => {
      this.messages.push(message);
      for (const wake of this.waiting) wake();
      return null;
    });
    this.connection.listen();
  }

  async start(
    options: LanguageServerOptions = {},
    workspace: object = fullWorkspace,
    window: object = {},
  ): Promise<this> {
    const uri = pathToFileURL(this.folder).href;
    await this.connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'test' }],
      capabilities: { workspace, window },
      initializationOptions: options,
    });
    await this.connection.sendNotification('initialized', {});
    return this;
  }

  uri(name: string): string {
    return pathToFileURL(join(this.folder, name)).href;
  }

  open(name: string, text: string): Promise<void> {
    return this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: this.uri(name), languageId: 'yaml', version: 1, text },
    });
  }

  change(name: string, contentChanges: object[]): Promise<void> {
    return this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: this.uri(name), version: ++this.version },
      contentChanges,
    });
  }

  close(name: string): Promise<void> {
    return this.connection.sendNotification('textDocument/didClose', { textDocument: { uri: this.uri(name) } });
  }

  notify(method: string, params: object): Promise<void> {
    return this.connection.sendNotification(method, params);
  }

  ask<T>(method: string, name: string, more: object = {}): Promise<T> {
    return this.connection.sendRequest(method, { textDocument: { uri: this.uri(name) }, ...more });
  }

  shownFiles(): Iterable<string> {
    return this.diagnostics.keys();
  }

  /** Waits until what is shown in a file satisfies the test. */
  async until(name: string, isRight: (shown: Diagnostic[]) => boolean): Promise<Diagnostic[]> {
    const shown = () => this.diagnostics.get(this.uri(name)) ?? [];
    await this.untilTrue(
      () => isRight(shown()),
      () => `Never shown in ${name}; there is ${JSON.stringify(shown())}`,
    );
    return shown();
  }

  /** Waits until something that the server tells makes this true. */
  async untilTrue(isTrue: () => boolean, complaint: () => string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error(complaint());
      await new Promise<void>((wake) => {
        const timer = setTimeout(done, 200);
        const { waiting } = this;
        function done() {
          clearTimeout(timer);
          waiting.delete(done);
          wake();
        }
        waiting.add(done);
      });
    }
  }

  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.process.once('exit', resolve));
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    const code = await ended;
    this.connection.dispose();
    return code;
  }
}

let server = '';
const editors: Editor[] = [];
const folders: string[] = [];

beforeAll(async () => {
  const output = await mkdtemp(join(tmpdir(), 'meshloom-server-'));
  folders.push(output);
  server = join(output, 'language-server.js');
  const entryPoints = [join(import.meta.dirname, '../language/server/main.ts')];
  await build({
    entryPoints,
    outfile: server,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  return async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  };
});

afterEach(async () => {
  for (const editor of editors.splice(0)) await editor.stop();
});

async function edit(
  files: Record<string, string>,
  options?: LanguageServerOptions,
  workspace?: object,
  window?: object,
): Promise<Editor> {
  const folder = await mkdtemp(join(tmpdir(), 'meshloom lsp ü-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const editor = new Editor(folder);
  editors.push(editor);
  return editor.start(options, workspace, window);
}

const policy = (mode: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: default, namespace: shop }\nspec:\n  mtls:\n    mode: ${mode}\n`;
const gateway =
  'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: edge, namespace: shop }\nspec:\n  servers:\n    - port: { number: 80, name: http, protocol: HTTP }\n      hosts: ["*"]\n';
const routes = (name: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: front, namespace: shop }\nspec:\n  hosts: [front.example.com]\n  gateways: [${name}]\n  http:\n    - route: [{ destination: { host: front } }]\n`;
const deployment =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: reviews, namespace: shop }\nspec:\n  template:\n    metadata: { labels: { app: reviews } }\n    spec: { containers: [{ name: app, image: a }] }\n';

describe('in any editor', () => {
  test('reads the folder of an editor that can tell of nothing but its folder', async () => {
    const editor = await edit({ 'policy.yaml': policy('STRCIT') }, undefined, {});
    await editor.until('policy.yaml', ({ length }) => length === 1);
  });

  test('speaks the language whose texts it is given', async () => {
    const chinese = JSON.parse(await readFile(join(import.meta.dirname, '../l10n/bundle.l10n.zh-cn.json'), 'utf8'));
    const editor = await edit({ 'policy.yaml': policy('STRCIT') }, { strings: chinese });
    const [shown] = await editor.until('policy.yaml', ({ length }) => length === 1);
    expect(shown?.message).toMatch(/[\u4e00-\u9fff]/);
  });
});

describe('while typing', () => {
  test('shows a fault on its exact range, with code, link and source, and takes it away when it is gone', async () => {
    const editor = await edit({ 'policy.yaml': policy('STRICT') });
    await editor.open('policy.yaml', policy('STRICT'));
    const range = { start: { line: 5, character: 10 }, end: { line: 5, character: 16 } };
    await editor.change('policy.yaml', [{ range, text: 'STRCIT' }]);
    const [shown] = await editor.until('policy.yaml', ({ length }) => length === 1);
    expect(shown).toMatchObject({
      range,
      severity: 1,
      source: 'meshloom',
      code: 'IST0106',
      codeDescription: { href: expect.stringMatching(/^https:/) },
    });
    expect(shown?.message).toContain('Did you mean "STRICT"?');
    await editor.change('policy.yaml', [{ range, text: 'STRICT' }]);
    await editor.until('policy.yaml', ({ length }) => length === 0);
  });

  test('a quick fix leaves nothing to fix', async () => {
    const editor = await edit({});
    await editor.open('policy.yaml', policy('STRCIT'));
    const [shown] = await editor.until('policy.yaml', ({ length }) => length === 1);
    const actions = await editor.ask<CodeAction[]>('textDocument/codeAction', 'policy.yaml', {
      range: shown!.range,
      context: { diagnostics: [shown] },
    });
    const preferred = actions.find(({ isPreferred }) => isPreferred);
    expect(preferred?.title).toBe('Change to STRICT');
    const edits = preferred?.edit?.changes?.[editor.uri('policy.yaml')] ?? [];
    await editor.change(
      'policy.yaml',
      edits.map(({ range, newText }) => ({ range, text: newText })),
    );
    await editor.until('policy.yaml', ({ length }) => length === 0);
  });

  test('a finding can be disabled for its line', async () => {
    const editor = await edit({});
    await editor.open('policy.yaml', policy('STRCIT'));
    const [shown] = await editor.until('policy.yaml', ({ length }) => length === 1);
    const actions = await editor.ask<CodeAction[]>('textDocument/codeAction', 'policy.yaml', {
      range: shown!.range,
      context: { diagnostics: [] },
    });
    const [change] = actions.at(-1)?.edit?.changes?.[editor.uri('policy.yaml')] ?? [];
    expect(change?.newText).toBe('    # meshloom-disable-next-line IST0106\n');
    await editor.change('policy.yaml', [{ range: change!.range, text: change!.newText }]);
    await editor.until('policy.yaml', ({ length }) => length === 0);
  });

  test('survives every prefix of a file, and answers after that', async () => {
    const editor = await edit({});
    const text = routes('edge') + '---\n' + policy('STRICT');
    await editor.open('a.yaml', '');
    for (let at = 1; at <= text.length; at += 3) await editor.change('a.yaml', [{ text: text.slice(0, at) }]);
    await editor.change('a.yaml', [{ text: policy('NONE') }]);
    await editor.until('a.yaml', (shown) => shown.length === 1 && shown[0]?.code === 'IST0106');
  });

  test('tells what a field takes', async () => {
    const editor = await edit({});
    await editor.open('policy.yaml', policy('STRICT'));
    const hover = await editor.ask<Hover>('textDocument/hover', 'policy.yaml', { position: { line: 5, character: 6 } });
    expect(JSON.stringify(hover.contents)).toContain('`PERMISSIVE`');
    expect(hover.range).toEqual({ start: { line: 5, character: 4 }, end: { line: 5, character: 8 } });
    expect(await editor.ask('textDocument/hover', 'policy.yaml', { position: { line: 99, character: 0 } })).toBeNull();
  });

  test("tells what Istio's annotations and labels mean, and which packet rule they change", async () => {
    const editor = await edit({});
    await editor.open(
      'app.yaml',
      `apiVersion: apps/v1
kind: Deployment
metadata: { name: app }
spec:
  template:
    metadata:
      labels: { app: x, sidecar.istio.io/inject: "true" }
      annotations:
        traffic.sidecar.istio.io/excludeInboundPorts: "8080"
        sidecar.istio.io/inject: "true"
        example.com/mine: "1"
    spec: {}
`,
    );
    const hover = async (line: number, character: number) => {
      const shown = await editor.ask<Hover | null>('textDocument/hover', 'app.yaml', { position: { line, character } });
      return shown && { text: JSON.stringify(shown.contents), range: shown.range };
    };
    const ports = await hover(8, 20);
    expect(ports?.text).toContain('ISTIO\\\\_INBOUND: one');
    expect(ports?.text).toContain('ports separated by commas');
    expect(ports?.range).toEqual({ start: { line: 8, character: 8 }, end: { line: 8, character: 52 } });
    expect((await hover(8, 57))?.text).toBe(ports?.text);
    expect((await hover(9, 10))?.text).toContain('Deprecated: the label sidecar.istio.io/inject took its place.');
    expect((await hover(6, 30))?.text).toContain('the only switch on a pod that the API server looks at');
    expect(await hover(10, 10)).toBeNull();
    expect(await hover(6, 18)).toBeNull();
  });
});

describe('the folder', () => {
  test('files that nobody opened count, and their faults are shown', async () => {
    const editor = await edit({
      'deep/er/gateway.yaml': gateway,
      'routes.yaml': routes('edge'),
      'policy.json': policy('STRCIT'),
    });
    await editor.until('policy.json', ({ length }) => length === 1);
    await editor.open('routes.yaml', routes('edgy'));
    const [shown] = await editor.until('routes.yaml', ({ length }) => length === 1);
    expect(shown?.message).toContain('Did you mean "edge"?');
    expect(editor.registered).toBe(true);
  });

  test('what changes on disk changes what is wrong', async () => {
    const editor = await edit({ 'gateway.yaml': gateway, 'routes.yaml': routes('edge') });
    await editor.open('routes.yaml', routes('edge'));
    await rm(join(editor.folder, 'gateway.yaml'));
    await editor.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: editor.uri('gateway.yaml'), type: 3 }] });
    await editor.until('routes.yaml', ({ length }) => length === 1);
    await writeFile(join(editor.folder, 'gateway.yaml'), gateway);
    await editor.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: editor.uri('gateway.yaml'), type: 1 }] });
    await editor.until('routes.yaml', ({ length }) => length === 0);
  });

  test('closing an editor without saving brings back what is on disk', async () => {
    const editor = await edit({ 'policy.yaml': policy('STRICT') });
    await editor.open('policy.yaml', policy('NONE'));
    await editor.until('policy.yaml', ({ length }) => length === 1);
    await editor.close('policy.yaml');
    await editor.until('policy.yaml', ({ length }) => length === 0);
  });

  test('excluded folders, node_modules, binary files and other YAML are left in peace', async () => {
    const files = {
      'old/policy.yaml': policy('NOPE'),
      'node_modules/x/policy.yaml': policy('NOPE'),
      'compose.yaml': 'services: [',
      'binary.yaml': 'apiVersion\0kind',
      'policy.yaml': policy('NOPE'),
    };
    const editor = await edit(files, { settings: { exclude: ['old/**'] } });
    await editor.until('policy.yaml', ({ length }) => length === 1);
    for (const name of Object.keys(files).slice(0, 4)) await editor.until(name, ({ length }) => length === 0);
    await editor.notify('workspace/didChangeConfiguration', { settings: { exclude: [] } });
    await editor.until('old/policy.yaml', ({ length }) => length === 1);
  });

  test('strict says what lenient keeps to itself', async () => {
    const editor = await edit({ 'gateway.yaml': gateway, 'routes.yaml': routes('edge') });
    await editor.open('routes.yaml', routes('edge'));
    await editor.notify('workspace/didChangeConfiguration', { settings: { strictness: 'strict' } });
    const [shown] = await editor.until('routes.yaml', ({ length }) => length === 1);
    expect(shown).toMatchObject({ code: 'IST0101', severity: 1 });
  });
});

describe('folders that come and go as a whole', () => {
  test('a deleted folder takes its files with it, and a folder that is moved in brings them', async () => {
    const editor = await edit({ 'mesh/gateway.yaml': gateway, 'routes.yaml': routes('edge') });
    await editor.open('routes.yaml', routes('edge'));
    await rm(join(editor.folder, 'mesh'), { recursive: true });
    await editor.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: editor.uri('mesh'), type: 3 }] });
    await editor.until('routes.yaml', ({ length }) => length === 1);
    await mkdir(join(editor.folder, 'new/mesh'), { recursive: true });
    await writeFile(join(editor.folder, 'new/mesh/gateway.yaml'), gateway);
    await editor.notify('workspace/didChangeWatchedFiles', { changes: [{ uri: editor.uri('new'), type: 1 }] });
    await editor.until('routes.yaml', ({ length }) => length === 0);
  });
});

describe('a long scan', () => {
  /** An anchor takes the longer way through the parser. */
  const slow = (text: string) => text.replace('kind: ', 'kind: &kind ');
  const manifests = Object.fromEntries(
    Array.from({ length: 400 }, (_, folder) => [
      `f${folder}/all.yaml`,
      Array.from({ length: 60 }, (_, name) =>
        slow(routes('edge').replace('name: front', `name: r-${folder}-${name}`)),
      ).join('---\n'),
    ]),
  );

  test('shows its progress, can be stopped, says what was not read, and then takes nothing for missing', async () => {
    const editor = await edit(manifests, { settings: { strictness: 'strict' } }, undefined, { workDoneProgress: true });
    const told = () => JSON.stringify(editor.progress);
    await editor.untilTrue(() => editor.progress.some(({ kind }) => kind === 'begin'), told);
    expect(editor.progress.find(({ kind }) => kind === 'begin')).toMatchObject({ cancellable: true });
    await editor.notify('window/workDoneProgress/cancel', { token: editor.progressToken! });
    await editor.untilTrue(() => editor.messages.length > 0, told);
    expect(editor.messages[0]).toMatch(/^Reading was stopped after \d+ manifests/);
    expect(editor.progress.at(-1)?.kind).toBe('end');
    await editor.open('mine.yaml', `${policy('STRCIT')}---\n${routes('nowhere')}`);
    const shown = await editor.until('mine.yaml', ({ length }) => length > 0);
    expect(shown.map(({ code }) => code)).not.toContain('IST0101');
  });

  test('is not spoken of to an editor that shows no progress', async () => {
    const editor = await edit({ 'policy.yaml': policy('STRCIT') });
    await editor.until('policy.yaml', ({ length }) => length === 1);
    expect(editor.progressToken).toBeUndefined();
  });
});

describe('a cluster', () => {
  const inCluster = (kind: string, name: string, spec: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec,
  });
  const edge = inCluster('Gateway', 'edge', {
    servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
  });

  test('lies under the files, changes, and goes', async () => {
    const complete = ['networking.istio.io/Gateway', 'gateway.networking.k8s.io/Gateway'];
    const editor = await edit({});
    await editor.open('routes.yaml', routes('edge'));
    await editor.until('routes.yaml', ({ length }) => length === 1);
    await editor.notify('meshloom/cluster', { name: 'kind-mesh', resources: [edge, 'nonsense'], complete });
    await editor.until('routes.yaml', ({ length }) => length === 0);
    const removed = [{ apiVersion: edge.apiVersion, kind: 'Gateway', namespace: 'shop', name: 'edge' }];
    await editor.notify('meshloom/clusterChange', { changed: [], removed });
    await editor.until('routes.yaml', ({ length }) => length === 2);
    await editor.notify('meshloom/clusterChange', { changed: [edge], removed: 7 });
    await editor.until('routes.yaml', ({ length }) => length === 0);
    await editor.notify('meshloom/cluster', { name: 'other', resources: 'nonsense' });
    await editor.until('routes.yaml', ({ length }) => length === 1);
  });

  test('is not shown itself: no editor could open it', async () => {
    const editor = await edit({ 'policy.yaml': policy('STRICT') });
    const broken = inCluster('Gateway', 'broken', { serverz: [] });
    await editor.notify('meshloom/cluster', { name: 'kind-mesh', resources: [broken], complete: [] });
    await editor.open('policy.yaml', policy('NONE'));
    await editor.until('policy.yaml', ({ length }) => length === 1);
    expect([...editor.shownFiles()].filter((uri) => uri.startsWith('cluster:'))).toEqual([]);
  });
});

describe('code lenses', () => {
  test('stand above what makes pods, and name the workload', async () => {
    const editor = await edit({});
    await editor.open('a.yaml', `${policy('STRICT')}---\n${deployment}`);
    const lenses = await editor.ask<CodeLens[]>('textDocument/codeLens', 'a.yaml');
    expect(lenses.map(({ command, range }) => [range.start.line, command?.command, command?.arguments])).toEqual([
      [8, 'meshloom.showIptables', [{ kind: 'Deployment', namespace: 'shop', name: 'reviews' }]],
    ]);
    expect(lenses[0]?.command?.title).toBe('Show Intercepted iptables');
  });

  test('can be turned off, and speak the user’s language', async () => {
    const editor = await edit({}, { strings: { 'Show Intercepted iptables': '显示被拦截的 iptables' } });
    await editor.open('a.yaml', deployment);
    const [lens] = await editor.ask<CodeLens[]>('textDocument/codeLens', 'a.yaml');
    expect(lens?.command?.title).toBe('显示被拦截的 iptables');
    await editor.notify('workspace/didChangeConfiguration', { settings: { codeLens: false } });
    expect(await editor.ask('textDocument/codeLens', 'a.yaml')).toEqual([]);
  });
});

test('ends when the editor says so', async () => {
  const editor = await edit({});
  editors.splice(editors.indexOf(editor), 1);
  expect(await editor.stop()).toBe(0);
});

describe('asked for the findings of one file', () => {
  const service = (port: string) =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: a, namespace: shop }\nspec: { ports: [{ name: ${port}, port: 80 }] }\n`;
  const ask = (editor: Editor, name: string) =>
    editor.ask<FindingsReply>(findingsRequest, name, { uri: editor.uri(name) });

  test('answers when all that was read has been judged, in the words of the command line', async () => {
    const editor = await edit({ 'a.yaml': service('web'), 'b.yaml': service('http'), 'notes.txt': 'web' });
    const { findings } = await ask(editor, 'a.yaml');
    expect(findings).toMatchObject([{ code: 'IST0118', level: 'info', file: editor.uri('a.yaml'), fixes: [] }]);
    expect(await ask(editor, 'b.yaml')).toEqual({ findings: [] });
    expect(await ask(editor, 'notes.txt')).toEqual({});
    expect(await ask(editor, 'gone.yaml')).toEqual({});
  });

  test('takes what is typed for what is there', async () => {
    const editor = await edit({ 'a.yaml': service('http') });
    await editor.open('a.yaml', service('web'));
    expect((await ask(editor, 'a.yaml')).findings).toHaveLength(1);
  });
});
