/** What we say of a manifest, beside what the API server says. */
import { Workspace } from '../../language/index.ts';
import type { Report } from '../../language/index.ts';
import { rules } from '../../language/rules/index.ts';

const resourceRules = rules.filter(({ scope }) => scope === 'resource');

export interface OurVerdict {
  /** Errors of the rules that speak for the API server: when there are any, it has to refuse. */
  structure: Report[];
  /** Errors of these and of Istio's webhook: when the API server refuses, there must be one. */
  all: Report[];
}

/** @throws Error when a rule fails. */
export function judge(manifest: string): OurVerdict {
  const workspace = new Workspace({
    rules: resourceRules,
    onRuleFailure: (rule, error) => {
      throw new Error(`${rule.id} failed on ${manifest}`, { cause: error });
    },
  });
  workspace.setFile('file:///manifest.yaml', manifest);
  const all = workspace.findings().filter(({ severity }) => severity === 'error');
  return { structure: all.filter(speaksForServer), all };
}

/** What the API server lets pass, and Istio's webhook then cannot read. */
const readByIstioAlone = [
  // The formats of numbers are words to the API server.
  /^-?\d+ is too (large: at most 2147483647|small: at least -2147483648) /,
  // With this format it takes a list for text.
  /^"bytes" must be text, not a list/,
];

function speaksForServer({ rule, message }: Report): boolean {
  if (readByIstioAlone.some((words) => words.test(message))) return false;
  return rule.startsWith('structure/') || rule === 'injection/unquoted-metadata-value';
}
