import { expect, test } from 'vitest';
import { Workspace } from '../workspace.ts';
import { rules } from './index.ts';

/** What becomes of a resource on its way into a cluster, as its structure and Istio's validating webhook decide. */
export type Verdict = 'accepted' | 'warned' | 'refused';

const codes = new Set(['IST0106', 'IST0133']);
const webhookRules = rules.filter(({ scope }) => scope === 'resource');

/** The verdict on one manifest, with the messages that led to it. */
export function verdictOf(manifest: string): { verdict: Verdict; messages: string[] } {
  const failures: unknown[] = [];
  const workspace = new Workspace({ rules: webhookRules, onRuleFailure: (_, error) => failures.push(error) });
  workspace.setFile('file:///manifest.yaml', manifest);
  const all = workspace.findings();
  expect(failures).toEqual([]);
  // Of text that is no YAML nothing else is said: the case would be accepted for the wrong reason.
  expect(all.filter(({ code }) => code === 'ML0001').map(({ message }) => message)).toEqual([]);
  expect(workspace.skipped()).toEqual([]);
  const reports = all.filter(({ code }) => codes.has(code));
  const messages = reports.map(({ rule, message }) => `${rule}: ${message}`);
  if (reports.some(({ severity }) => severity === 'error')) return { verdict: 'refused', messages };
  return { verdict: reports.length > 0 ? 'warned' : 'accepted', messages };
}

/**
 * Tests for a table of cases, each a title, the verdict, and the text of a manifest from `spec:` on (or whole, when it names
 * its own apiVersion). `header` is what comes before: apiVersion, kind, metadata.
 */
export function testVerdicts(header: string, cases: readonly (readonly [string, Verdict, string])[]): void {
  test.each(cases)('%s is %s', (_, expected, text) => {
    const manifest = /^apiVersion:/m.test(text) ? text : `${header.trimEnd()}\n${text}`;
    const { verdict, messages } = verdictOf(manifest);
    expect({ verdict, messages }).toEqual({
      verdict: expected,
      messages: expected === 'accepted' ? [] : (expect.any(Array) as unknown),
    });
  });
}
