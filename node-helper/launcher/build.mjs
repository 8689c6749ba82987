// Compiles the launcher for both processors. The programs are committed, so that packing the extension takes no compiler:
// `node node-helper/launcher/build.mjs` after a change of meshloom-cni.c. compilers.json names what made them.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const here = import.meta.dirname;

export const targets = [
  { program: 'meshloom-cni-x64', compiler: 'gcc', processor: 'x86_64', linker: [] },
  // Its kernels may have pages of 64 KiB: segments stay that far apart in memory, but not in the file.
  {
    program: 'meshloom-cni-arm64',
    compiler: 'aarch64-linux-gnu-gcc',
    processor: 'aarch64',
    linker: ['-Wl,-z,max-page-size=65536'],
  },
];

const flags = [
  ...['-Os', '-std=c11', '-Wall', '-Wextra', '-Werror'],
  // No C library, no start files, nothing that would call into either.
  ...['-nostdlib', '-static', '-ffreestanding', '-fno-stack-protector', '-fno-tree-loop-distribute-patterns'],
  ...['-fno-pie', '-no-pie', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-fno-ident'],
  ...['-ffunction-sections', '-fdata-sections', '-s'],
  ...['-Wl,--gc-sections', '-Wl,--build-id=none', '-Wl,-z,noexecstack', '-Wl,-z,norelro', '-Wl,-z,noseparate-code'],
];

/** Compiler and linker in their own words; undefined when the compiler is not here, or makes programs for another processor. */
export function describeCompiler({ compiler, processor }) {
  const machine = spawnSync(compiler, ['-dumpmachine'], { encoding: 'utf8' });
  if (machine.status !== 0 || !machine.stdout.startsWith(`${processor}-`)) return undefined;
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
  const linker = spawnSync(compiler, ['-print-prog-name=ld'], { encoding: 'utf8' }).stdout.trim();
  const linked = spawnSync(linker, ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0] ?? '';
  return `${version}; ${linked}`;
}

/** @throws an error with what the compiler says. */
export function compile({ compiler, linker }, output) {
  const { status, stderr } = spawnSync(compiler, [...flags, ...linker, '-o', output, 'meshloom-cni.c'], {
    cwd: here,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr || `${compiler} could not be run`);
}

/** What made the committed programs. */
export function readCompilers() {
  const file = join(here, 'compilers.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const compilers = readCompilers();
  for (const target of targets) {
    const description = describeCompiler(target);
    if (!description) {
      console.error(`${target.program} is left as it is: ${target.compiler} for ${target.processor} is not installed.`);
      process.exitCode = 1;
      continue;
    }
    compile(target, join(here, target.program));
    compilers[target.program] = description;
    writeFileSync(join(here, 'compilers.json'), `${JSON.stringify(compilers, undefined, 2)}\n`);
  }
}
