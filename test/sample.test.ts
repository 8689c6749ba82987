import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Workspace, type Report, type TextEdit } from '../language/index.ts';

const root = join(import.meta.dirname, '..', 'sample');
const sample = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(root, name), 'utf8').replaceAll('\r\n', '\n')]),
);

/** What is wrong, and what a person would write instead. */
const repairs: readonly (readonly [file: string, wrong: string, right: string])[] = [
  ['demo/details.yaml', '- name: web', '- name: http'],
  ['demo/details.yaml', 'runAsUser: 1337', 'runAsUser: 1000'],
  ['demo/legacy.yaml', 'sidecar.istio.io/inject: "false"', 'example.com/owner: shop'],
  ['demo/ratings.yaml', 'mode: DISABLE', 'mode: ISTIO_MUTUAL'],
  ['namespaces.yaml', 'istio-injection: true', 'istio-injection: enabled'],
  ['policies/mutual-tls.yaml', 'mode: STRIKT', 'mode: STRICT'],
  [
    'policies/mutual-tls.yaml',
    '  portLevelMtls:\n    80:',
    '  selector:\n    matchLabels:\n      istio: shop-gateway\n  portLevelMtls:\n    80:',
  ],
  ['routes/catalog.yaml', 'subset: v3', 'subset: v2'],
  ['routes/checkout.yaml', 'weight: 0\n        - destination', 'weight: 100\n        - destination'],
  ['routes/payments.yaml', 'timout: 3s', 'timeout: 3s'],
  ['routes/storefront.yaml', 'shop-ingress/shop-gatway\n', 'shop-ingress/shop-gateway\n'],
  ['services/cart.yaml', 'excludeOutboundPort: "6379"', 'excludeOutboundPorts: "6379"'],
  ['services/catalog.yaml', 'merge-metrics: "yes"', 'merge-metrics: "true"'],
  ['services/inventory.yaml', '"9090,metrics"', '"9090"'],
  ['services/mailer.yaml', '    traffic.sidecar.istio.io/excludeOutboundPorts: "25"\n', '    example.com/smtp: "25"\n'],
  ['services/payments.yaml', 'IPRanges: "169.254.169.254"', 'IPRanges: "169.254.169.254/32"'],
];

describe.each(['lenient', 'strict'] as const)('the sample, %s', (strictness) => {
  it('has exactly the findings that its comments announce, on exactly the text they name', () => {
    expect(told(sample, strictness)).toEqual(announced(sample));
    expect(announced(sample).length).toBe(repairs.length);
  });

  it('has no finding left once its faults are repaired', () => {
    const repaired = new Map(sample);
    for (const [file, wrong, right] of repairs) {
      const text = repaired.get(file)!;
      expect(text.split(wrong).length, `${file}: ${wrong}`).toBe(2);
      repaired.set(file, text.replace(wrong, right));
    }
    expect(told(repaired, strictness)).toEqual([]);
  });
});

describe('the sample', () => {
  it('repairs itself as far as quick fixes are offered, and nothing new comes up', () => {
    let files = sample;
    const tried: string[] = [];
    for (let before = reports(files); ; before = reports(files)) {
      const report = before.find(({ fixes }) => fixes.some(({ preferred }) => preferred));
      if (!report) break;
      const fix = report.fixes.find(({ preferred }) => preferred)!;
      tried.push(`${report.code} ${fix.title}`);
      files = apply(files, fix.edits());
      expect(reports(files).length, fix.title).toBeLessThan(before.length);
    }
    expect(tried).toEqual(
      expect.arrayContaining([
        'IST0107 Move to the pod template',
        'IST0108 Change to traffic.sidecar.istio.io/excludeOutboundPorts',
      ]),
    );
    expect(files.get('services/mailer.yaml')).toContain(
      '        traffic.sidecar.istio.io/excludeOutboundPorts: "25"\n',
    );
    expect(files.get('namespaces.yaml')).toContain('istio-injection: enabled\n');
  });

  it('never throws and never floods while one of its files is half typed', () => {
    const most = reports(sample).length;
    for (const [name, text] of sample) {
      const workspace = workspaceOf(sample, 'lenient');
      for (let end = 0; end < text.length; end += 37) {
        workspace.setFile(uriOf(name), text.slice(0, end));
        expect(workspace.findings().length, `${name}, first ${end} characters`).toBeLessThanOrEqual(most + 4);
      }
    }
  });
});

function uriOf(name: string): string {
  return pathToFileURL(join(root, name)).href;
}

function nameOf(uri: string): string {
  return [...sample.keys()].find((name) => uriOf(name) === uri)!;
}

function workspaceOf(files: ReadonlyMap<string, string>, strictness: 'lenient' | 'strict'): Workspace {
  const workspace = new Workspace({
    strictness,
    onRuleFailure: (_, error) => {
      throw error;
    },
  });
  for (const [name, text] of files) workspace.setFile(uriOf(name), text);
  return workspace;
}

function reports(files: ReadonlyMap<string, string>, strictness: 'lenient' | 'strict' = 'lenient'): Report[] {
  return workspaceOf(files, strictness).findings();
}

/** `services/cart.yaml:38 IST0108 traffic.sidecar.istio.io/excludeOutboundPort` */
function told(files: ReadonlyMap<string, string>, strictness: 'lenient' | 'strict'): string[] {
  return reports(files, strictness)
    .map(({ uri, range, code }) => {
      const name = nameOf(uri);
      const line = files.get(name)!.split('\n')[range.start.line]!;
      const end = range.end.line === range.start.line ? range.end.character : line.length;
      return `${name}:${range.start.line + 1} ${code} ${line.slice(range.start.character, end).replace(/^"(.*)"$/, '$1')}`;
    })
    .sort();
}

/** What the comments `# fault: CODE "text": why` say of the line below them. */
function announced(files: ReadonlyMap<string, string>): string[] {
  return [...files]
    .flatMap(([name, text]) =>
      text.split('\n').flatMap((line, index) => {
        const fault = /# fault: (\w+) "([^"]+)": /.exec(line);
        return fault ? [`${name}:${index + 2} ${fault[1]} ${fault[2]}`] : [];
      }),
    )
    .sort();
}

function apply(files: ReadonlyMap<string, string>, edits: TextEdit[]): Map<string, string> {
  const changed = new Map(files);
  for (const uri of new Set(edits.map((edit) => edit.uri))) {
    const name = nameOf(uri);
    const text = changed.get(name)!;
    const lines = text.split('\n');
    const offset = ({ line, character }: { line: number; character: number }) =>
      lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
    const ofFile = edits
      .filter((edit) => edit.uri === uri)
      .sort((a, b) => offset(b.range.start) - offset(a.range.start));
    changed.set(
      name,
      ofFile.reduce(
        (result, { range, newText }) =>
          result.slice(0, offset(range.start)) + newText + result.slice(offset(range.end)),
        text,
      ),
    );
  }
  return changed;
}
