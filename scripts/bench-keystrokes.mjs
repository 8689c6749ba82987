// How long a keystroke takes until its diagnostics are there, in a big file of a big workspace, through the real server.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node.js';
import { root } from './setup.mjs';

/**
 * @returns `whole`: ms from sending didChange to receiving publishDiagnostics; `server`: ms of it that the server says
 * it computed.
 */
export async function measureKeystrokes({ resources, keystrokes }) {
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-keys-'));
  const edited = join(folder, 'edited.yaml');
  writeWorkspace(folder, resources - 50);
  const text = Array.from({ length: 50 }, (_, number) => virtualService(`edited-${number}`, 'edited')).join('---\n');
  writeFileSync(edited, text);

  const server = spawn(process.execPath, [join(root, 'dist', 'language-server.js'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const waiting = [];
  connection.onNotification('textDocument/publishDiagnostics', ({ uri, version, diagnostics }) => {
    if (uri !== pathToFileURL(edited).href) return;
    for (const waiter of waiting.splice(0)) {
      if (version === waiter.version) waiter.resolve(diagnostics);
      else waiting.push(waiter);
    }
  });
  const computed = [];
  connection.onNotification('meshloom/analyzed', ({ milliseconds }) => computed.push(milliseconds));
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('workspace/configuration', ({ items }) => items.map(() => null));
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.listen();
  const published = (version) => new Promise((resolve) => waiting.push({ version, resolve }));
  try {
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'bench' }],
      capabilities: { textDocument: { publishDiagnostics: { versionSupport: true } } },
      initializationOptions: { reportTimes: true },
    });
    await connection.sendNotification('initialized', {});
    const uri = pathToFileURL(edited).href;
    const opened = published(1);
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'yaml', version: 1, text },
    });
    await opened;
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the scan of the workspace ends
    computed.length = 0;
    const whole = [];
    const lines = text.split('\n');
    const line = lines.findIndex((content, number) => number > lines.length / 2 && content.includes('host:'));
    for (let stroke = 0; stroke < keystrokes; stroke++) {
      const version = stroke + 2;
      const at = { line, character: lines[line].length + stroke };
      const done = published(version);
      const started = performance.now();
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ range: { start: at, end: at }, text: 'x' }],
      });
      await done;
      whole.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { whole, server: computed.slice(-keystrokes) };
  } finally {
    connection.dispose();
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeWorkspace(folder, resources) {
  const perFile = 40;
  for (let file = 0; file * perFile < resources; file++) {
    const namespace = `ns-${file}`;
    mkdirSync(join(folder, namespace), { recursive: true });
    const documents = Array.from({ length: perFile / 4 }, (_, number) => {
      const name = `svc-${number}`;
      return [
        service(name, namespace),
        deployment(name, namespace),
        virtualService(name, namespace),
        destinationRule(name, namespace),
      ].join('---\n');
    });
    writeFileSync(join(folder, namespace, 'all.yaml'), documents.join('---\n'));
  }
}

const service = (name, namespace) => `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
`;
const deployment = (name, namespace) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name}, version: v1 }
      annotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "9090" }
    spec:
      containers: [{ name: app, image: "example/${name}:1" }]
`;
const destinationRule = (name, namespace) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  host: ${name}
  subsets: [{ name: v1, labels: { version: v1 } }]
`;
/** Twenty lines. */
const virtualService = (name, namespace) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: ${namespace}
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
