import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { routeLists } from './destinations.ts';

/** An absent weight is 0 in protobuf, not "the rest": beside weighted destinations this one gets nothing at all. */
export const weightMissing = defineRule({
  id: 'virtual-service/weight-missing',
  code: 'ML0011',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination',
  why: 'A destination without a weight beside weighted ones has weight 0: it gets no traffic, not the rest.',
  reads: ['VirtualService'],
  scope: 'resource',
  *check({ VirtualService }) {
    for (const routes of VirtualService.flatMap((virtualService) => [...routeLists(virtualService)])) {
      if (!routes.items.some((route) => (route.at('weight').number ?? 0) > 0)) continue;
      for (const route of routes.items) {
        const destination = route.at('destination');
        if (route.at('weight').isSet || !destination.isSet) continue;
        const message = l10n.t(
          'This destination has no weight beside others that have one: it counts as 0 and gets no traffic. Write its weight.',
        );
        yield finding(route.entry('destination')!.key, message);
      }
    }
  },
});
