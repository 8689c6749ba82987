import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from './parse.ts';
import { samples } from './samples.fixture.ts';
import { Workspace } from './workspace.ts';

const uri = 'file:///a.yaml';

describe('what a file holds', () => {
  test('keeps several documents apart, whatever stands between them', () => {
    const file = parse(
      '# first\n---\nkind: Pod\napiVersion: v1\n--- # second\n{"kind": "Service", "apiVersion": "v1"}\n---\n---\n',
      uri,
    );
    expect(file.documents.flatMap(({ resources }) => resources.map(({ kind }) => kind))).toEqual(['Pod', 'Service']);
    expect(file.documents.flatMap(({ problems }) => problems)).toEqual([]);
  });

  test('takes the objects out of lists, nested ones too', () => {
    const pod = '{apiVersion: v1, kind: Pod, metadata: {name: a}}';
    const list = `{apiVersion: v1, kind: PodList, items: [${pod}]}`;
    expect(kinds(`apiVersion: v1\nkind: List\nitems:\n- ${pod}\n- ${list}\n`)).toEqual(['Pod', 'Pod']);
  });

  test('tells kinds of one name apart by their group', () => {
    expect(kinds('apiVersion: serving.knative.dev/v1\nkind: Service\n')).toEqual([]);
    expect(kinds('apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n')).toEqual(['K8sGateway']);
    expect(kinds('apiVersion: networking.istio.io/v1beta1\nkind: Gateway\n')).toEqual(['Gateway']);
  });

  test('reads JSON indented with tabs', () => {
    const [resource] = resources('{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {"name": "a\\/b"}\n}');
    expect(resource?.name).toBe('a/b');
    expect(resource?.metadata.at('name').mark).toEqual({
      start: { line: 3, character: 22 },
      end: { line: 3, character: 28 },
    });
  });

  test('resolves plain scalars as Kubernetes does, not as YAML 1.2', () => {
    const [pod] = resources(
      'apiVersion: v1\nkind: Pod\nspec: {a: yes, b: "yes", c: 0755, d: 1_000, e: 1:30, f: ~, g: , h: 1e3, i: 2024-01-01, j: 0x1F, k: !!str 5}\n',
    );
    expect(pod?.spec.toJSON()).toEqual({
      a: true,
      b: 'yes',
      c: 493,
      d: 1000,
      e: '1:30',
      f: null,
      g: null,
      h: 1000,
      i: '2024-01-01',
      j: 31,
      k: '5',
    });
  });

  test('takes y, n and on for booleans, as keys too', () => {
    const [pod] = resources('apiVersion: v1\nkind: Pod\nspec: {a: y, b: N, on: 1, "y": 2}\n');
    expect(pod?.spec.toJSON()).toEqual({ a: true, b: false, true: 1, y: 2 });
  });

  test('resolves aliases and merge keys, and leaves the values where they are written', () => {
    const [pod] = resources(
      'apiVersion: v1\nkind: Pod\nmetadata:\n  labels: &l\n    app: a\n  annotations:\n    <<: *l\n    b: c\nspec: *l\n',
    );
    expect(pod?.metadata.at('annotations').toJSON()).toEqual({ b: 'c', app: 'a' });
    expect(pod?.spec.at('app').mark.start).toEqual({ line: 4, character: 9 });
    expect(pod?.spec.range.start).toEqual({ line: 8, character: 6 });
  });

  test('does not walk into an alias bomb', () => {
    const lines = Array.from(
      { length: 30 },
      (_, index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]`,
    );
    const file = parse(`apiVersion: v1\nkind: Pod\na0: &a0 x\n${lines.join('\n')}\n`, uri);
    expect(file.documents[0]?.problems.map(({ kind }) => kind)).toEqual(['too-large']);
    expect(file.documents[0]?.resources).toEqual([]);
  });

  test('an alias of itself ends', () => {
    expect(() => parse('apiVersion: v1\nkind: Pod\nspec: &a\n  b: *a\n', uri)).not.toThrow();
  });

  test('what is missing is reported on what would hold it', () => {
    const [pod] = resources('apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    app: a\n');
    expect(pod?.metadata.at('annotations', 'x', 'y').mark).toEqual({
      start: { line: 2, character: 0 },
      end: { line: 2, character: 8 },
    });
    expect(pod?.spec.exists).toBe(false);
  });

  test('notes a key that stands twice, and takes the last', () => {
    const file = parse('apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nmetadata: {name: b}\n', uri);
    expect(file.documents[0]?.resources[0]?.name).toBe('b');
    expect(file.documents[0]?.problems.map(({ kind, at }) => [kind, at.mark.start.line])).toEqual([
      ['duplicate-key', 3],
    ]);
  });
});

describe('what is left in peace', () => {
  test.each([
    ['a Helm template', 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n', 'template'],
    [
      'a template with an action of its own line',
      '{{- if .Values.on }}\napiVersion: v1\nkind: Pod\n{{- end }}\n',
      'template',
    ],
    ['a quoted template', 'apiVersion: v1\nkind: Pod\nspec: {port: "{{ .Values.port }}"}\n', 'template'],
    ['merge conflicts', 'apiVersion: v1\n<<<<<<< HEAD\nkind: Pod\n=======\nkind: Service\n>>>>>>> other\n', 'conflict'],
    ['binary data', 'PK\u0003\u0004\0\0', 'binary'],
    ['ten megabytes', 'a'.repeat(10 * 1024 * 1024 + 1), 'too-large'],
  ])('%s', (_, text, reason) => {
    const file = parse(text, uri);
    expect(file.documents.map(({ skipped }) => skipped)).toEqual([reason]);
    expect(file.documents.flatMap(({ resources }) => resources)).toEqual([]);
  });

  test('braces in comments and in text blocks are no template', () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap # {{ no }}\ndata:\n  alert: |\n    {{ $labels.pod }}\n  - {{\n  x: y\n';
    expect(kinds(text.replace('  - {{\n', ''))).toEqual(['ConfigMap']);
  });
  test('nor are they in the text blocks of JSON, as kubectl prints the ConfigMap of an injector', () => {
    const json = (config: string) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data: { config } });
    expect(kinds(json('templates:\n  sidecar: |\n    name: {{ .Name }}\n'))).toEqual(['ConfigMap']);
    expect(parse(json('{{ .Values.config }}'), uri).documents[0]?.skipped).toBe('template');
    expect(parse('{{ include "a\\n" . }}', uri).documents[0]?.skipped).toBe('template');
  });

  test('a template tells which kinds it may define', () => {
    const file = parse('apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: {{ .x }}}\n', uri);
    expect(file.documents[0]?.mentions).toEqual(['DestinationRule']);
  });
});

describe('half-typed text', () => {
  test('is never more than two problems, and nothing is said of its meaning', () => {
    const workspace = new Workspace();
    workspace.setFile(
      uri,
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nspec:\n  mtls:\n    mode: NOPE\n  x: [a\n  y: {b\n',
    );
    expect(workspace.findings().map(({ rule }) => rule)).toEqual(expect.arrayContaining(['yaml/syntax']));
    expect(new Set(workspace.findings().map(({ rule }) => rule))).toEqual(new Set(['yaml/syntax']));
    expect(workspace.findings().length).toBeLessThanOrEqual(2);
  });

  test('a broken document does not make others wrong that refer to it', () => {
    const workspace = new Workspace();
    workspace.setFile(
      'file:///dr.yaml',
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  host: a\n  subsets:\n  - name: "v1\n',
    );
    workspace.setFile(
      'file:///vs.yaml',
      'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n  - route:\n    - destination: {host: a, subset: v1}\n',
    );
    expect(workspace.findings().map(({ rule }) => rule)).toEqual(['yaml/syntax']);
  });

  const text = fc.constantFrom(...samples);
  const mutated = fc.oneof(
    fc.tuple(text, fc.nat()).map(([sample, at]) => sample.slice(0, at % (sample.length + 1))),
    fc
      .tuple(text, fc.nat(), fc.nat({ max: 30 }))
      .map(([sample, at, length]) => sample.slice(0, at % sample.length) + sample.slice((at % sample.length) + length)),
    fc
      .tuple(
        text,
        fc.nat(),
        fc.oneof(
          fc.constantFrom(...'{}[]:-*&!|>"\'#%@`,\t\n\r?~<'),
          fc.string({ maxLength: 8 }),
          fc.constantFrom('---\n', '...\n', '<<: *a', '- - -', '%YAML 9\n', '\ud800', '{{'),
        ),
      )
      .map(
        ([sample, at, insert]) =>
          sample.slice(0, at % (sample.length + 1)) + insert + sample.slice(at % (sample.length + 1)),
      ),
    fc.string({ maxLength: 200 }),
    fc.tuple(text, text, fc.nat()).map(([a, b, at]) => a.slice(0, at % a.length) + b),
  );

  test('never throws, never floods, and every range lies in the file', () => {
    fc.assert(
      fc.property(mutated, (typed) => {
        const failures: unknown[] = [];
        const workspace = new Workspace({ syntaxErrors: 'all', onRuleFailure: (_, error) => failures.push(error) });
        workspace.setFile(uri, typed);
        const findings = workspace.findings();
        const lines = typed.split('\n');
        const documents = 1 + lines.filter((line) => line.startsWith('---') || line.startsWith('...')).length;
        expect(failures).toEqual([]);
        expect(findings.length).toBeLessThanOrEqual(20 * documents);
        for (const { range } of findings) {
          expect(range.end.line).toBeLessThan(lines.length);
          expect(range.start.character).toBeLessThanOrEqual(lines[range.start.line]?.length ?? -1);
          expect(range.end.line > range.start.line || range.end.character >= range.start.character).toBe(true);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

function resources(text: string) {
  return parse(text, uri).documents.flatMap((document) => document.resources);
}

function kinds(text: string): string[] {
  return resources(text).map(({ kind }) => kind);
}
