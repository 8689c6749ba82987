// The suite that runs inside a real VS Code on a copy of the sample workspace. Usable alone: `npm run test:editor`.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { has, root, run, say, setUp } from './setup.mjs';

/** @returns `{ passed, failed, skipped, failures: [{ title, message }] }`; a suite that could not run is one skip with its reason. */
export async function testInEditor() {
  const { findHost } = await import('./vscode-host.mjs');
  const { runInEditor } = await import('./editor-session.mjs');
  const host = await findHost();
  const chromiumPath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
    .map(find)
    .find(Boolean);
  if (host.kind === 'server' && !chromiumPath) {
    say(
      'Skipped the suite in VS Code: the server edition needs a browser, and no chromium was found (Debian: apt-get install chromium).',
    );
    return { passed: 0, failed: 0, skipped: 1, failures: [] };
  }
  const scratch = mkdtempSync(join(tmpdir(), 'meshloom-editor-'));
  const folder = join(scratch, 'shop');
  cpSync(join(root, 'sample'), folder, { recursive: true });
  const dataDir = join(scratch, 'data');
  layBeside(dataDir, join(root, 'test', 'in-editor', 'kubernetes-extension'));
  try {
    const result = await runInEditor({
      host,
      chromiumPath,
      folder,
      tests: join(root, 'out', 'test', 'index.js'),
      dataDir,
      screenshots: join(root, 'out', 'screenshots'),
      // No kubeconfig of the machine is seen by the suite; it makes its own where it needs one.
      environment: {
        MESHLOOM_TEST_ROOT: root,
        MESHLOOM_TEST_SCRATCH: scratch,
        KUBECONFIG: join(scratch, 'no-kubeconfig'),
      },
      timeoutMs: 600_000,
    });
    for (const title of result.skippedTitles ?? []) say(`Skipped: ${title}`);
    return result;
  } catch (error) {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [{ title: 'VS Code runs the suite', message: error.message }],
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Installs a folder as an extension, as the editor itself notes it; packing it would take longer. */
function layBeside(dataDir, folder) {
  const { publisher, name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const relativeLocation = `${publisher}.${name}-${version}`;
  const path = join(dataDir, 'extensions', relativeLocation);
  cpSync(folder, path, { recursive: true });
  const entry = { identifier: { id: `${publisher}.${name}` }, version, relativeLocation };
  const location = { $mid: 1, path, scheme: 'file' };
  writeFileSync(join(dataDir, 'extensions', 'extensions.json'), JSON.stringify([{ ...entry, location }]));
}

function find(command) {
  if (!has(command)) return undefined;
  return spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim() || undefined;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setUp();
  if (!run('node', ['esbuild.mjs', '--dev'])) process.exit(1);
  if (!existsSync(join(root, 'out', 'test', 'index.js'))) process.exit(1);
  const { passed, failed, skipped, failures } = await testInEditor();
  for (const { title, message } of failures) console.error(`✗ ${title}\n  ${message}\n`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}
