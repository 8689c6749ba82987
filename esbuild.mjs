// Builds every program into dist/ (and the in-editor test suite into out/). `--watch` rebuilds on change, `--dev` keeps names.
import { build, context } from 'esbuild';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';

const watch = process.argv.includes('--watch');
const development = watch || process.argv.includes('--dev');

/**
 * Modules that become bundles of their own, loaded when first used: a dynamic `import()` of a module with this file name
 * becomes a `require` of its bundle in dist/. They keep all but the registering out of the activation path.
 */
const lazyChunks = {
  'client-node-cluster.ts': {
    out: 'kubernetes',
    entry: 'extension/cluster/client-node-cluster.ts',
    // Our requests go through node:http(s): the client's own HTTP library would double the chunk and serve nobody.
    alias: { undici: './extension/cluster/no-undici.ts' },
  },
  'open-app.ts': { out: 'app', entry: 'extension/open-app.ts' },
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

/** `yaml` is in one file of its own that the others share: in each of them it would be 35 KB of the download. */
const sharedYamlPlugin = {
  name: 'shared-yaml',
  setup(builder) {
    builder.onResolve({ filter: /^yaml$/ }, () => ({ path: './yaml.js', external: true }));
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
  plugins: [lazyChunkPlugin, sharedYamlPlugin],
};
const inBrowser = { ...shared, platform: 'browser', format: 'iife', target: 'es2022', loader: { '.ttf': 'dataurl' } };

/** What starts each of the two programs in `dist/engine.js`; the other one's code is not run. */
const engineStarters = {
  'cli.js': `#!/usr/bin/env node\nrequire('./engine.js').startCli();\n`,
  'language-server.js': `require('./engine.js').startLanguageServer();\n`,
};

const twoPrograms = {
  contents: `export const startCli = () => require('./cli/main.ts');
    export const startLanguageServer = () => require('./language/server/main.ts');`,
  resolveDir: import.meta.dirname,
  sourcefile: 'engine.js',
};

const wholeYaml = { contents: `export * from 'yaml';`, resolveDir: import.meta.dirname, sourcefile: 'yaml.js' };

export const programs = [
  { ...inHost, entryPoints: { extension: 'extension/main.ts' }, outdir: 'dist' },
  ...Object.values(lazyChunks).map(({ out, entry, alias }) => ({
    ...inHost,
    entryPoints: { [out]: entry },
    outdir: 'dist',
    ...(alias && { alias }),
  })),
  // Two programs around one engine: in one file, because twice it would be a tenth of the download.
  { ...onNode, stdin: twoPrograms, outfile: 'dist/engine.js', plugins: [sharedYamlPlugin] },
  { ...onNode, stdin: wholeYaml, outfile: 'dist/yaml.js' },
  { ...onNode, entryPoints: { 'node-helper': 'node-helper/main.ts' }, outdir: 'dist' },
  // Runs beside the command line, and finds the Kubernetes client in the editor's chunk.
  {
    ...onNode,
    entryPoints: { 'cluster-snapshot': 'extension/cluster/snapshot-program.ts' },
    outdir: 'dist',
    supported: { 'dynamic-import': false },
    plugins: [lazyChunkPlugin, sharedYamlPlugin],
  },
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
  await removeLeftovers();
  await mkdir('out/gallery', { recursive: true });
  for (const page of ['index.html', 'service-path.html', 'cni-chain.html'])
    await cp(`webviews/gallery/${page}`, `out/gallery/${page}`);
  await cp('extension/demo/recordings', 'dist/recordings', { recursive: true });
  for (const [name, text] of Object.entries(engineStarters)) await writeFile(`dist/${name}`, text, { mode: 0o755 });
  for (const cpu of ['x64', 'arm64']) await cp(`node-helper/launcher/meshloom-cni-${cpu}`, `dist/meshloom-cni-${cpu}`);
}

/** What an earlier build left and this one does not make would be packed with the rest. */
async function removeLeftovers() {
  const made = new Set([
    ...Object.keys(engineStarters),
    ...programs.flatMap(({ outfile, entryPoints = {} }) =>
      outfile ? [basename(outfile)] : Object.keys(entryPoints).map((name) => `${name}.js`),
    ),
  ]);
  for (const name of await readdir('dist'))
    if (/\.js(\.map)?$/.test(name) && !made.has(name.replace(/\.map$/, ''))) await rm(`dist/${name}`);
}

const present = programs.filter(({ entryPoints = {} }) => {
  const [entry] = Object.values(entryPoints);
  if (entry === undefined) return true;
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
