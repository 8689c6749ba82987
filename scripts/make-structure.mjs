// Makes language/schema/istio-crds.json of Istio's own CRDs, when a new release is taken over:
//
//     node scripts/make-structure.mjs crd-all.gen.yaml "istio/istio 1.33.0, 1 Feb 2027"
//
// The first is Istio's manifests/charts/base/files/crd-all.gen.yaml or what `kubectl get crd -o yaml` prints; the second
// is noted in the file. `--stdout` prints instead of writing.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { root } from './setup.mjs';

const [file, source] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (!file || !source) {
  console.error('node scripts/make-structure.mjs <file with CRDs> <what release they are of>');
  process.exit(2);
}
const { structuresOfCrds } = await bundled('language/schema/structure-of-crd.ts');
const structures = structuresOfCrds(readCrds(readFileSync(file, 'utf8')));
const istio = Object.entries(structures)
  .filter(([, { group }]) => group.endsWith('.istio.io'))
  .sort(([a, { group: inA }], [b, { group: inB }]) => (`${inA}/${a}` < `${inB}/${b}` ? -1 : 1));
if (istio.length === 0) {
  console.error(`${file} holds no CRD of Istio`);
  process.exit(1);
}
const text = `${JSON.stringify({ source: `${source} (Apache-2.0); structure only: no descriptions, no CEL`, kinds: Object.fromEntries(istio) })}\n`;
if (process.argv.includes('--stdout')) process.stdout.write(text);
else {
  writeFileSync(join(root, 'language/schema/istio-crds.json'), text);
  console.log(`wrote ${istio.length} kinds: ${istio.map(([kind]) => kind).join(', ')}`);
}

function readCrds(yaml) {
  const documents = parseAllDocuments(yaml).map((document) => document.toJSON());
  return documents.flatMap((object) => (object?.kind?.endsWith('List') ? object.items : [object]));
}

async function bundled(entry) {
  const outfile = join(root, 'out', 'generate', 'structure-of-crd.mjs');
  mkdirSync(join(root, 'out', 'generate'), { recursive: true });
  await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'warning',
  });
  return await import(pathToFileURL(outfile).href);
}
