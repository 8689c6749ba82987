import type { Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import { ServiceRegistry } from './service-registry.ts';

interface Known {
  entries: readonly Resource[];
  clusterDomain: string;
  registry: ServiceRegistry;
}

const known = new WeakMap<readonly Resource[], Known>();

/** One registry for all rules that are handed the same lists of Services and ServiceEntries one after the other. */
export function sharedRegistry(
  services: readonly Resource[],
  entries: readonly Resource[],
  context: RuleContext,
): ServiceRegistry {
  const { clusterDomain } = context;
  let found = known.get(services);
  const isSame =
    found?.clusterDomain === clusterDomain &&
    (found.entries === entries || (found.entries.length === 0 && entries.length === 0));
  if (!found || !isSame) {
    found = { entries, clusterDomain, registry: new ServiceRegistry(services, entries, context) };
    known.set(services, found);
  }
  return found.registry;
}
