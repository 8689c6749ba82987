import type { Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import { ServiceRegistry } from './service-registry.ts';

/** The registry of what a rule was handed. It costs nothing to make: the indexes it asks are kept. */
export function sharedRegistry(
  services: readonly Resource[],
  entries: readonly Resource[],
  context: RuleContext,
): ServiceRegistry {
  return new ServiceRegistry(services, entries, context);
}
