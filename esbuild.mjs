// Builds every program into dist/ (and the in-editor test suite into out/). `--watch` rebuilds on change, `--dev` keeps names.
import { build, context } from 'esbuild';
import { cp, mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

const watch = process.argv.includes('--watch');
const development = watch || process.argv.includes('--dev');

/**
 * Modules that become bundles of their own, loaded when first used: a dynamic `import()` of a module with this file name
 * becomes a `require` of its bundle in dist/. They keep the Kubernetes client out of the activation path.
 */
const lazyChunks = {
  'client-node-cluster.ts': {
    out: 'kubernetes',
    entry: 'extension/cluster/client-node-cluster.ts',
    // Our requests go through node:http(s): the client's own HTTP library would double the chunk and serve nobody.
    alias: { undici: './extension/cluster/no-undici.ts' },
  },
  'demo-cluster.ts': { out: 'demo', entry: 'extension/demo/demo-cluster.ts' },
  'inspection.ts': { out: 'inspection', entry: 'extension/inspection.ts' },
  'language-client.ts': { out: 'language-client', entry: 'extension/language-client.ts' },
};

const lazyChunkPlugin = {
  name: 'lazy-chunks',
  setup(builder) {
    builder.onResolve({ filter: /\.ts$/ }, ({ path, kind }) => {
      const chunk = kind === 'dynamic-import' ? lazyChunks[basename(path)] : undefined;
      return chunk && { path: `./${chunk.out}.js`, external: true };
    });
  },
};

const shared = {
  bundle: true,
  minify: !development,
  sourcemap: development ? 'linked' : false,
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: import.meta.dirname,
};
const onNode = {
  ...shared,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  mainFields: ['module', 'main'],
  loader: { '.yaml': 'text' },
};
const inHost = {
  ...onNode,
  target: 'node22',
  external: ['vscode'],
  supported: { 'dynamic-import': false },
  plugins: [lazyChunkPlugin],
};
const inBrowser = { ...shared, platform: 'browser', format: 'iife', target: 'es2022', loader: { '.ttf': 'dataurl' } };

export const programs = [
  { ...inHost, entryPoints: { extension: 'extension/main.ts' }, outdir: 'dist' },
  ...Object.values(lazyChunks).map(({ out, entry, alias }) => ({
    ...inHost,
    entryPoints: { [out]: entry },
    outdir: 'dist',
    ...(alias && { alias }),
  })),
  { ...onNode, entryPoints: { 'language-server': 'language/server/main.ts' }, outdir: 'dist' },
  { ...onNode, entryPoints: { 'node-helper': 'node-helper/main.ts' }, outdir: 'dist' },
  // Runs beside the command line, and finds the Kubernetes client in the editor's chunk.
  {
    ...onNode,
    entryPoints: { 'cluster-snapshot': 'extension/cluster/snapshot-program.ts' },
    outdir: 'dist',
    supported: { 'dynamic-import': false },
    plugins: [lazyChunkPlugin],
  },
  { ...onNode, entryPoints: { cli: 'cli/main.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  { ...inBrowser, entryPoints: { 'webviews/interception': 'webviews/interception/main.ts' }, outdir: 'dist' },
  { ...inBrowser, entryPoints: { 'webviews/service-path': 'webviews/service-path/main.ts' }, outdir: 'dist' },
  { ...inBrowser, entryPoints: { 'webviews/cni-chain': 'webviews/cni-chain/main.ts' }, outdir: 'dist' },
  { ...inBrowser, entryPoints: { gallery: 'webviews/gallery/main.ts' }, outdir: 'out/gallery' },
  { ...inBrowser, entryPoints: { 'service-path': 'webviews/gallery/service-path.ts' }, outdir: 'out/gallery' },
  { ...inBrowser, entryPoints: { 'cni-chain': 'webviews/gallery/cni-chain.ts' }, outdir: 'out/gallery' },
  {
    ...onNode,
    entryPoints: { index: 'test/in-editor/index.ts', 'activation-time': 'test/in-editor/activation-time.ts' },
    outdir: 'out/test',
    external: ['vscode', 'mocha'],
  },
];

async function copyStaticFiles() {
  await mkdir('dist', { recursive: true });
  await mkdir('out/gallery', { recursive: true });
  for (const page of ['index.html', 'service-path.html', 'cni-chain.html'])
    await cp(`webviews/gallery/${page}`, `out/gallery/${page}`);
  await cp('extension/demo/recordings', 'dist/recordings', { recursive: true });
  for (const cpu of ['x64', 'arm64']) await cp(`node-helper/launcher/meshloom-cni-${cpu}`, `dist/meshloom-cni-${cpu}`);
}

const present = programs.filter(({ entryPoints }) => {
  const [entry] = Object.values(entryPoints);
  if (!existsSync(entry)) console.warn(`esbuild: ${entry} is not there`);
  return existsSync(entry);
});
if (present.length < programs.length && !development) process.exit(1);
await copyStaticFiles().catch((error) => {
  if (!development) throw error;
  console.warn(error.message);
});
if (watch) {
  for (const program of present) await (await context(program)).watch();
  console.log('esbuild: watching');
} else {
  await Promise.all(present.map((program) => build(program)));
}
