import type { Located } from '../../located.ts';

/** A traffic policy: of the whole host, of one of its ports, or of a subset (and its ports). */
export interface TrafficPolicy {
  policy: Located;
  level: 'host' | 'port' | 'subset';
  /** The policy that this one refines; undefined for the one of the host. */
  above?: Located;
}

/** Twenty rules ask one after another of the same resource. */
let last: { spec: Located; policies: readonly TrafficPolicy[] } | undefined;

/** Every traffic policy of a DestinationRule, in the order of the text. */
export function trafficPolicies(spec: Located): readonly TrafficPolicy[] {
  if (last?.spec !== spec) last = { spec, policies: [...listPolicies(spec)] };
  return last.policies;
}

function* listPolicies(spec: Located): Iterable<TrafficPolicy> {
  const host = spec.at('trafficPolicy');
  if (host.type === 'map') yield { policy: host, level: 'host' };
  for (const policy of host.at('portLevelSettings').items) yield { policy, level: 'port', above: host };
  for (const subset of spec.at('subsets').items) {
    const own = subset.at('trafficPolicy');
    if (own.type === 'map') yield { policy: own, level: 'subset', above: host };
    for (const policy of own.at('portLevelSettings').items) yield { policy, level: 'port', above: own };
  }
}
