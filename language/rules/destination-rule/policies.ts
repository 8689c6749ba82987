import type { Located } from '../../located.ts';

/** A traffic policy: of the whole host, of one of its ports, or of a subset (and its ports). */
export interface TrafficPolicy {
  policy: Located;
  level: 'host' | 'port' | 'subset';
  /** The policy that this one refines; undefined for the one of the host. */
  above?: Located;
}

/** Every traffic policy of a DestinationRule, in the order of the text. */
export function* trafficPolicies(spec: Located): Iterable<TrafficPolicy> {
  const host = spec.at('trafficPolicy');
  if (host.type === 'map') yield { policy: host, level: 'host' };
  for (const policy of host.at('portLevelSettings').items) yield { policy, level: 'port', above: host };
  for (const subset of spec.at('subsets').items) {
    const own = subset.at('trafficPolicy');
    if (own.type === 'map') yield { policy: own, level: 'subset', above: host };
    for (const policy of own.at('portLevelSettings').items) yield { policy, level: 'port', above: own };
  }
}
