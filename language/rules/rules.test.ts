import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Workspace } from '../workspace.ts';
import { yamlRules } from '../yaml-rules.ts';
import { rules } from './index.ts';

const root = import.meta.dirname;
const fixtures = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));

describe.each(rules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const fixture = () => readFileSync(join(root, `${id}.yaml`), 'utf8').replaceAll('\r\n', '\n');

  test('reports exactly what its fixture wants, where it wants it', () => {
    expect(reportedLines(fixture(), [rule])).toEqual(wantedLines(fixture(), id));
    expect(wantedLines(fixture(), id)).not.toEqual([]);
  });

  test('reports the same on CRLF text', () => {
    expect(reportedLines(fixture().replaceAll('\n', '\r\n'), [rule])).toEqual(wantedLines(fixture(), id));
  });

  test('says why, and where to read more', () => {
    expect(rule.why).toMatch(/\.$/);
    expect(rule.docs).toMatch(/^https:\/\//);
    expect(rule.code).toMatch(/^(IST|ML)\d{4}$/);
  });

  test('its fixes leave nothing to fix', () => {
    const workspace = workspaceOf(fixture(), [rule]);
    const findings = workspace.findings();
    for (const { fixes, range, message } of findings) {
      for (const fix of fixes) {
        const fixed = workspaceOf(applyEdits(fixture(), fix.edits()), [rule]).findings();
        expect(fixed.length, `${fix.title} on line ${range.start.line + 1}: ${message}`).toBeLessThan(findings.length);
      }
    }
  });
});

test('every rule has an id of its own, and a fixture of that name', () => {
  const ids = rules.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(fixtures.map((name) => name.replaceAll('\\', '/').replace('.yaml', '')).sort()).toEqual([...ids].sort());
});

test('a code of ours belongs to one rule', () => {
  const codes = [...rules, ...Object.values(yamlRules)].map(({ code }) => code).filter((code) => code.startsWith('ML'));
  expect(new Set(codes).size).toBe(codes.length);
});

function workspaceOf(text: string, only: typeof rules): Workspace {
  const strictness = /^# meshloom-fixture: strict$/m.test(text.replaceAll('\r', '')) ? 'strict' : 'lenient';
  const failures: unknown[] = [];
  const workspace = new Workspace({ rules: only, strictness, onRuleFailure: (_, error) => failures.push(error) });
  workspace.setFile('file:///fixture.yaml', text);
  workspace.findings();
  expect(failures).toEqual([]);
  return workspace;
}

function reportedLines(text: string, only: typeof rules): number[] {
  return workspaceOf(text, only)
    .findings()
    .filter(({ code }) => code !== 'ML0001')
    .map(({ range }) => range.start.line + 1);
}

function wantedLines(text: string, id: string): number[] {
  return text.split('\n').flatMap((line, index) => {
    const wanted = /# want: (.*)$/.exec(line)?.[1]?.split(/[\s,]+/) ?? [];
    return wanted.filter((want) => want === id).map(() => index + 1);
  });
}

function applyEdits(text: string, edits: { range: { start: Place; end: Place }; newText: string }[]): string {
  const lines = text.split('\n');
  const offset = ({ line, character }: Place) =>
    lines.slice(0, line).reduce((sum, { length }) => sum + length + 1, 0) + character;
  return edits
    .map(({ range, newText }) => ({ start: offset(range.start), end: offset(range.end), newText }))
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, newText }) => result.slice(0, start) + newText + result.slice(end), text);
}

interface Place {
  line: number;
  character: number;
}
