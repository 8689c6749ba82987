import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** What each room may see besides itself: rooms, single files of rooms, and packages. `node:` means Node's own modules. */
const maySee: Record<string, { rooms: string[]; packages: RegExp }> = {
  mesh: { rooms: [], packages: /^(@vscode\/l10n|ipaddr\.js|yaml)$/ },
  contract: { rooms: ['mesh'], packages: /^@vscode\/l10n$/ },
  language: { rooms: ['mesh', 'contract'], packages: /^(node:.*|yaml|vscode-languageserver.*|@vscode\/l10n)$/ },
  extension: {
    rooms: ['mesh', 'contract'],
    packages: /^(node:.*|vscode|vscode-languageclient.*|@kubernetes\/client-node|@vscode\/l10n|yaml|ws|undici)$/,
  },
  webviews: {
    rooms: ['mesh', 'contract'],
    packages: /^(lit(\/.*)?|@dagrejs\/dagre|@vscode-elements\/.*|@vscode\/(l10n|codicons.*))$/,
  },
  'node-helper': { rooms: ['mesh', 'contract'], packages: /^(node:.*|@vscode\/l10n)$/ },
  cli: { rooms: ['mesh', 'contract', 'language/index.ts'], packages: /^(node:.*|@vscode\/l10n|sarif)$/ }, // sarif: types of its format, nothing at run time
};

interface Import {
  file: string;
  room: string;
  names: string;
}

/** Every import of every source file; tests may look anywhere and are left out. */
function listImports(room: string): Import[] {
  const files = globSync(`${room}/**/*.ts`, { cwd: root }).filter((file) => !/\.(test|fixture)\.ts$/.test(file));
  return files.flatMap((file) =>
    ts
      .preProcessFile(readFileSync(join(root, file), 'utf8'), true, true)
      .importedFiles.map(({ fileName }) => ({ file: file.split(sep).join('/'), room, names: fileName })),
  );
}

/** `mesh/step.ts` for a relative import, the package's name otherwise. */
function target({ file, names }: Import): string {
  if (!names.startsWith('.')) return names;
  return relative(root, resolve(root, dirname(file), names))
    .split(sep)
    .join('/');
}

describe('the borders between the rooms', () => {
  for (const [room, { rooms, packages }] of Object.entries(maySee)) {
    it(`${room}/ sees only what lies below it`, () => {
      const wrong = listImports(room)
        .map((found) => ({ ...found, target: target(found) }))
        .filter(({ names, target }) =>
          names.startsWith('.')
            ? !(
                target.startsWith(`${room}/`) ||
                rooms.some((allowed) => target === allowed || target.startsWith(`${allowed}/`))
              )
            : !packages.test(names),
        )
        .map(({ file, target }) => `${file} imports ${target}`);
      expect(wrong).toEqual([]);
    });
  }

  it('every relative import names a file that is there, with its ending', () => {
    const broken = Object.keys(maySee)
      .flatMap(listImports)
      .filter(({ names }) => names.startsWith('.'))
      .filter((found) => !existsSync(join(root, target(found))))
      .map(({ file, names }) => `${file}: ${names}`);
    expect(broken).toEqual([]);
  });

  it('only the one adapter imports the Kubernetes client', () => {
    const importers = new Set(
      listImports('extension')
        .filter(({ names }) => names === '@kubernetes/client-node')
        .map(({ file }) => file),
    );
    expect([...importers].filter((file) => file !== 'extension/cluster/client-node-cluster.ts')).toEqual([]);
  });

  it('mesh/ has no clock, no randomness and no I/O', () => {
    const impure = globSync('mesh/**/*.ts', { cwd: root })
      .filter((file) => !file.endsWith('.test.ts'))
      .filter((file) =>
        /\b(Date\.now|new Date\(\)|Math\.random|process\.|fetch\(|setTimeout\()/.test(
          readFileSync(join(root, file), 'utf8'),
        ),
      );
    expect(impure).toEqual([]);
  });
});
