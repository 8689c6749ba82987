// `npm run bench`: the numbers that have a budget, measured here and now, each with its budget beside it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, root, say, setUp } from './setup.mjs';

await setUp();
const rows = [];
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const percentile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)];
const add = (what, value, unit, budget, how) => rows.push({ what, value, unit, budget, how });

const { pack } = await import('./package.mjs');
say('Packing …');
add('VSIX', statSync(pack()).size / 1e6, 'MB', 2, 'size of out/meshloom.vsix');

say('Keystrokes …');
const { measureKeystrokes } = await import('./bench-keystrokes.mjs');
const inSmall = new Map();
for (const resources of [2_000, 20_000]) {
  const { server, whole } = await measureKeystrokes({ resources, keystrokes: 100 });
  add(
    `keystroke → diagnostics, ${resources} resources, server time, p95`,
    percentile(server, 0.95),
    'ms',
    20,
    '100 keystrokes in a 1,000-line file of 50 documents of ten kinds',
  );
  add(
    `keystroke → diagnostics, ${resources} resources, didChange → publish, p95`,
    percentile(whole, 0.95),
    'ms',
    60,
    'same, over stdio, waiting included',
  );
  for (const [name, times] of Object.entries({ server, whole })) {
    const small = inSmall.get(name);
    if (!small) inSmall.set(name, percentile(times, 0.95));
    else
      add(
        `… ${name === 'server' ? 'server time' : 'didChange → publish'}, ${resources} against 2000`,
        percentile(times, 0.95) / small,
        '×',
        1.5,
        'p95 by p95',
      );
  }
}

say('The command line on the sample …');
add(
  'meshloom analyze sample',
  median(repeat(5, () => timeOf(process.execPath, ['dist/cli.js', 'analyze', '--fail-on', 'never', 'sample']))),
  'ms',
  1_000,
  'whole process, median of 5',
);

const { istioctl, measureAnalyze, withWorkload } = await import('./bench-analyze.mjs');
for (const resources of [5_000, 20_000]) {
  say(`The command line on ${resources} resources …`);
  const { files, bytes, milliseconds, peaks } = await measureAnalyze({ resources, times: 3 });
  const theirs = istioctl[resources];
  const took = median(milliseconds) / 1_000;
  add(
    `meshloom analyze, ${resources} resources`,
    took,
    's',
    theirs.seconds,
    `${files} files, ${(bytes / 1e6).toFixed(1)} MB, whole process, median of 3; istioctl analyze: ${theirs.seconds} s, ${(theirs.seconds / took).toFixed(1)} × ours`,
  );
  if (peaks.length === 0) continue;
  add(
    `meshloom analyze, ${resources} resources, peak memory`,
    Math.max(...peaks),
    'MB',
    theirs.megabytes,
    `resident, of all threads; the budget is what istioctl analyze takes`,
  );
}

say('The language server’s memory …');
const { measureServerMemory } = await import('./bench-memory.mjs');
const memory = await withWorkload(5_000, measureServerMemory);
if (memory === undefined) say('This system does not tell how much memory a process has.');
else add('language server, 5000 resources, memory', memory, 'MB', 150, 'resident, when all is read and judged');

say('Red Hat’s yaml-language-server beside ours …');
const { measurePeer } = await import('./bench-peer.mjs');
const beside = await measurePeer({ keystrokes: 30 });
if (beside.skipped) say(`Not compared: ${beside.skipped}`);
else {
  const [theirs, ours] = [median(beside.peer), median(beside.ours)];
  add(
    'keystroke → diagnostics beside yaml-language-server 1.25, median',
    ours,
    'ms',
    theirs,
    `theirs ${theirs.toFixed(0)} ms with Istio’s schemas alone, ${(theirs / ours).toFixed(0)} × ours; the same file of 50 documents alone`,
  );
}

await measureCniPlugin();
await measureActivation();

const width = Math.max(...rows.map(({ what }) => what.length));
console.log(`\nNode ${process.versions.node} on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}\n`);
for (const { what, value, unit, budget, how } of rows) {
  const verdict = value <= budget ? 'ok  ' : 'OVER';
  console.log(
    `${verdict}  ${what.padEnd(width)}  ${value.toFixed(value < 10 ? 2 : 0).padStart(7)} ${unit}   budget ${budget} ${unit}   (${how})`,
  );
}
process.exit(rows.some(({ value, budget }) => value > budget) ? 1 : 0);

/** What our CNI plugin adds to the start of a pod; the budgets of many at once are what Istio's own adds here. */
async function measureCniPlugin() {
  say('The CNI plugin on a real node …');
  const { measureCni } = await import('./bench-cni.mjs');
  const found = await measureCni(say);
  if (found.why) return say(`The CNI plugin is not measured: ${found.why}.`);
  const { without, declined, programmed, install, uninstall, memory, launcher } = found;
  const added = (kind, how) => (kind[how] - without[how]) * 1_000;
  const alone = `of ${(without.alone * 1_000).toFixed(0)} ms without it, by the runtime's own clock, median of 50`;
  const together = `of ${(without.together * 1_000).toFixed(0)} ms without it, mean of 12, median of 3 rounds; the budget is what Istio's own adds`;
  add('CNI plugin: added to one programmed pod', added(programmed, 'alone'), 'ms', 80, alone);
  add('CNI plugin: added to each of 12 declined pods', added(declined, 'together'), 'ms', 230, together);
  add('CNI plugin: added to each of 12 programmed pods', added(programmed, 'together'), 'ms', 580, together);
  add('CNI plugin: install', install * 1_000, 'ms', 1_000, 'the request over pods/exec included');
  add('CNI plugin: uninstall', uninstall * 1_000, 'ms', 1_000, 'the request over pods/exec included');
  add('CNI plugin: agent at rest, memory', memory / 2 ** 20, 'MB', 60, 'resident, 30 s after the last pod');
  add('CNI plugin: its program on the node', launcher / 1_024, 'KiB', 16, 'without libc, for one processor');
}

/** Median of ten starts of the real extension host, each in a fresh window. */
async function measureActivation() {
  const { findHost } = await import('./vscode-host.mjs');
  const { runInEditor } = await import('./editor-session.mjs');
  const host = await findHost();
  const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (host.kind === 'server' && !chromiumPath) return say('No chromium here: activation time is not measured.');
  const scratch = mkdtempSync(join(tmpdir(), 'meshloom-bench-'));
  const folder = join(scratch, 'empty');
  cpSync(join(root, 'media'), folder, { recursive: true }); // a workspace without manifests: nothing activates us before we ask
  const starts = [];
  try {
    for (let start = 1; start <= 10; start++) {
      say(`Activation ${start} of 10 …`);
      starts.push(
        await runInEditor({
          host,
          chromiumPath,
          folder,
          tests: join(root, 'out', 'test', 'activation-time.js'),
          dataDir: join(scratch, 'data'),
          screenshots: join(root, 'out', 'screenshots'),
          timeoutMs: 90_000,
        }),
      );
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  add(
    'activation',
    median(starts.map(({ milliseconds }) => milliseconds)),
    'ms',
    60,
    'loading and activate() as VS Code itself reports it, median of 10 fresh windows',
  );
  const lazy = starts.flatMap(({ loaded }) => loaded);
  add(
    'lazy chunks loaded by activation',
    lazy.length,
    'files',
    0,
    lazy.join(', ') || `of ${readdirSync(join(root, 'dist')).filter((file) => file.endsWith('.js')).length} in dist/`,
  );
}

function repeat(times, measure) {
  return Array.from({ length: times }, measure);
}

function timeOf(command, args) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'ignore' });
  if (status !== 0) fail(`${command} ${args.join(' ')} ended with ${status}`);
  return performance.now() - started;
}
