// The same keystrokes in the same file for Red Hat's yaml-language-server with Istio's schemas, and for ours.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { root } from './setup.mjs';

const peer = { name: 'yaml-language-server', version: '1.25.0' };

/**
 * Milliseconds from a keystroke to its diagnostics in a file of 50 documents, by server.
 * @returns `{ peer, ours }`, lists of milliseconds; or `{ skipped }`, why there is nothing to compare.
 */
export async function measurePeer({ keystrokes }) {
  const installed = installPeer();
  if (installed.skipped) return installed;
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-peer-'));
  try {
    const schema = join(folder, 'istio.schema.json');
    writeFileSync(schema, JSON.stringify(istioSchema()));
    const settings = {
      yaml: { validate: true, schemas: { [pathToFileURL(schema).href]: '*.yaml' }, schemaStore: { enable: false } },
    };
    return {
      peer: await measureTyping(folder, installed.server, settings, keystrokes),
      ours: await measureTyping(folder, join(root, 'dist', 'language-server.js'), {}, keystrokes),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Installed beside the downloaded editors, never into the product. */
function installPeer() {
  const folder = join(homedir(), '.cache', 'meshloom', 'peers', `${peer.name}-${peer.version}`);
  const server = join(folder, 'node_modules', peer.name, 'bin', peer.name);
  if (existsSync(server)) return { server };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', `${peer.name}@${peer.version}`], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
    shell: process.platform === 'win32',
  });
  if (existsSync(server)) return { server };
  return {
    skipped: `npm could not install ${peer.name} ${peer.version}: ${npm.stderr?.trim().split('\n').at(-1) ?? ''}`,
  };
}

/** One schema for all kinds, each asked only of its own: the form that costs that server least. */
function istioSchema() {
  const { kinds } = JSON.parse(readFileSync(join(root, 'language', 'schema', 'istio-crds.json'), 'utf8'));
  const common = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };
  return {
    type: 'object',
    allOf: Object.entries(kinds).map(([kind, { schema }]) => ({
      if: { properties: { kind: { const: kind } } },
      then: closed({ ...schema, properties: { ...schema.properties, ...common } }),
    })),
  };
}

/** What a structural schema leaves unsaid: a field that is not listed is not there. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties || !schema.type;
  const { properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, closed(value)])),
    }),
    ...(items && { items: closed(items) }),
    ...(additionalProperties && { additionalProperties: closed(additionalProperties) }),
    ...(properties && !isOpen && { additionalProperties: false }),
  };
}

async function measureTyping(folder, program, settings, keystrokes) {
  const uri = pathToFileURL(join(folder, 'edited.yaml')).href;
  const lines = Array.from({ length: 50 }, (_, number) => virtualService(`edited-${number}`))
    .join('---\n')
    .split('\n');
  const line = lines.findIndex((content, number) => number > lines.length / 2 && content.includes('weight:'));
  lines[line] = lines[line].replace(':', 'x:');
  const server = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  let arrived = () => undefined;
  connection.onNotification('textDocument/publishDiagnostics', (said) => said.uri === uri && arrived(said));
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('workspace/configuration', ({ items }) => items.map(({ section }) => settings[section] ?? null));
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.listen();
  // What is said of the text as it is now names the field as it is typed now.
  const published = (field) =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error(`${program} published nothing for 20 s.`)), 20_000);
      arrived = ({ diagnostics }) => {
        if (!diagnostics.some(({ message }) => message.includes(field))) return;
        clearTimeout(patience);
        resolve();
      };
    });
  try {
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'bench' }],
      capabilities: {
        workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
        textDocument: { publishDiagnostics: { versionSupport: true } },
      },
    });
    await connection.sendNotification('initialized', {});
    await connection.sendNotification('workspace/didChangeConfiguration', { settings });
    const opened = published('weightx');
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'yaml', version: 1, text: lines.join('\n') },
    });
    await opened;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const milliseconds = [];
    for (let stroke = 0; stroke < keystrokes; stroke++) {
      const at = { line, character: lines[line].indexOf(':') + stroke };
      const done = published(`weight${'x'.repeat(stroke + 2)}`);
      const started = performance.now();
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: stroke + 2 },
        contentChanges: [{ range: { start: at, end: at }, text: 'x' }],
      });
      await done;
      milliseconds.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return milliseconds;
  } finally {
    connection.dispose();
    server.kill();
  }
}

/** Twenty lines. */
const virtualService = (name) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: edited
spec:
  hosts:
    - ${name}
  http:
    - match:
        - headers:
            end-user:
              exact: someone
      route:
        - destination:
            host: ${name}
          weight: 100
    - route:
        - destination:
            host: ${name}
`;
