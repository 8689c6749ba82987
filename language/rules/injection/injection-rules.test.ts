import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Finding, TextEdit } from '../../finding.ts';
import { parse } from '../../parse.ts';
import { findPodSource, type Resource } from '../../resource.ts';
import type { ByKind, Rule } from '../../rule.ts';
import { injectionRules } from './index.ts';

type Told = Finding & { rule: Rule };

/** What the injection rules say of a text, in the order of its lines. */
function analyze(text: string): Told[] {
  const resources = parse(text, 'file:///x.yaml').documents.flatMap((document) => document.resources);
  const byKind = new Proxy({} as ByKind, {
    get: (_, kind: string) =>
      kind === 'AnyPod'
        ? resources.map(findPodSource).filter((pod) => pod !== undefined)
        : resources.filter((resource: Resource) => resource.kind === kind),
  });
  const context = {
    strictness: 'lenient',
    clusterDomain: 'cluster.local',
    rootNamespace: 'istio-system',
    knowsAll: () => false,
    meshConfig: undefined,
    mayBeHidden: () => false,
  } as const;
  const told = injectionRules.flatMap((rule) =>
    [...rule.check(byKind, context)].map((finding) => ({ ...finding, rule })),
  );
  return told.sort((a, b) => a.at.mark.start.line - b.at.mark.start.line || (a.rule.id < b.rule.id ? -1 : 1));
}

const summary = (told: Told[]) => told.map(({ at, rule }) => `${at.mark.start.line + 1} ${rule.id}`);

function wanted(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const ids =
      /# want: (.*)$/
        .exec(line)?.[1]
        ?.split(',')
        .map((id) => id.trim()) ?? [];
    return ids.sort().map((id) => `${index + 1} ${id}`);
  });
}

function apply(text: string, edits: TextEdit[]): string {
  const lines = text.split('\n');
  const offset = ({ line, character }: { line: number; character: number }) =>
    lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
  return [...edits]
    .sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce(
      (result, { range, newText }) => result.slice(0, offset(range.start)) + newText + result.slice(offset(range.end)),
      text,
    );
}

describe.each(injectionRules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const text = readFileSync(new URL(`./${id.split('/')[1]}.yaml`, import.meta.url), 'utf8');

  it('reports what its fixture wants, and leaves the rest in peace', () => {
    const told = analyze(text);
    expect(told.some((one) => one.rule === rule)).toBe(true);
    expect(summary(told)).toEqual(wanted(text));
  });

  it('offers fixes that leave nothing to fix and break nothing', () => {
    const before = analyze(text);
    for (const [index, told] of before.entries()) {
      if (told.rule !== rule) continue;
      for (const fix of told.fixes ?? []) {
        const fixed = apply(text, fix.edits());
        expect(fixed).not.toBe(text);
        const problems = parse(fixed, 'file:///x.yaml').documents.flatMap((document) => document.problems);
        expect(problems, `${fix.title}\n${fixed}`).toEqual([]);
        const ids = (list: Told[]) => list.map((one) => one.rule.id).sort();
        const after = ids(analyze(fixed));
        const expected = ids(before.filter((_, other) => other !== index));
        // Nothing new; sometimes it takes a second finding on the same line along.
        for (const left of new Set(after))
          expect(
            after.filter((one) => one === left).length,
            `${fix.title} leaves ${left}\n${fixed}`,
          ).toBeLessThanOrEqual(expected.filter((one) => one === left).length);
      }
    }
  });

  it('never throws on half a text', () => {
    for (let end = 0; end < text.length; end += 7) analyze(text.slice(0, end));
  });
});

describe('ranges', () => {
  const said = (text: string) =>
    analyze(text).map(({ at }) =>
      text.split('\n')[at.mark.start.line]!.slice(at.mark.start.character, at.mark.end.character),
    );
  const pod = (line: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: cart\n  annotations:\n    ${line}\nspec: {}\n`;

  it('underlines the wrong item inside a list, in quotes or not', () => {
    expect(said(pod('traffic.sidecar.istio.io/excludeOutboundPorts: "3306, mysql ,80"'))).toEqual(['mysql']);
    expect(said(pod("traffic.sidecar.istio.io/excludeOutboundPorts: '3306,99999'"))).toEqual(['99999']);
    expect(said(pod('traffic.sidecar.istio.io/excludeOutboundPorts: 3306,mysql'))).toEqual(['mysql']);
    expect(said(pod('traffic.sidecar.istio.io/excludeOutboundIPRanges: "10.0.0.0/8, 10.0.0.1/32"'))).toEqual([
      ' 10.0.0.1/32',
    ]);
  });

  it('underlines the name of an unknown annotation, and of a misplaced one', () => {
    expect(said(pod('"sidecar.istio.io/injcet": "true"'))).toEqual(['"sidecar.istio.io/injcet"']);
  });
});

describe('severity', () => {
  it('is an error only where the API server refuses the object', () => {
    for (const rule of injectionRules)
      expect([rule.id, rule.severity === 'error']).toEqual([rule.id, rule.id === 'injection/unquoted-metadata-value']);
    const namespace = (value: string) =>
      analyze(
        `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    istio-injection: ${value}\n`,
      )[0]!;
    expect(namespace('true')).toMatchObject({ severity: 'error', code: 'ML0104' });
    expect(namespace('"true"').severity).toBeUndefined();
  });
});
