// Builds and packs meshloom-<version>.vsix.
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, root, run, say, setUp } from './setup.mjs';

/** @returns the path of the packed extension. */
export function pack() {
  const vsix = join(root, 'out', 'meshloom.vsix');
  mkdirSync(join(root, 'out'), { recursive: true });
  const arguments_ = [
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--out',
    vsix,
  ];
  if (!run('node', ['esbuild.mjs']) || !run('vsce', arguments_, { stdio: ['ignore', 'ignore', 'inherit'] }))
    fail('The extension could not be packed; the messages are above.');
  return vsix;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setUp();
  const vsix = pack();
  say(`${vsix}: ${(statSync(vsix).size / 1e6).toFixed(2)} MB`);
}
