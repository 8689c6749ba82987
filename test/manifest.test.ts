import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandIds, settingIds, viewIds } from '../extension/ids.ts';

const root = resolve(import.meta.dirname, '..');
const json = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const manifest = json('package.json');
const documentsIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const sorted = (values: Iterable<string>) => [...values].sort();

describe('package.json and the code', () => {
  it('name the same commands', () => {
    const declared = manifest.contributes.commands.map(({ command }: { command: string }) => command);
    expect(sorted(declared)).toEqual(sorted(Object.values(commandIds)));
  });

  it('name the same views', () => {
    const [container] = manifest.contributes.viewsContainers.activitybar;
    const views = manifest.contributes.views[container.id].map(({ id }: { id: string }) => id);
    expect(sorted([container.id, ...views])).toEqual(sorted(Object.values(viewIds)));
  });

  it('name the same settings', () => {
    const declared = manifest.contributes.configuration.flatMap(({ properties }: { properties: object }) =>
      Object.keys(properties),
    );
    expect(sorted(declared)).toEqual(sorted(Object.values(settingIds)));
  });

  it('has a text for every %key% in English and in Chinese, and no text that nobody uses', () => {
    const used = new Set(
      [...readFileSync(join(root, 'package.json'), 'utf8').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key!),
    );
    expect(sorted(Object.keys(json('package.nls.json')))).toEqual(sorted(used));
    expect(sorted(Object.keys(json('package.nls.zh-cn.json')))).toEqual(sorted(used));
  });

  it('names files that are there', () => {
    const [container] = manifest.contributes.viewsContainers.activitybar;
    for (const file of [manifest.icon, container.icon, manifest.main, manifest.bin.meshloom]) {
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  it('leads a newcomer to commands and views that are there', () => {
    const known = new Set<string>(Object.values(commandIds));
    for (const id of Object.values(viewIds)) known.add(`${id}.focus`);
    const steps = manifest.contributes.walkthroughs.flatMap(({ steps: all }: { steps: object[] }) => all);
    const texts = [json('package.nls.json'), json('package.nls.zh-cn.json')];
    const named = [JSON.stringify(steps), ...texts.map((text) => JSON.stringify(text))]
      .flatMap((text) => [...text.matchAll(/(?:command:|onCommand:|onView:)(meshloom\.[\w.]+)/g)])
      .map(([, id]) => id!);
    expect(named.length).toBeGreaterThan(8);
    const views = new Set<string>(Object.values(viewIds));
    expect(named.filter((id) => !known.has(id) && !views.has(id))).toEqual([]);
    for (const { media } of steps as { media: { image: string } }[])
      expect(existsSync(join(root, media.image)), media.image).toBe(true);
  });

  it('has no link in its documents that leads nowhere', () => {
    const documents = ['README.md', 'CONTRIBUTING.md', 'sample/README.md', ...documentsIn('docs')];
    const dead = documents.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\]\(([^)#\s]+)/g)]
        .map(([, link]) => link!)
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(file), link)))
        .map((link) => `${file} → ${link}`),
    );
    expect(dead).toEqual([]);
  });

  it('pins the editor’s types to the oldest editor that is supported', () => {
    expect(`^${manifest.devDependencies['@types/vscode']}`).toBe(manifest.engines.vscode);
  });
});

describe('texts in the user’s language', () => {
  const english = json('l10n/bundle.l10n.json');
  const chinese = json('l10n/bundle.l10n.zh-cn.json');
  const text = (value: string | { message: string }) => (typeof value === 'string' ? value : value.message);

  it('are there in Chinese for every English one, and no others', () => {
    expect(sorted(Object.keys(chinese))).toEqual(sorted(Object.keys(english)));
  });

  it('keep the placeholders of the English text', () => {
    const placeholders = (value: string) => sorted(new Set(value.match(/\{\d+\}/g) ?? []));
    const wrong = Object.keys(english).filter(
      (key) => placeholders(text(english[key])).join() !== placeholders(text(chinese[key] ?? '')).join(),
    );
    expect(wrong).toEqual([]);
  });
});
