import * as l10n from '@vscode/l10n';
import type { Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { destinationRulesFor, hasSubset } from '../destination-rules.ts';
import { destinations } from './destinations.ts';

/** `kubectl apply -f` goes from the top: for a moment the routes are there and the subsets are not. */
export const subsetDefinedLater = defineRule({
  id: 'virtual-service/subset-defined-later',
  code: 'ML0213',
  severity: 'info',
  docs: 'https://istio.io/latest/docs/ops/best-practices/traffic-management/#avoid-503-errors-while-reconfiguring-service-routes',
  why: 'kubectl applies the documents of a file from top to bottom. A route to a subset that is defined further down answers 503 until the DestinationRule is there as well. On deletion it is the other way round: the VirtualService goes first.',
  reads: ['VirtualService', 'DestinationRule'],
  subject: ['VirtualService'],
  *check({ VirtualService, DestinationRule }, context) {
    for (const virtualService of VirtualService) {
      for (const { destination, fullHost } of destinations([virtualService], context)) {
        const subset = destination.at('subset');
        if (!subset.string) continue;
        const rules = destinationRulesFor(DestinationRule, fullHost, context).filter((rule) =>
          hasSubset(rule, subset.string!),
        );
        const [later] = rules;
        if (!later || !rules.every((rule) => isBehind(rule, virtualService))) continue;
        yield finding(
          subset,
          l10n.t(
            'DestinationRule {0}, which defines this subset, stands further down: applied in this order, requests fail with 503 until it is there. Put it before the VirtualService.',
            later.name,
          ),
          { related: [{ at: later.metadata.at('name'), message: l10n.t('Defined here') }] },
        );
        break;
      }
    }
  },
});

/** In the same file, further down. */
function isBehind({ root: later }: Resource, { root: earlier }: Resource): boolean {
  if (later.source.uri !== earlier.source.uri) return false;
  return later.source === earlier.source
    ? later.start > earlier.start
    : later.source.firstLine > earlier.source.firstLine;
}
