import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { isAmbientNamespace, namespacesByName } from '../in-mesh.ts';
import { firstFew } from '../pods.ts';
import { findSeveralWithoutSelector } from '../workload-selectors.ts';

/** The Sidecar without selector is the default of its namespace: there can be one. */
export const severalDefaultSidecars = defineRule({
  id: 'sidecar/several-without-selector',
  code: 'IST0111',
  severity: 'error',
  docs: istioDocs('IST0111'),
  why: 'A Sidecar without workloadSelector is the default of its namespace. Of several, one is used, and which one is not defined.',
  reads: ['Sidecar', 'Namespace'],
  subject: ['Sidecar'],
  *check({ Sidecar, Namespace }, context) {
    const namespaces = namespacesByName(Namespace);
    for (const { one, others, names } of findSeveralWithoutSelector(Sidecar, 'workloadSelector')) {
      const namespace = namespaces.get(one.namespace);
      if (isAmbientNamespace(namespace) || (!namespace && context.mayBeHidden('Namespace'))) continue;
      yield finding(
        one.metadata.at('name'),
        l10n.t(
          'Namespace {0} has another Sidecar without workloadSelector, {1}: only one of them can be its default. Merge them, or give each a selector.',
          one.namespace,
          names,
        ),
        {
          related: firstFew(others).map(({ metadata }) => ({
            at: metadata.at('name'),
            message: l10n.t('The other one'),
          })),
        },
      );
    }
  },
});
