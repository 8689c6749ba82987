// `npm start`: sets up what is missing, builds, and opens a real VS Code with the extension on the sample workspace.
// `npm start -- /path/to/folder` opens another folder.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { endWithNpm, fail, root, run, say, setUp } from './setup.mjs';

await setUp();
endWithNpm();
const { editorUrl, endProcessGroup, findHost, installVsix, startServer } = await import('./vscode-host.mjs');
const { pack } = await import('./package.mjs');

const folder = resolve(process.argv[2] ?? join(root, 'sample'));
const sampleFile = join(root, 'sample', 'policies', 'mutual-tls.yaml');
const file = folder === join(root, 'sample') ? sampleFile : undefined; // something to see at once
if (!existsSync(folder)) fail(`There is no folder ${folder}.`);

const host = await findHost();
const dataDir = join(tmpdir(), `meshloom-${userInfo().username}`, host.kind);
say('Building …');
if (host.kind === 'server') {
  // Installed as a user installs it: under development, the server edition would suppress notifications.
  installVsix(host, pack(), dataDir);
  const token = randomBytes(12).toString('hex');
  const { origin, server, stop } = await startServer({ dataDir, token }).catch((error) => fail(error.message));
  onEnd(stop, server);
  console.log(`
  Meshloom is running in VS Code on ${folder}

    ${editorUrl({ origin, folder, file, token })}

  Open this address in a browser on this machine. Click the mesh in the activity bar: it shows the demo cluster.
  Ctrl-C ends everything.
`);
} else {
  if (!run('node', ['esbuild.mjs', '--dev'])) fail('The build failed; the messages are above.');
  const editor = spawn(
    host.executable,
    [
      folder,
      ...(file ? [file] : []),
      `--extensionDevelopmentPath=${root}`,
      `--user-data-dir=${dataDir}`,
      `--extensions-dir=${join(dataDir, 'extensions')}`,
      '--disable-workspace-trust',
      '--skip-welcome',
      '--skip-release-notes',
      '--wait',
    ],
    { stdio: 'ignore', detached: process.platform !== 'win32' },
  );
  editor.once('error', (error) => fail(`VS Code could not be started: ${error.message}`));
  onEnd(() => endProcessGroup(editor), editor);
  say(`VS Code opens ${folder}. Click the mesh in the activity bar. Ctrl-C, or closing the window, ends it.`);
}

/** Ctrl-C, a closed terminal, or the end of the editor itself: everything we started goes. */
function onEnd(stop, child) {
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    await stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
  child.once('exit', () => void end());
}
