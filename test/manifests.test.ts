import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Workspace, type Report } from '../language/index.ts';

/**
 * Texts as people have them, each a folder of its own: `#### title | code@line …` (of meshes: lines `#= code kind/name`), then one file. What is said of it
 * in lenient mode, as in an editor, is what stands in the title; most are as they should be, and nothing is said of them.
 */
function casesOf(name: string): [title: string, wanted: string[], text: string][] {
  const all = readFileSync(join(import.meta.dirname, 'data', 'manifests', `${name}.txt`), 'utf8');
  return all
    .replaceAll('\r\n', '\n')
    .split(/^#### /m)
    .filter(Boolean)
    .map((part) => {
      const lineEnd = part.indexOf('\n');
      const [title = '', wanted = ''] = part.slice(0, lineEnd).split(' | ');
      return [title, wanted.split(' ').filter(Boolean), part.slice(lineEnd + 1)];
    });
}

function said(text: string): string[] {
  const failures: unknown[] = [];
  const workspace = new Workspace({ onRuleFailure: (_, error) => failures.push(error) });
  workspace.setFile('file:///manifest.yaml', text);
  const reports = workspace.findings();
  expect(failures).toEqual([]);
  return reports.map(({ code, range }) => `${code}@${range.start.line + 1}`);
}

describe('what Istio takes: tasks of its documentation, and what is built on them', () => {
  test.each(casesOf('istio'))('%s', (_, wanted, text) => expect(said(text)).toEqual(wanted));
});

describe('what stands beside Istio in a repository: charts, overlays, operators, pipelines', () => {
  test.each(casesOf('neighbours'))('%s', (_, wanted, text) => expect(said(text)).toEqual(wanted));
});

describe('the mistakes people make', () => {
  test.each(casesOf('mistakes'))('%s', (_, wanted, text) => {
    expect(wanted).not.toEqual([]);
    expect(said(text)).toEqual(wanted);
  });
});

describe('what Istio says of a whole mesh', () => {
  test.each(casesOf('analyzers'))('%s', (_, _none, text) => {
    const wanted = [...text.matchAll(/^#= (.*)$/gm)].map(([, one]) => one);
    const workspace = new Workspace({ strictness: 'strict' });
    workspace.setFile('file:///mesh.yaml', text);
    const found = workspace.findings().filter(({ code }) => code.startsWith('IST'));
    expect([...new Set(found.map(nameOf))].sort()).toEqual(wanted);
  });
});

/** `IST0101 VirtualService/shop.default (host)` */
function nameOf({ code, resource, refType }: Report): string {
  const name = `${resource?.kind ?? ''}/${resource?.name ?? ''}${resource?.namespace ? `.${resource.namespace}` : ''}`;
  return `${code} ${name}${refType === undefined ? '' : ` (${refType})`}`;
}
