import { expect, test } from 'vitest';
import { Workspace } from '../workspace.ts';
import type { WorkspaceOptions } from '../workspace.ts';
import { rules } from './index.ts';

/** What a workspace says between resources, as `code kind/name.namespace line`, with the refType of IST0101 in brackets. */
export function said(text: string, options: WorkspaceOptions = {}, only?: (code: string) => boolean): string[] {
  const failures: unknown[] = [];
  const workspace = new Workspace({ ...options, rules, onRuleFailure: (_, error) => failures.push(error) });
  workspace.setFile('file:///manifest.yaml', text);
  const reports = workspace
    .findings()
    .filter(({ rule, code }) => (only ? only(code) : !/^(structure|yaml|injection)\//.test(rule)))
    .filter(({ code }) => !['IST0106', 'IST0133'].includes(code));
  expect(failures).toEqual([]);
  return reports.map(({ code, resource, range, refType }) => {
    const name = resource ? `${resource.kind}/${resource.name}${resource.namespace && `.${resource.namespace}`}` : '';
    return `${code} ${name} ${range.start.line + 1}${refType === undefined ? '' : ` (${refType})`}`;
  });
}

/** A title, the manifests (line 1 is the first one), and everything that is to be said of them. */
export type Case = readonly [title: string, text: string, wanted: readonly string[]];

/** Tests for a table of cases. The text of each begins behind its first line break. */
export function testCases(options: WorkspaceOptions, cases: readonly Case[]): void {
  test.each(cases)('%s', (_, text, wanted) => {
    expect(said(text.replace(/^\n/, ''), options)).toEqual(wanted);
  });
}
