// How long a keystroke takes until its diagnostics are there, in a big file of a big workspace, through the real server.
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { root } from './setup.mjs';

/**
 * Both measures on one workspace: a file of 50 documents and 1,000 lines is edited, `resources` are there in all. The keys
 * go in turn to resources of several kinds; every one changes a message, and half of them what other resources look up.
 */
export async function measureKeystrokes({ resources, keystrokes }) {
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-keys-'));
  const edited = join(folder, 'edited.yaml');
  writeWorkspace(folder, resources - 50);
  const text = editedText();
  writeFileSync(edited, text);
  try {
    return {
      server: await measureEngine({ folder, edited, text, keystrokes }),
      whole: await measureSession({ folder, edited, text, keystrokes }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first keystrokes of a session are not measured: the engine is still compiling itself. */
const warmUp = 30;

/** Fifty documents of all kinds; those that are typed in stand in the middle and hold a mark that grows. */
function editedText() {
  const documents = Array.from({ length: 50 }, (_, number) => {
    const name = `edited-${number}`;
    const typedIn = typed[number - 20];
    if (typedIn) return typedIn(name, 'edited');
    return [virtualService, virtualService, virtualService, destinationRule, service, deployment][number % 6](
      name,
      'edited',
    );
  });
  return padded(documents.join('---\n'));
}

/** Up to 1,000 lines, as such files have comments. */
function padded(text) {
  const missing = 1_000 - text.split('\n').length;
  return `${'# who to ask: the team\n'.repeat(Math.max(0, missing))}${text}`;
}

/** Every third edit is typed into a name that others look up, the rest into a field. */
function* edits(text) {
  const lines = text.split('\n');
  const places = lines.flatMap((content, line) => (content.includes(mark) ? [line] : []));
  for (let stroke = 0; ; stroke++) {
    const line = places[stroke % places.length];
    const character = lines[line].indexOf(mark);
    lines[line] = `${lines[line].slice(0, character)}x${lines[line].slice(character)}`;
    yield { line, character, lines };
  }
}

/** Milliseconds of computing a keystroke costs: the new text in, all findings out. */
async function measureEngine({ folder, edited, text, keystrokes }) {
  const outfile = join(root, 'out', 'generate', 'language-bench.mjs');
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
  const workspace = new Workspace({ onRuleFailure: ({ id }, error) => console.error(id, error) });
  const cold = performance.now();
  for (const file of globSync('**/*.yaml', { cwd: folder }))
    workspace.setFile(pathToFileURL(join(folder, file)).href, readFileSync(join(folder, file), 'utf8'));
  workspace.findingsByFile();
  if (process.env.MESHLOOM_BENCH_VERBOSE)
    console.log('cold', Math.round(performance.now() - cold), 'ms', workspace.findings().length, 'findings');
  const strokes = edits(text);
  return Array.from({ length: warmUp + keystrokes }, () => {
    const { lines, line } = strokes.next().value;
    const typedText = lines.join('\n');
    const started = performance.now();
    workspace.setFile(pathToFileURL(edited).href, typedText);
    workspace.findingsByFile();
    const took = performance.now() - started;
    if (process.env.MESHLOOM_BENCH_VERBOSE) console.log(lines[line].trim().slice(0, 30).padEnd(30), took.toFixed(2));
    return took;
  }).slice(warmUp);
}

/** Milliseconds from sending didChange to receiving publishDiagnostics, through the built server's standard streams. */
async function measureSession({ folder, edited, text, keystrokes }) {
  const server = spawn(process.execPath, [join(root, 'dist', 'language-server.js'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  let arrived = () => undefined;
  let scanned = () => undefined;
  const isScanned = new Promise((resolve) => (scanned = resolve));
  connection.onNotification('textDocument/publishDiagnostics', ({ uri }) => {
    if (uri === pathToFileURL(edited).href) arrived();
  });
  connection.onNotification('window/logMessage', ({ message }) => {
    if (/^asked all rules/.test(message)) scanned();
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
    await isScanned;
    await new Promise((resolve) => setTimeout(resolve, 500)); // what the scan found has been read here, too
    const whole = [];
    const strokes = edits(text);
    for (let stroke = 0; stroke < warmUp + keystrokes; stroke++) {
      const { line, character } = strokes.next().value;
      const at = { line, character };
      const done = published();
      const started = performance.now();
      await connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: stroke + 2 },
        contentChanges: [{ range: { start: at, end: at }, text: 'x' }],
      });
      await done;
      whole.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return whole.slice(warmUp);
  } finally {
    connection.dispose();
    server.kill();
  }
}

/** Forty resources a namespace, as teams have them: eight services with all that belongs to one, and what a namespace has once. */
function writeWorkspace(folder, resources) {
  const perFile = 40;
  for (let file = 0; file * perFile < resources; file++) {
    const space = `ns-${file}`;
    mkdirSync(join(folder, space), { recursive: true });
    const services = Array.from({ length: 8 }, (_, number) => `svc-${number}`).flatMap((name) =>
      [service, deployment, virtualService, destinationRule].map((write) => write(name, space)),
    );
    const once = [namespace, gateway, sidecar, telemetry, policy, requestAuthentication, serviceEntry, atGateway];
    writeFileSync(
      join(folder, space, 'all.yaml'),
      [...services, ...once.map((write) => write(space, space))].join('---\n'),
    );
  }
}

/** Where the keys go; it is no part of a word. */
const mark = '-mark';

/** Each with a mistake whose words hold the mark. */
const typed = [
  (name, space) => virtualService(name, space).replace('    - route:\n', `    - x${mark}: 1\n      route:\n`),
  (name, space) => virtualService(name, space).replace(/subset: v1/g, `subset: v1${mark}`),
  (name, space) => destinationRule(name, space).replace('spec:\n', `spec:\n  x${mark}: 1\n`),
  (name, space) => deployment(name, space).replace('excludeOutboundPorts', `excludeOutboundPorts${mark}`),
  (name, space) =>
    service(name, space).replace('metadata: {', `metadata: { annotations: { sidecar.istio.io/x${mark}: "" },`),
  (name, space) => gateway(name, space).replace('spec:\n', `spec:\n  x${mark}: 1\n`),
  (name, space) => policy(name, space).replace('spec:\n', `spec:\n  x${mark}: 1\n`),
  (name, space) => serviceEntry(name, space).replace('spec:\n', `spec:\n  x${mark}: 1\n`),
  (name, space) => sidecar(name, space).replace('spec:\n', `spec:\n  x${mark}: 1\n`),
  (name, space) => namespace(name, space).replace('istio-injection: enabled', `istio-injection: enabled${mark}`),
];

const namespace = (name) => `apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
  labels: { istio-injection: enabled }
`;
const gateway = (name, space) => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: ${space} }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: ["${name}.example.com"]
`;
const atGateway = (name, space) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: at-gateway, namespace: ${space} }
spec:
  hosts: [${name}.example.com]
  gateways: [${name}, ns-0/ns-0]
  http:
    - route:
        - destination: { host: svc-0, subset: v1, port: { number: 80 } }
`;
const sidecar = (name, space) => `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: ${name}, namespace: ${space} }
spec:
  workloadSelector: { labels: { app: svc-1 } }
  egress: [{ hosts: ["./*", "istio-system/*"] }]
`;
const telemetry = (name, space) => `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: ${name}, namespace: ${space} }
spec:
  selector: { matchLabels: { app: svc-2 } }
  accessLogging: [{ providers: [{ name: envoy }] }]
`;
const policy = (name, space) => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: ${space} }
spec:
  selector: { matchLabels: { app: svc-3 } }
  rules: [{ from: [{ source: { namespaces: [${space}] } }] }]
`;
const requestAuthentication = (name, space) => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: ${name}, namespace: ${space} }
spec:
  selector: { matchLabels: { app: svc-4 } }
  jwtRules: [{ issuer: someone, jwksUri: "https://example.com/keys" }]
`;
const serviceEntry = (name, space) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: ${space} }
spec:
  hosts: [api.${name}.example.org]
  ports: [{ number: 443, name: tls, protocol: TLS }]
  resolution: DNS
`;
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
/** Twenty-one lines. */
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
            subset: v1
          weight: 100
    - route:
        - destination:
            host: ${name}
`;
