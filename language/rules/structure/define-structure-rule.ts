import { defineResourceRule, istioDocs } from '../../rule.ts';
import type { Rule } from '../../rule.ts';
import { structureFindings } from '../../schema/check-structure.ts';
import type { StructureFault } from '../../schema/structure-findings.ts';
import { istioKinds } from '../../schema/structure.ts';

/**
 * A rule over the structure of every Istio kind. All are errors: the CRD's structural schema is what the API server itself
 * enforces. An unknown field is refused by `kubectl` (strict field validation is its default since 1.27) and silently
 * dropped by clients that do not ask for it, which is worse: the mesh then does something else than what is written.
 */
export function defineStructureRule(fault: StructureFault, why: string): Rule {
  return defineResourceRule({
    id: `structure/${fault}`,
    code: 'IST0106',
    severity: 'error',
    docs: istioDocs('IST0106'),
    why,
    reads: istioKinds,
    *check(resource, { structures }) {
      for (const found of structureFindings(resource, structures)) if (found.fault === fault) yield found;
    },
  });
}
