import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { istioCrds } from './cluster/istio-crds.ts';

const root = join(import.meta.dirname, '..');

test('the structure that is built in comes out of CRDs as it went in', () => {
  const directory = mkdtempSync(join(tmpdir(), 'meshloom-structure-'));
  try {
    const file = join(directory, 'crds.yaml');
    writeFileSync(
      file,
      istioCrds()
        .map((crd) => stringify(crd))
        .join('---\n'),
    );
    const script = join(root, 'scripts/make-structure.mjs');
    const made = execFileSync(process.execPath, [script, file, 'a release', '--stdout'], { encoding: 'utf8' });
    const builtIn = readFileSync(join(root, 'language/schema/istio-crds.json'), 'utf8');
    expect((JSON.parse(made) as { kinds: object }).kinds).toEqual((JSON.parse(builtIn) as { kinds: object }).kinds);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
