// How long a keystroke takes until its diagnostics are there, in a big file of a big workspace, through the real server.
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { root } from './setup.mjs';

/** Both measures on one workspace: a file of 50 documents and 1,000 lines is edited, `resources` are there in all. */
export async function measureKeystrokes({ resources, keystrokes }) {
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-keys-'));
  const edited = join(folder, 'edited.yaml');
  writeWorkspace(folder, resources - 50);
  const lines = Array.from({ length: 50 }, (_, number) => virtualService(`edited-${number}`, 'edited'))
    .join('---\n')
    .split('\n');
  const line = lines.findIndex((content, number) => number > lines.length / 2 && content.includes('weight:'));
  lines[line] = lines[line].replace(':', 'x:'); // weightx: is no field; then weightxx:, weightxxx: …
  const place = { line, character: lines[line].indexOf(':') };
  const text = lines.join('\n');
  writeFileSync(edited, text);
  try {
    return {
      server: await measureEngine({ folder, edited, text, place, keystrokes }),
      whole: await measureSession({ folder, edited, text, place, keystrokes }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of computing a keystroke costs: the new text in, all findings out. */
async function measureEngine({ folder, edited, text, place, keystrokes }) {
  const outfile = join(root, 'out', 'generate', 'language.mjs');
  await build({
    entryPoints: [join(root, 'language', 'index.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'warning',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const { Workspace } = await import(pathToFileURL(outfile).href);
  const workspace = new Workspace();
  for (const file of globSync('**/*.yaml', { cwd: folder }))
    workspace.setFile(pathToFileURL(join(folder, file)).href, readFileSync(join(folder, file), 'utf8'));
  workspace.findingsByFile();
  const lines = text.split('\n');
  return Array.from({ length: keystrokes }, () => {
    lines[place.line] = lines[place.line].replace(':', 'x:');
    const typed = lines.join('\n');
    const started = performance.now();
    workspace.setFile(pathToFileURL(edited).href, typed);
    workspace.findingsByFile();
    return performance.now() - started;
  });
}

/** Milliseconds from sending didChange to receiving publishDiagnostics, through the built server's standard streams. */
async function measureSession({ folder, edited, text, place, keystrokes }) {
  const server = spawn(process.execPath, [join(root, 'dist', 'language-server.js'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  let arrived = () => undefined;
  connection.onNotification('textDocument/publishDiagnostics', ({ uri }) => {
    if (uri === pathToFileURL(edited).href) arrived();
  });
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('workspace/configuration', ({ items }) => items.map(() => null));
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.listen();
  // Every keystroke below changes a message, so that every one is answered: unchanged diagnostics are not sent again.
  const published = () =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(() => reject(new Error('The language server published nothing for 20 s.')), 20_000);
      arrived = () => {
        clearTimeout(patience);
        resolve();
      };
    });
  try {
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'bench' }],
      capabilities: { textDocument: { publishDiagnostics: { versionSupport: true } } },
    });
    await connection.sendNotification('initialized', {});
    const uri = pathToFileURL(edited).href;
    const opened = published();
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'yaml', version: 1, text },
    });
    await opened;
    await new Promise((resolve) => setTimeout(resolve, 4_000)); // the scan of the workspace ends
    const whole = [];
    for (let stroke = 0; stroke < keystrokes; stroke++) {
      const version = stroke + 2;
      const at = { line: place.line, character: place.character + stroke };
      const done = published();
      const started = performance.now();
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ range: { start: at, end: at }, text: 'x' }],
      });
      await done;
      whole.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return whole;
  } finally {
    connection.dispose();
    server.kill();
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
