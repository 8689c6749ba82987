import type { Finding } from '../finding.ts';
import type { Kind } from '../kinds.ts';
import type { Resource } from '../resource.ts';
import { defineResourceRule, istioDocs } from '../rule.ts';
import type { Rule } from '../rule.ts';

interface WebhookRule {
  /** `<kind>/<what is wrong>`: also the names of its file and its fixture. */
  id: string;
  why: string;
  check: (resource: Resource) => Iterable<Finding>;
}

/** What Istio's validating webhook refuses of a resource by itself: it cannot be applied, so it is an error. */
export function defineRefusal(kinds: Kind | readonly Kind[], rule: WebhookRule): Rule {
  return define(kinds, { ...rule, code: 'IST0106', severity: 'error' });
}

/** What Istio's validating webhook lets pass with a warning. */
export function defineWarning(kinds: Kind | readonly Kind[], rule: WebhookRule): Rule {
  return define(kinds, { ...rule, code: 'IST0133', severity: 'warning' });
}

function define(
  kinds: Kind | readonly Kind[],
  { check, ...rule }: WebhookRule & Pick<Rule, 'code' | 'severity'>,
): Rule {
  return defineResourceRule({
    ...rule,
    docs: istioDocs(rule.code),
    reads: typeof kinds === 'string' ? [kinds] : kinds,
    check,
  });
}
