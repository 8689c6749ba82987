// `npm test`: sets up what is missing, then runs everything and ends with one line of numbers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setUpSystem } from './debian.mjs';
import { root, run, runAside, say, setUp } from './setup.mjs';

await setUp();
setUpSystem();
mkdirSync(join(root, 'out'), { recursive: true });
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

// Cheap and telling first. A build that fails makes the rest pointless; everything else runs on, so that one run tells all.
check('build', () => run('node', ['esbuild.mjs']));
if (total.failed > 0) end();
await checkAside([
  ['generated files are as their sources make them', 'node', ['scripts/generate.mjs', '--check']],
  ['types of every room', 'tsc', ['-b']],
  ['lint', 'eslint', ['.', '--max-warnings=0']],
  ['format', 'prettier', ['--check', '.', '--log-level=warn']],
]);
await unitTests();
await packedExtension();
await editorTests();
end();

function check(title, passes) {
  const started = performance.now();
  let passed = false;
  try {
    passed = passes();
  } catch (error) {
    console.error(`  ${error.message}`);
  }
  tell(title, passed, started);
}

function tell(title, passed, started) {
  if (passed) total.passed++;
  else {
    total.failed++;
    failures.push(title);
  }
  say(`${passed ? 'ok' : 'FAILED'} · ${title} (${seconds(started)})`);
}

/** Each is one thread of work, and most machines have two cores or more. */
async function checkAside(programs) {
  const waiting = [...programs];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [title, command, args] = next;
      const started = performance.now();
      const printed = [];
      const passed = await runAside(command, args, (line) => printed.push(line));
      if (!passed) console.error(printed.join('\n'));
      tell(title, passed, started);
    }
  };
  await Promise.all([lane(), lane()]);
}

/**
 * Two lanes side by side (projects of vitest.config.mts): a real Kubernetes with its node, and everything else. Each takes
 * one file after the other of what needs parts of the machine that are there once.
 */
async function unitTests() {
  say('Unit tests, programs as processes, network namespaces; beside them a real Kubernetes …');
  await Promise.all([vitestLane('code', 'netns'), vitestLane('cluster')]);
}

async function vitestLane(...projects) {
  const lane = projects.join(' and ');
  const report = join(root, 'out', `vitest-${projects[0]}.json`);
  rmSync(report, { force: true });
  const started = performance.now();
  const passed = await runAside(
    'vitest',
    [
      'run',
      ...projects.map((project) => `--project=${project}`),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    (line) => console.log(`${projects[0]} │ ${line}`),
  );
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    total.passed += numPassedTests;
    total.skipped += numPendingTests + numTodoTests;
    // A test file that does not even load has no tests to count; it is a failure all the same.
    total.failed += numFailedTests || (passed ? 0 : Math.max(1, numFailedTestSuites));
  } catch (error) {
    total.failed++;
    say(`vitest left no report: ${error.message}`);
  }
  if (!passed) failures.push(`tests: ${lane} (see above)`);
  say(`${passed ? 'ok' : 'FAILED'} · tests: ${lane} (${seconds(started)})`);
}

async function packedExtension() {
  const { pack } = await import('./package.mjs');
  const { findHost, installVsix } = await import('./vscode-host.mjs');
  const host = await findHost();
  const vsix = pack();
  check('the packed extension is small and holds only what runs', () => {
    const { size } = statSync(vsix);
    const foreign = listZip(vsix).filter(
      (name) =>
        name.startsWith('extension/') &&
        !/^extension\/(dist|l10n|media|docs)\/|^extension\/(package\.json|package\.nls[^/]*\.json|readme\.md|changelog\.md|LICENSE[^/]*)$/i.test(
          name,
        ),
    );
    if (foreign.length > 0) console.error(`  not expected in the VSIX: ${foreign.join(', ')}`);
    if (size >= 2_000_000) console.error(`  ${size} bytes`);
    return foreign.length === 0 && size < 2_000_000;
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'meshloom-vsix-'));
  check('VS Code installs the packed extension', () => {
    const installed = installVsix(host, vsix, dataDir);
    return installed.some((id) => id.startsWith('meshloom.meshloom@'));
  });
  rmSync(dataDir, { recursive: true, force: true });
}

/** Names in a zip file's central directory (APPNOTE 4.3.12). */
function listZip(file) {
  const bytes = readFileSync(file);
  const names = [];
  for (
    let at = bytes.indexOf('PK\x01\x02', 0, 'latin1');
    at !== -1;
    at = bytes.indexOf('PK\x01\x02', at + 46, 'latin1')
  ) {
    names.push(bytes.toString('utf8', at + 46, at + 46 + bytes.readUInt16LE(at + 28)));
  }
  return names;
}

async function editorTests() {
  say('The suite inside a real VS Code …');
  const started = performance.now();
  const { testInEditor } = await import('./test-in-editor.mjs');
  const result = await testInEditor();
  total.passed += result.passed;
  total.failed += result.failed;
  total.skipped += result.skipped;
  for (const { title, message } of result.failures) {
    failures.push(title);
    console.error(`  ✗ ${title}\n    ${message.replaceAll('\n', '\n    ')}`);
  }
  say(`${result.failed === 0 ? 'ok' : 'FAILED'} · VS Code (${result.passed} passed, ${seconds(started)})`);
}

function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

function end() {
  if (failures.length > 0) console.error(`\nFailed:\n${failures.map((title) => `  - ${title}`).join('\n')}`);
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exit(total.failed > 0 ? 1 : 0);
}
