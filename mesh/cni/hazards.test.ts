/** Every hazard as it looks on a node: `fixtures/hazards/<code>/net.d` is the directory, `reading.json` what else was read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printCniHazardsDoc } from './hazards-doc.ts';
import { describeCniHazard, listCniHazards } from './hazards.ts';
import type { CniFileText } from './parse-cni-file.ts';
import { type ChainInput, type CniChain, describeChain, type PluginVersions } from './read-chain.ts';

const root = new URL('./fixtures/hazards/', import.meta.url);
const known = [
  ...['bridge', 'host-local', 'portmap', 'flannel', 'cilium-cni', 'aws-cni', 'ovn-k8s-cni-overlay'],
  ...['multus', 'galaxy-sdn', 'istio-cni', 'meshloom-cni'],
];
const speaks = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

function json(code: string, name: string): Record<string, unknown> {
  const file = new URL(`${code}/${name}`, root);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
}

/** The files of the directory, and the answers of programs that work where nothing else is said. */
function reading(code: string): ChainInput {
  const directory = new URL(`${code}/net.d/`, root);
  const more = json(code, 'reading.json') as Partial<ChainInput>;
  const files: CniFileText[] = readdirSync(directory).map((name) => ({
    name,
    content: readFileSync(new URL(name, directory), 'utf8'),
  }));
  const works = known.map((type): PluginVersions => ({
    type,
    path: `/opt/cni/bin/${type}`,
    supportedVersions: speaks,
  }));
  const told = more.plugins ?? [];
  return {
    ...more,
    files: [...files, ...(more.files ?? [])],
    plugins: [...told, ...works.filter(({ type }) => !told.some((plugin) => plugin.type === type))],
  };
}

function chainOf(code: string): CniChain {
  return describeChain(reading(code));
}

const codes = listCniHazards().map(({ code }) => code);

test('every code has a fixture, and every fixture a code', () => {
  expect(readdirSync(root).sort()).toEqual([...codes].sort());
});

test.each(codes)('%s is recognised, and nothing besides what belongs to it', (code) => {
  const { effective, problems } = chainOf(code);
  const expected = json(code, 'expect.json');
  expect(effective?.name).toBe(expected.effective);
  expect(problems).toHaveLength((expected.problems as unknown[]).length);
  expect(problems).toMatchObject(expected.problems as object[]);
  expect(problems.map((problem) => problem.code)).toContain(code);
});

test.each(codes)('%s has a title, a background and a remedy, and its message names what it is about', (code) => {
  const { title, why, whatToDo } = describeCniHazard(code);
  for (const text of [title, why, whatToDo]) expect(text).toMatch(/^[“A-Z].{10,}/s);
  for (const text of [why, whatToDo]) expect(text).toMatch(/\.$/);
  for (const { message, whatToDo: remedy } of chainOf(code).problems) {
    expect(message).not.toMatch(/\{\d\}|undefined/);
    expect(remedy).not.toBe('');
  }
});

test('the page of all hazards is as they are', async () => {
  const examples = codes.map((code) => {
    const problem = chainOf(code).problems.find((candidate) => candidate.code === code)!;
    const files = reading(code).files.filter(({ content }) => content !== undefined);
    return { code, problem, files };
  });
  // Written anew by `vitest -u`.
  await expect(printCniHazardsDoc(examples)).toMatchFileSnapshot('../../docs/cni-hazards.md');
});
