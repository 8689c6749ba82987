import type { PodSource, Resource } from '../resource.ts';
import { matchesLabels } from '../../mesh/selectors.ts';
import type { Located } from '../located.ts';
import { groupBy } from './group-by.ts';
import { labelsOf } from './pods.ts';

/** A port of a Service as the pods behind it see it. */
export interface ServicePort {
  service: Resource;
  at: Located;
  port: number;
  /** `TCP`, `UDP`, `SCTP` */
  protocol: string;
  /** The container's port, by number or name. */
  target: string;
}

/** The Services of each namespace that select pods. */
export function selectingServices(services: readonly Resource[]): ReadonlyMap<string, Resource[]> {
  return groupBy(
    services.filter(({ spec }) => spec.at('selector').entries.length > 0),
    ({ namespace }) => namespace,
  );
}

/** All ports by which these pods are reached. */
export function portsBefore(pod: PodSource, services: ReadonlyMap<string, Resource[]>): ServicePort[] {
  return (services.get(pod.namespace) ?? [])
    .filter(({ spec }) => matchesLabels(spec.at('selector').strings, labelsOf(pod)))
    .flatMap(servicePorts);
}

export function servicePorts(service: Resource): ServicePort[] {
  return service.spec.at('ports').items.flatMap((at): ServicePort[] => {
    const port = at.at('port').number;
    if (port === undefined) return [];
    const protocol = at.at('protocol').string ?? 'TCP';
    return [{ service, at, port, protocol, target: String(at.at('targetPort').value ?? port) }];
  });
}
