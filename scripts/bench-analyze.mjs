// How long `meshloom analyze` takes for a whole mesh on disk, from the start of the process to its end, and what it needs.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWorkload } from './bench-workload.mjs';
import { root } from './setup.mjs';

/** What `istioctl analyze` takes for as many resources in as many files, measured on a machine of two cores. */
export const istioctl = { 5_000: { seconds: 1.75, megabytes: 159 }, 20_000: { seconds: 6.85, megabytes: 247 } };

/**
 * Writes a workload, analyzes it several times, and removes it.
 * @returns the workload's size, the milliseconds of every run, and the peak of its resident memory in MB where the system tells.
 */
export async function measureAnalyze({ resources, times }) {
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-analyze-'));
  try {
    const workload = writeWorkload({ folder, resources });
    const runs = [];
    for (let run = 0; run < times; run++) runs.push(await analyze(folder));
    return { ...workload, milliseconds: runs.map(({ took }) => took), peaks: runs.flatMap(({ peak }) => peak ?? []) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs something on a workload that is there only meanwhile. */
export async function withWorkload(resources, use) {
  const folder = mkdtempSync(join(tmpdir(), 'meshloom-workload-'));
  try {
    writeWorkload({ folder, resources });
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function analyze(folder) {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'analyze', '--fail-on', 'never', folder], {
    stdio: 'ignore',
  });
  let peak;
  const watch = setInterval(() => (peak = peakMegabytes(child.pid) ?? peak), 20);
  return new Promise((resolve, reject) => {
    child.once('exit', (status) => {
      clearInterval(watch);
      if (status === 0) resolve({ took: performance.now() - started, peak });
      else reject(new Error(`meshloom analyze ended with ${status}`));
    });
  });
}

function peakMegabytes(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return undefined;
  }
}
