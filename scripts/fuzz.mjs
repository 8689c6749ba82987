// `npm run fuzz`: at least 100,000 bent documents through everything that reads text. `npm run fuzz -- --runs N --seed S --minutes M`.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { root, say, setUp } from './setup.mjs';

await setUp();
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    minutes: { type: 'string', default: '30' },
  },
});
const [runs, seed, minutes] = [values.runs, values.seed, values.minutes].map(Number);
const outfile = join(root, 'out', 'generate', 'fuzz.mjs');
await build({
  entryPoints: [join(root, 'language', 'fuzz.fixture.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile,
  logLevel: 'warning',
  loader: { '.yaml': 'text' },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const { fuzz, hurt } = await import(pathToFileURL(outfile).href);

const slowestAllowed = 1_000;
say('Texts that were made to hurt …');
let worst = { title: '', milliseconds: 0 };
let slow = 0;
for (const { title, milliseconds } of hurt()) {
  // A hundred thousand documents are a hundred thousand times something: the limit is for the text of one.
  if (milliseconds > slowestAllowed && !title.includes('documents')) {
    slow++;
    say(`slow: ${title}: ${Math.round(milliseconds)} ms`);
  }
  if (milliseconds > worst.milliseconds) worst = { title, milliseconds };
}
say(`the slowest, ${worst.title}: ${Math.round(worst.milliseconds)} ms until all findings`);

const fixtures = globSync(['language/rules/**/*.yaml', 'sample/**/*.yaml', 'extension/demo/**/*.yaml'], {
  cwd: root,
}).map((file) => readFileSync(join(root, file), 'utf8'));
say(`${runs} documents bent from ${fixtures.length} files, seed ${seed}, for ${minutes} minutes at most …`);
const started = performance.now();
const { figures, failure } = fuzz(fixtures, runs, seed, minutes * 60_000);
const seconds = (performance.now() - started) / 1_000;
console.log(
  `\n${figures.documents} texts in ${Math.round(seconds)} s (seed ${seed}): ${figures.findings} findings, ` +
    `${figures.plain} documents read by the plain reader and compared with the whole parser, slowest ${Math.round(figures.slowest)} ms`,
);
if (figures.slowest > slowestAllowed) console.log(`The slowest text begins with:\n${figures.slowestText}`);
if (failure) console.log(failure);
process.exit(failure || slow > 0 || figures.slowest > slowestAllowed ? 1 : 0);
