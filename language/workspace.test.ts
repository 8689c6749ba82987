import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineRule, finding } from './rule.ts';
import { samples } from './samples.fixture.ts';
import { Workspace } from './workspace.ts';
import type { Report } from './workspace.ts';

const virtualService = (more = '') => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: front
  namespace: shop${more}
spec:
  hosts: [front.example.com]
  gateways: [edge]
  http:
    - route:
        - destination: { host: front, subset: v1 }
          weigth: 1
`;
const gateway =
  'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: shop}\nspec:\n  servers:\n  - port: {number: 80, name: http, protocol: HTTP}\n    hosts: ["*"]\n';
const destinationRule =
  'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: front, namespace: shop}\nspec: {host: front, subsets: [{name: v1, labels: {version: v1}}]}\n';

describe('files and findings', () => {
  test('what another file defines, changes and takes away again, is seen at once', () => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', virtualService());
    expect(refTypes(workspace)).toEqual(['gateway', 'host+subset in destinationrule']);
    workspace.setFile('b.yaml', gateway);
    workspace.setFile('c.yaml', destinationRule);
    expect(refTypes(workspace)).toEqual([]);
    workspace.setFile('b.yaml', gateway.replace('edge', 'other'));
    expect(refTypes(workspace)).toEqual(['gateway']);
    workspace.removeFile('b.yaml');
    workspace.removeFile('c.yaml');
    expect(refTypes(workspace)).toEqual(['gateway', 'host+subset in destinationrule']);
  });

  test('a finding moves with its document when lines are added above', () => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', `${gateway}---\n${virtualService()}`);
    const line = lineOf(workspace, 'structure/unknown-field');
    workspace.setFile('a.yaml', `# one\n# two\n${gateway}---\n${virtualService()}`);
    expect(lineOf(workspace, 'structure/unknown-field')).toBe(line + 2);
  });

  test('a Helm template that may define it makes nothing missing, but strict does not ask', () => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', virtualService());
    workspace.setFile('t.yaml', gateway.replace('edge', '{{ .Values.name }}'));
    expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
    workspace.configure({ strictness: 'strict' });
    expect(refTypes(workspace)).toEqual(['gateway', 'host', 'host+subset in destinationrule']);
  });

  test('is sorted, and names the resource', () => {
    const workspace = new Workspace({ defaultNamespace: 'somewhere' });
    workspace.setFile('b.yaml', virtualService().replace('\n  namespace: shop', ''));
    workspace.setFile('a.yaml', virtualService());
    const places = workspace.findings().map(({ uri, range }) => [uri, range.start.line]);
    expect(places).toEqual(
      places.toSorted((a, b) => (a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : Number(a[1]) - Number(b[1]))),
    );
    expect(workspace.findings().at(-1)?.resource).toEqual({
      kind: 'VirtualService',
      namespace: 'somewhere',
      name: 'front',
    });
  });

  test('a rule that throws loses its own findings only, and is named to who logs', () => {
    const failed: string[] = [];
    const sound = defineRule({
      id: 'a/sound',
      code: 'ML9998',
      severity: 'info',
      docs: 'https://x',
      why: 'x.',
      reads: ['Gateway'],
      *check({ Gateway }) {
        for (const { metadata } of Gateway) yield finding(metadata.at('name'), 'seen');
      },
    });
    const broken = defineRule({
      id: 'a/broken',
      code: 'ML9999',
      severity: 'info',
      docs: 'https://x',
      why: 'x.',
      reads: ['Gateway'],
      check: () => {
        throw new Error('bug');
      },
    });
    const workspace = new Workspace({ rules: [broken, sound], onRuleFailure: ({ id }) => failed.push(id) });
    workspace.setFile('a.yaml', gateway);
    expect(workspace.findings().map(({ rule }) => rule)).toEqual(['a/sound']);
    expect(failed).toEqual(['a/broken']);
  });
});

describe('what a person silenced', () => {
  test.each([
    [
      'a code in the annotation',
      `\n  annotations: {galley.istio.io/analyze-suppress: "IST0106, IST0107"}`,
      ['IST0101', 'IST0101'],
    ],
    ['everything in the annotation', `\n  annotations: {galley.istio.io/analyze-suppress: "*"}`, []],
    [
      'another code in the annotation',
      `\n  annotations: {galley.istio.io/analyze-suppress: IST0999}`,
      ['IST0101', 'IST0101', 'IST0106'],
    ],
  ])('%s', (_, more, codes) => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', virtualService(more));
    expect(codesOf(workspace)).toEqual(codes);
  });

  test.each([
    ['  # meshloom-disable-next-line', ['IST0101', 'IST0106']],
    ['  # meshloom-disable-next-line IST0101', ['IST0101', 'IST0106']],
    ['  # meshloom-disable-next-line ML0001, virtual-service/gateway-not-found', ['IST0101', 'IST0106']],
    ['  # meshloom-disable-next-line IST0106', ['IST0101', 'IST0101', 'IST0106']],
  ])('the next line: %s', (comment, codes) => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', virtualService().replace('  gateways', `${comment}\n  gateways`));
    expect(codesOf(workspace)).toEqual(codes);
  });
});

describe('other YAML in the folder', () => {
  test('is nobody’s business, also when it is broken', () => {
    const workspace = new Workspace();
    workspace.setFile('docker-compose.yaml', 'services: [a\n  b: {');
    workspace.setFile('values.yaml', 'replicas: {{ broken');
    expect(workspace.findings()).toEqual([]);
  });
});

describe('Kustomize', () => {
  test('a patch is neither a resource of its own nor incomplete', () => {
    const workspace = new Workspace();
    const patch = virtualService().replace('spec:', 'spec:\n  wrong: 1');
    workspace.setFile('file:///k/base/a.yaml', destinationRule);
    workspace.setFile('file:///k/over%20lay/patch.yaml', patch);
    expect(workspace.findings()).not.toEqual([]);
    workspace.setFile(
      'file:///k/app/kustomization.yaml',
      'resources: [../base]\npatches:\n- path: ../over lay/./patch.yaml\n- patch: |\n    a: b\n',
    );
    expect(workspace.findings()).toEqual([]);
    expect(workspace.skipped()).toEqual([{ uri: 'file:///k/over%20lay/patch.yaml', reason: 'patch', line: 0 }]);
    workspace.removeFile('file:///k/app/kustomization.yaml');
    expect(workspace.findings()).not.toEqual([]);
  });
});

describe('kinds', () => {
  test('a kind that Istio does not have is named, with the one that was meant', () => {
    const workspace = new Workspace();
    workspace.setFile('a.yaml', 'apiVersion: networking.istio.io/v1\nkind: VirtualServce\nmetadata: {name: a}\n');
    const [report] = workspace.findings();
    expect(report).toMatchObject({ code: 'IST0106', range: { start: { line: 1, character: 6 } } });
    expect(report?.message).toContain('Did you mean "VirtualService"?');
    workspace.setFile('a.yaml', 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n');
    expect(workspace.findings()).toEqual([]);
  });
});

describe('incremental work', () => {
  test('gives what a cold run over the same files gives, after any edits', () => {
    const uris = ['a.yaml', 'b.yaml', 'c.yaml'];
    const texts = [...samples, virtualService(), gateway, destinationRule, gateway.replace('edge', '{{ .x }}')];
    const text = fc.array(fc.constantFrom(...texts), { maxLength: 3 }).map((parts) => parts.join('---\n'));
    const edit = fc.oneof(
      fc.record({ uri: fc.constantFrom(...uris), text, cut: fc.option(fc.nat({ max: 60 }), { nil: undefined }) }),
      fc.record({ uri: fc.constantFrom(...uris), text: fc.constant(undefined), cut: fc.constant(undefined) }),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
        const warm = new Workspace();
        const files = new Map<string, string>();
        for (const { uri, text: content, cut } of edits) {
          if (content === undefined) {
            files.delete(uri);
            warm.removeFile(uri);
          } else {
            const typed = cut === undefined ? content : content.slice(0, -cut);
            files.set(uri, typed);
            warm.setFile(uri, typed);
          }
          const cold = new Workspace();
          for (const [name, content] of files) cold.setFile(name, content);
          expect(plain(warm.findings())).toEqual(plain(cold.findings()));
        }
      }),
      { numRuns: 150 },
    );
  });
});

function plain(reports: Report[]): unknown[] {
  return reports.map((report) => ({
    ...report,
    fixes: report.fixes.map(({ title, edits }) => ({ title, edits: edits() })),
  }));
}

function refTypes(workspace: Workspace): string[] {
  return workspace
    .findings()
    .flatMap(({ refType }) => refType ?? [])
    .sort();
}

function codesOf(workspace: Workspace): string[] {
  return workspace
    .findings()
    .map(({ code }) => code)
    .sort();
}

function lineOf(workspace: Workspace, rule: string): number {
  return workspace.findings().find((report) => report.rule === rule)?.range.start.line ?? -1;
}
