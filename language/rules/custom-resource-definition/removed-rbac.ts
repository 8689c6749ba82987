import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';

const removed = ['ClusterRbacConfig', 'RbacConfig', 'ServiceRole', 'ServiceRoleBinding'];

/** Nothing reads these kinds since Istio 1.6: what they seem to forbid is allowed. */
export const removedRbac = defineRule({
  id: 'custom-resource-definition/removed-rbac',
  code: 'IST0002',
  severity: 'warning',
  docs: istioDocs('IST0002'),
  why: 'The kinds of rbac.istio.io are gone: Istio reads AuthorizationPolicies only, so what a ServiceRole seems to forbid is allowed.',
  reads: ['CustomResourceDefinition'],
  scope: 'resource',
  *check({ CustomResourceDefinition }) {
    for (const { spec } of CustomResourceDefinition) {
      const kind = spec.at('names', 'kind');
      if (spec.at('group').string !== 'rbac.istio.io' || !removed.includes(kind.string ?? '')) continue;
      yield finding(
        kind,
        l10n.t(
          'Istio no longer reads the kind {0}. Write AuthorizationPolicies, and remove this definition.',
          kind.string!,
        ),
      );
    }
  },
});
