// What a fresh clone needs before anything else can run. Plain JavaScript for Node ≥ 20 and nothing installed:
// every entry script (`npm start`, `npm test`, …) calls `setUp()` first.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export const root = dirname(import.meta.dirname);
const binaries = join(root, 'node_modules', '.bin');
const stamp = join(root, 'node_modules', '.meshloom-set-up');
const ownNode = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** Progress for a person: one line a step. */
export function say(text) {
  console.log(`\u001b[2m›\u001b[0m ${text}`);
}

/**
 * Installs the dependencies when package-lock.json has changed since the last time, and goes on under the Node that the
 * project brings (24) when the one that started us is older. Returns only under a Node that can run everything.
 */
export async function setUp() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) fail(`Node ${process.versions.node} is too old: Meshloom needs Node 20 or newer to start.`);

  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    say('Installing dependencies (npm ci) …');
    // npm warns that packages want a newer Node than the one it runs on; they get it, see below.
    const { status } = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit' });
    if (status !== 0)
      fail('npm ci failed; its own message is above. Check the network and the npm registry, then start again.');
    if (!runs(ownNode))
      spawnSync(process.execPath, ['installArchSpecificPackage'], {
        cwd: join(root, 'node_modules', 'node'),
        stdio: 'inherit',
      });
    writeFileSync(stamp, lock);
  }

  if (!process.env.PATH?.startsWith(binaries)) process.env.PATH = `${binaries}${delimiter}${process.env.PATH ?? ''}`;
  const [nodeMajor, nodeMinor] = process.versions.node.split('.').map(Number);
  if (nodeMajor > 22 || (nodeMajor === 22 && nodeMinor >= 19)) return;
  if (!runs(ownNode))
    fail(
      `Node ${process.versions.node} runs us, and the project's own Node 24 could not be installed. Install Node 24 and start again.`,
    );
  await goOnUnder(ownNode);
}

/** `npm …`, also on Windows, where it is a script. */
export function npm(args, options) {
  return spawnSync('npm', args, { cwd: root, shell: process.platform === 'win32', ...options });
}

/** Runs one of node_modules/.bin and tells whether it succeeded. */
export function run(command, args = [], options = {}) {
  return (
    spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options })
      .status === 0
  );
}

/** The same beside something else: what it prints is told line by line, so that two of them stay readable. */
export function runAside(command, args, tellLine) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', tellLine);
    child.once('error', (error) => {
      tellLine(error.message);
      resolve(false);
    });
    child.once('close', (status) => resolve(status === 0));
  });
}

export function has(command) {
  const probe = process.platform === 'win32' ? ['where', [command]] : ['sh', ['-c', `command -v ${command}`]];
  return spawnSync(probe[0], probe[1], { stdio: 'ignore' }).status === 0;
}

export function fail(message) {
  console.error(`\u001b[31m✗\u001b[0m ${message}`);
  process.exit(1);
}

function runs(node) {
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8' }).startsWith('v');
  } catch {
    return false;
  }
}

/** Starts the same script again under another Node, passes signals on to it, and ends as it ends. Never resolves. */
function goOnUnder(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise(() => {
    child.once('exit', (status, signal) => process.exit(status ?? (signal ? 130 : 1)));
  });
}

/**
 * A terminal's Ctrl-C reaches everything below it, but whoever signals npm alone leaves us behind: npm ends, and the shell
 * between us does not tell. So we look whether npm is still there, and end ourselves (by SIGTERM, as if told) when not.
 */
export function endWithNpm() {
  const npmProcess = findNpm();
  if (npmProcess === undefined) return;
  setInterval(() => {
    try {
      process.kill(npmProcess, 0);
    } catch {
      process.kill(process.pid, 'SIGTERM');
    }
  }, 500).unref();
}

/** The process id of the npm that started us, looked for among our ancestors. */
function findNpm() {
  if (process.platform === 'win32' || !process.env.npm_lifecycle_event) return undefined;
  let ancestor = process.ppid;
  for (let steps = 0; steps < 4 && ancestor > 1; steps++) {
    try {
      const [, parent, command] =
        /^\s*(\d+)\s+(.*)$/.exec(
          execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(ancestor)], { encoding: 'utf8' }).trim(),
        ) ?? [];
      if (/\bnpm(-cli\.js)?\b/.test(command ?? '')) return ancestor;
      ancestor = Number(parent);
    } catch {
      return undefined; // no ps here: Ctrl-C still works
    }
  }
  return undefined;
}
