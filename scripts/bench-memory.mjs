// How much memory the language server keeps for a workspace, as the operating system counts it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { root } from './setup.mjs';

/**
 * Starts the built language server on a folder, waits until all of it is read and judged, and asks how much it holds.
 * @returns resident set size in MB; undefined where the system does not tell.
 */
export async function measureServerMemory(folder) {
  const server = spawn(process.execPath, [join(root, 'dist', 'language-server.js'), '--stdio'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  let lastWord = performance.now();
  connection.onUnhandledNotification(() => (lastWord = performance.now()));
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('workspace/configuration', ({ items }) => items.map(() => null));
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.listen();
  const uri = pathToFileURL(folder).href;
  try {
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'bench' }],
      capabilities: { textDocument: { publishDiagnostics: { versionSupport: true } } },
    });
    await connection.sendNotification('initialized', {});
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    while (performance.now() - lastWord < 2_000) await new Promise((resolve) => setTimeout(resolve, 200));
    return residentMegabytes(server.pid);
  } finally {
    connection.dispose();
    server.kill();
  }
}

function residentMegabytes(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return undefined;
  }
}
