// `npm test`: sets up what is missing, then runs everything and ends with one line of numbers.
import { readFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setUpSystem } from './debian.mjs';
import { root, run, say, setUp } from './setup.mjs';

await setUp();
setUpSystem();
mkdirSync(join(root, 'out'), { recursive: true });
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

// Cheap and telling first. A build that fails makes the rest pointless; everything else runs on, so that one run tells all.
check('build', () => run('node', ['esbuild.mjs']));
if (total.failed > 0) end();
check('generated files are as their sources make them', () => run('node', ['scripts/generate.mjs', '--check']));
check('types of every room', () => run('tsc', ['-b']));
check('lint', () => run('eslint', ['.', '--max-warnings=0']));
check('format', () => run('prettier', ['--check', '.', '--log-level=warn']));
unitTests();
await editorTests();
end();

function check(title, passes) {
  const started = performance.now();
  const passed = passes();
  if (passed) total.passed++;
  else {
    total.failed++;
    failures.push(title);
  }
  say(`${passed ? 'ok' : 'FAILED'} · ${title} (${seconds(started)})`);
}

function unitTests() {
  say('Unit tests, language server and command line as processes, network namespaces …');
  const report = join(root, 'out', 'vitest.json');
  rmSync(report, { force: true });
  const started = performance.now();
  const passed = run('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
    total.passed += numPassedTests;
    total.skipped += numPendingTests + numTodoTests;
    // A test file that does not even load has no tests to count; it is a failure all the same.
    total.failed += numFailedTests || (passed ? 0 : Math.max(1, numFailedTestSuites));
  } catch (error) {
    total.failed++;
    say(`vitest left no report: ${error.message}`);
  }
  if (!passed) failures.push('unit tests (see above)');
  say(`${passed ? 'ok' : 'FAILED'} · unit tests (${seconds(started)})`);
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
