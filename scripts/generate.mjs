// Makes the committed files that have a source: docs/rules.md from the rules, l10n/bundle.l10n.json from the texts in the
// code. `--check` changes nothing and fails when one of them is not as its source makes it.
import { build } from 'esbuild';
import { getL10nJson } from '@vscode/l10n-dev';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

await setUp();
const check = process.argv.includes('--check');

const generated = {
  'docs/rules.md': await rulesPage(),
  'l10n/bundle.l10n.json': await englishTexts(),
};
const stale = Object.entries(generated).filter(
  ([file, text]) => !existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== text,
);
if (check) {
  for (const [file] of stale) console.error(`${file} is not as its source makes it: run  npm run generate`);
  process.exit(stale.length > 0 ? 1 : 0);
}
for (const [file, text] of stale) {
  writeFileSync(join(root, file), text);
  console.log(`wrote ${file}`);
}
reportUntranslated();

async function rulesPage() {
  const outfile = join(root, 'out', 'generate', 'rules-doc.mjs');
  mkdirSync(join(root, 'out', 'generate'), { recursive: true });
  await build({
    entryPoints: [join(root, 'language', 'rules-doc.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    loader: { '.yaml': 'text' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  const { printRulesDoc } = await import(pathToFileURL(outfile).href);
  const fixtures = globSync('language/rules/**/*.yaml', { cwd: root }).map((file) => [
    file.replaceAll('\\', '/').replace(/^language\/rules\/|\.yaml$/g, ''),
    readFileSync(join(root, file), 'utf8'),
  ]);
  return printRulesDoc(new Map(fixtures));
}

/** Every text that the code hands to `l10n.t`, in one bundle: it serves the editor's own API and @vscode/l10n alike. */
async function englishTexts() {
  const sources = globSync('{mesh,contract,language,extension,webviews}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort()
    .map((file) => ({ extension: '.ts', contents: readFileSync(join(root, file), 'utf8') }));
  const texts = await getL10nJson(sources);
  const sorted = Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}

/** What a translator has to do next. */
function reportUntranslated() {
  const file = join(root, 'l10n', 'bundle.l10n.zh-cn.json');
  const chinese = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const english = JSON.parse(generated['l10n/bundle.l10n.json']);
  const missing = Object.keys(english).filter((key) => !(key in chinese));
  const left = Object.keys(chinese).filter((key) => !(key in english));
  if (missing.length > 0)
    console.log(`zh-cn lacks ${missing.length} texts:\n${missing.map((key) => `  ${JSON.stringify(key)}`).join('\n')}`);
  if (left.length > 0)
    console.log(
      `zh-cn has ${left.length} texts that nobody uses any more:\n${left.map((key) => `  ${JSON.stringify(key)}`).join('\n')}`,
    );
}
