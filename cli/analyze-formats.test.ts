import Ajv from 'ajv';
import { win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import schema from '../test/data/sarif-2.1.0.schema.json' with { type: 'json' };
import { Workspace } from '../language/index.ts';
import type { Report } from '../language/index.ts';
import { printReports } from './analyze-formats.ts';
import { describeArtifact, findRoot } from './artifact-location.ts';
import { wantsColor } from './color.ts';
import { createSarifLog } from './sarif.ts';

const root = { path: '/repo', cwd: '/repo' };
const context = { root, complete: true, color: false, version: '1.2.3' };

function judge(files: Record<string, string>): Report[] {
  const workspace = new Workspace({ strictness: 'strict', syntaxErrors: 'all' });
  for (const [name, text] of Object.entries(files)) workspace.setFile(name, text);
  return workspace.findings();
}

const mode = (name: string, value: string) =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: ${name}, namespace: shop }\nspec: { mtls: { mode: ${value} } }\n`;

describe('a SARIF log', () => {
  const reports = judge({
    'a b/#1.yaml': mode('one', 'STRCIT'),
    '/elsewhere/ä.yaml': mode('two', '"😀" '),
    'broken.yaml': 'kind: [',
    'twice.yaml': `${mode('same', 'STRCIT')}---\n${mode('same', 'STRCIT')}`,
  });
  const log = createSarifLog(reports, context);
  const run = log.runs[0]!;

  it('follows the schema of the standard', () => {
    const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false, allErrors: true }).compile(
      schema,
    );
    validate(JSON.parse(JSON.stringify(log)));
    expect(validate.errors).toBeNull();
    expect(run.results!.length).toBeGreaterThan(3);
  });

  it('has what GitHub wants of each rule', () => {
    for (const rule of run.tool.driver.rules!) {
      expect(rule.shortDescription?.text, rule.id).toBeTruthy();
      expect(rule.fullDescription?.text, rule.id).toBeTruthy();
      expect(rule.help?.text, rule.id).toBeTruthy();
      expect(rule.help?.markdown, rule.id).toContain(`[${rule.id}](https://`);
      expect(rule.fullDescription!.text.length).toBeLessThan(1024);
      expect(rule.shortDescription!.text.length).toBeLessThan(1024);
      expect(['error', 'warning', 'recommendation']).toContain(rule.properties?.['problem.severity']);
    }
    for (const { ruleId, ruleIndex } of run.results!) expect(run.tool.driver.rules![ruleIndex!]!.id).toBe(ruleId);
    expect(run.tool.driver.semanticVersion).toBe('1.2.3');
  });

  it('names files relative to the checkout, and others by their whole address', () => {
    const places = run.results!.map(({ locations }) => locations![0]!.physicalLocation!.artifactLocation);
    expect(places).toContainEqual({ uri: 'a%20b/%231.yaml', uriBaseId: '%SRCROOT%' });
    expect(places).toContainEqual({ uri: 'file:///elsewhere/%C3%A4.yaml' });
  });

  it('counts columns from 1 in UTF-16 units', () => {
    expect(run.columnKind).toBe('utf16CodeUnits');
    const emoji = run.results!.find(({ locations, properties }) => {
      const { uri } = locations![0]!.physicalLocation!.artifactLocation!;
      return uri!.startsWith('file:') && properties?.['rule'] === 'structure/unknown-value';
    });
    expect(emoji?.locations?.[0]?.physicalLocation?.region).toEqual({
      startLine: 4,
      startColumn: 23,
      endLine: 4,
      endColumn: 27,
    });
  });

  it('knows a finding again after lines above it moved, and tells two alike apart', () => {
    const fingerprints = (moved: string) =>
      createSarifLog(
        judge({ 'twice.yaml': `${moved}${mode('same', 'STRCIT')}---\n${mode('same', 'STRCIT')}` }),
        context,
      ).runs[0]!.results!.map(({ partialFingerprints }) => partialFingerprints!['primaryLocationLineHash']!);
    expect(fingerprints('')).toEqual(fingerprints('# a\n# b\n'));
    expect(new Set(fingerprints('')).size).toBe(fingerprints('').length);
    expect(fingerprints('')[0]).toMatch(/^[0-9a-f]{16}:1$/);
  });

  it('describes a code that a rule has for some of its findings only', () => {
    const label = judge({
      'ns.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: a, labels: { istio-injection: true } }\n',
    });
    const codes = new Set(label.map(({ code }) => code));
    const [one] = createSarifLog(label, context).runs;
    expect(codes.size).toBeGreaterThan(0);
    for (const { ruleId, ruleIndex } of one!.results!) expect(one!.tool.driver.rules![ruleIndex!]?.id).toBe(ruleId);
  });

  it('says when the run was not complete', () => {
    expect(createSarifLog([], { ...context, complete: false }).runs[0]!.invocations).toEqual([
      { executionSuccessful: false },
    ]);
  });
});

describe('names of files', () => {
  it('begin at the checkout when a step runs in a folder of it', () => {
    const below = findRoot('/repo/deploy', '/repo');
    expect(describeArtifact('a.yaml', below)).toEqual({ uri: 'deploy/a.yaml', uriBaseId: '%SRCROOT%' });
    expect(describeArtifact('../a.yaml', below).uri).toBe('a.yaml');
    expect(describeArtifact('..a.yaml', below).uri).toBe('deploy/..a.yaml');
    expect(findRoot('/other', '/repo').path).toBe('/other');
    expect(findRoot('/other', undefined).path).toBe('/other');
  });

  it.each([
    ['k8s\\a b.yaml', 'k8s/a%20b.yaml'],
    ['C:\\repo\\x.yaml', 'x.yaml'],
    ['c:\\repo\\x.yaml', 'x.yaml'],
    ['C:\\other\\x.yaml', 'file:///C:/other/x.yaml'],
    ['D:\\x.yaml', 'file:///D:/x.yaml'],
  ])('on Windows: %s is %s', (file, uri) => {
    expect(describeArtifact(file, { path: 'C:\\repo', cwd: 'C:\\repo', paths: win32 }).uri).toBe(uri);
  });
});

describe('text and annotations', () => {
  const report: Report = {
    rule: 'x/y',
    code: 'ML9999',
    severity: 'warning',
    message: '100% of\r\nit: a, b \u001b[31mred',
    uri: 'a,b:c%.yaml',
    range: { start: { line: 0, character: 2 }, end: { line: 0, character: 4 } },
    docs: 'https://example.com',
    related: [],
    fixes: [],
  };

  it('escapes what GitHub would read as its own signs', () => {
    expect(printReports([report], 'github', context)).toBe(
      '::warning file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=3,endColumn=5,title=ML9999::100%25 of%0D%0Ait: a, b \u001b[31mred\n',
    );
  });

  it('gives no columns to what spans lines', () => {
    const range = { start: { line: 0, character: 2 }, end: { line: 3, character: 4 } };
    expect(printReports([{ ...report, range }], 'github', context)).toContain(',line=1,endLine=4,title=');
  });

  it('keeps to one line and lets no name steer the terminal', () => {
    expect(printReports([report], 'text', context)).toBe(
      'a,b:c%.yaml:1:3: warning ML9999 100% of it: a, b \ufffd[31mred\n',
    );
    expect(printReports([report], 'text', { ...context, color: true })).toContain('\u001b[33mwarning\u001b[0m');
  });
});

describe('colour', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '3', NO_COLOR: '1' }, true],
  ])('on a terminal: %s, with %j: %s', (isTerminal, env, wanted) => {
    expect(wantsColor(isTerminal, env)).toBe(wanted);
  });
});
