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

/** Numbers beyond `int32` are refused by Istio's webhook, which cannot read them; the API server lets them pass. */
function speaksForServer({ rule, message }: Report): boolean {
  if (/^-?\d+ is too (large: at most 2147483647|small: at least -2147483648) /.test(message)) return false;
  return rule.startsWith('structure/') || rule === 'injection/unquoted-metadata-value';
}
