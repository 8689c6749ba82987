// A real VS Code, from one of two places: the desktop application (downloaded by @vscode/test-electron, or an installed
// `code`), or the server edition that the npm package code-server carries, for machines without display or download.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { has, npm, root, say } from './setup.mjs';

const codeServerVersion = '4.139.1';
const cache = process.env.MESHLOOM_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'meshloom');

const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * Where to run: `desktop` with the program's path, or `server`.
 * `MESHLOOM_VSCODE=server|desktop|/path/to/code` decides; otherwise a display means desktop.
 */
export async function findHost() {
  const wish = process.env.MESHLOOM_VSCODE;
  if (wish && wish !== 'server' && wish !== 'desktop') return { kind: 'desktop', executable: wish };
  const display = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (wish === 'server' || (!display && wish !== 'desktop')) return { kind: 'server' };
  try {
    const { downloadAndUnzipVSCode, SilentReporter } = await import('@vscode/test-electron');
    say('Looking for VS Code (downloaded once) …');
    const executable = await downloadAndUnzipVSCode({
      version: 'stable',
      cachePath: join(cache, 'vscode-desktop'),
      reporter: new SilentReporter(),
      timeout: 20_000,
    });
    return { kind: 'desktop', executable };
  } catch (error) {
    if (has('code')) return { kind: 'desktop', executable: 'code' };
    say(`VS Code could not be downloaded (${error.message}); using the server edition from npm.`);
    return { kind: 'server' };
  }
}

/** Installs the server edition once into the user's cache. Returns the folder of VS Code in it. */
export function installServer() {
  const home = join(cache, `code-server-${codeServerVersion}`);
  const editor = (base) => join(base, 'node_modules', 'code-server', 'lib', 'vscode');
  if (existsSync(join(home, '.complete'))) return editor(home);
  // Installed aside and renamed, so that an interrupted installation is never taken for a whole one.
  const aside = `${home}.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  writeFileSync(join(aside, 'package.json'), '{ "private": true }');
  const install = (folder, args, what) => {
    say(`VS Code server edition: ${what} …`);
    const { status, stderr } = npm(
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...args],
      { cwd: folder, encoding: 'utf8' },
    );
    if (status !== 0)
      throw new Error(
        `VS Code's server edition could not be installed: npm install failed in ${folder}.\n${stderr.slice(-800)}`,
      );
  };
  install(aside, [`code-server@${codeServerVersion}`], 'downloading (once, about 600 MB on disk)');
  install(editor(aside), ['--omit=dev'], 'its libraries');
  install(join(editor(aside), 'extensions'), ['--omit=dev'], 'its built-in extensions');
  // Two native modules (log files, a watchdog). Without a compiler VS Code runs all the same: it logs to the console.
  const headers = join(dirname(dirname(process.execPath)), 'include', 'node', 'node.h');
  const nodedir = [dirname(dirname(dirname(headers))), '/usr'].find((folder) =>
    existsSync(join(folder, 'include', 'node', 'node.h')),
  );
  npm(['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'], {
    cwd: editor(aside),
    stdio: 'ignore',
    timeout: 180_000,
    env: { ...process.env, ...(nodedir && { npm_config_nodedir: nodedir }) },
  });
  writeFileSync(join(aside, '.complete'), '');
  rmSync(home, { recursive: true, force: true });
  renameSync(aside, home);
  return editor(home);
}

/**
 * Starts the server edition on loopback and waits until it answers.
 * @returns its origin, and `stop()`, which ends it and everything it started.
 */
export async function startServer({ dataDir, token, underTest = false, environment = {}, quiet = true }) {
  const editor = installServer();
  const port = await freePort();
  // A quiet window: nothing but the workspace and us. The user's own settings still win.
  const machine = join(dataDir, 'data', 'Machine');
  mkdirSync(machine, { recursive: true });
  if (!existsSync(join(machine, 'settings.json')))
    writeFileSync(join(machine, 'settings.json'), JSON.stringify(quietSettings, null, 2));
  const server = spawn(
    process.execPath,
    [
      join(editor, 'out', 'server-main.js'),
      // Without it the page ignores extensionDevelopmentPath; with it no notification pops up: for tests only.
      ...(underTest ? ['--enable-smoke-test-driver'] : []),
      '--accept-server-license-terms',
      ...(token ? ['--connection-token', token] : ['--without-connection-token']),
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--server-data-dir',
      dataDir,
      '--extensions-dir',
      join(dataDir, 'extensions'),
      '--disable-workspace-trust',
      '--disable-telemetry',
    ],
    {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
      detached: process.platform !== 'win32',
    },
  );
  const stop = () => endProcessGroup(server);
  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`VS Code's server ended at once (exit code ${server.exitCode}).`);
    const answered = await fetch(`${origin}/version`, { signal: AbortSignal.timeout(2_000) }).then(
      (reply) => reply.ok,
      () => false,
    );
    if (answered) return { origin, server, stop };
    if (Date.now() > deadline) {
      await stop();
      throw new Error("VS Code's server did not answer within 60 s.");
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/**
 * Installs a VSIX into an empty VS Code, as a user does.
 * @returns the ids and versions of what is installed then: `['meshloom.meshloom@0.1.0']`.
 */
export function installVsix(host, vsix, dataDir) {
  const [command, ...first] =
    host.kind === 'server'
      ? [
          process.execPath,
          join(installServer(), 'out', 'server-main.js'),
          '--accept-server-license-terms',
          '--server-data-dir',
          dataDir,
        ]
      : [host.executable, '--user-data-dir', dataDir];
  const call = (...args) => {
    const { status, stdout, stderr } = spawnSync(
      command,
      [...first, '--extensions-dir', join(dataDir, 'extensions'), ...args],
      { encoding: 'utf8', timeout: 60_000 },
    );
    if (status !== 0) throw new Error(`VS Code refused ${args.join(' ')}:\n${stdout}${stderr}`);
    return stdout;
  };
  call('--install-extension', vsix, '--force');
  return call('--list-extensions', '--show-versions')
    .split('\n')
    .filter((line) => line.includes('@'));
}

/** The page to open: `folder` as workspace, optionally a file, or the checkout as extension under development with a test suite. */
export function editorUrl({ origin, folder, file, token, tests }) {
  const { host } = new URL(origin);
  const remote = (path) => `vscode-remote://${host}${path}`;
  const payload = [
    ...(tests ? [['extensionDevelopmentPath', remote(root)]] : []),
    ...(file ? [['openFile', remote(file)]] : []),
    ...(tests ? [['extensionTestsPath', remote(tests)]] : []),
  ];
  const query = new URLSearchParams({ ...(token && { tkn: token }), folder, payload: JSON.stringify(payload) });
  return `${origin}/?${query}`;
}

/** Ends a detached child with all its children: VS Code's server starts hosts and language servers of its own. */
export async function endProcessGroup(child) {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const send = (signal) => {
    try {
      if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f']);
      else process.kill(-child.pid, signal);
    } catch {
      // it is gone already
    }
  };
  send('SIGTERM');
  const insist = setTimeout(() => send('SIGKILL'), 3_000);
  await ended;
  clearTimeout(insist);
  send('SIGKILL');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
