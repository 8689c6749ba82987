import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isOfListener, matchOf } from './patches.ts';

/** A patch is matched by the object it stands in. */
export const matchUnlikeApplyTo = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/match-unlike-apply-to',
  why: 'What is part of a listener is matched by "listener", routes by "routeConfiguration", clusters by "cluster": Istio refuses the match of another object.',
  *check({ spec }) {
    for (const entry of spec.at('configPatches').items) {
      const applyTo = entry.at('applyTo').string ?? '';
      const wanted = matchFor(applyTo);
      const given = matchOf(entry);
      // The match of a waypoint goes with listeners and routes.
      if (!wanted || !given || given === wanted || (given === 'waypoint' && wanted !== 'cluster')) continue;
      yield finding(
        entry.at('match').entry(given)!.key,
        l10n.t('{0} is matched by "{1}": Istio refuses "{2}" here.', applyTo, wanted, given),
      );
    }
  },
});

function matchFor(applyTo: string): string | undefined {
  if (isOfListener(applyTo)) return 'listener';
  if (['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE'].includes(applyTo)) return 'routeConfiguration';
  return applyTo === 'CLUSTER' ? 'cluster' : undefined;
}
