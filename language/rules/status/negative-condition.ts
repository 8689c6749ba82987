import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

const watched = new Set([
  'istio.io/WaypointBound',
  'ZtunnelAccepted',
  'WaypointAccepted',
  'Accepted',
  'Programmed',
  'ResolvedRefs',
]);

/** The control plane wrote down that it could not do what the resource asks for, and nobody reads status. */
export const negativeCondition = defineRule({
  id: 'status/negative-condition',
  code: 'IST0171',
  severity: 'warning',
  docs: istioDocs('IST0171'),
  why: 'A condition in the status of a resource that is False says that it is not in effect, or not in all places, and why. Of resources as they are in a cluster.',
  reads: ['AuthorizationPolicy', 'GRPCRoute', 'HTTPRoute', 'K8sGateway', 'Service', 'ServiceEntry', 'WorkloadEntry'],
  scope: 'resource',
  *check(byKind) {
    for (const { root, metadata } of Object.values(byKind).flat()) {
      for (const condition of conditionsOf(root.at('status'))) {
        const [type, reason] = [condition.at('type').string ?? '', condition.at('reason').string ?? ''];
        const isPartial = type === 'WaypointAccepted' && reason === 'PartiallyInvalid';
        if (!watched.has(type) || (condition.at('status').string !== 'False' && !isPartial)) continue;
        yield finding(
          condition.exists ? condition : metadata.at('name'),
          l10n.t(
            'The control plane says that {0} is not so ({1}): {2}',
            type,
            reason,
            condition.at('message').string ?? '',
          ),
        );
      }
    }
  },
});

/** Of the resource, and of a route for each gateway it belongs to. */
function conditionsOf(status: Located): Located[] {
  return [status, ...status.at('parents').items].flatMap((one) => one.at('conditions').items);
}
