import type { PodSource, Resource } from '../resource.ts';
import { matchesLabels } from '../../mesh/selectors.ts';
import type { Located } from '../located.ts';
import { lookUp } from '../lookup.ts';
import type { Lookup } from '../lookup.ts';
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

const selectsIn = ({ spec, namespace }: Resource) => (spec.at('selector').entries.length > 0 ? [namespace] : []);

/** The Services that select pods, by namespace. */
export function selectingServices(services: readonly Resource[]): Lookup<Resource> {
  return lookUp(services, selectsIn, { clusterDomain: '' });
}

/** All ports by which these pods are reached. */
export function portsBefore(pod: PodSource, services: Lookup<Resource>): ServicePort[] {
  return services
    .get(pod.namespace)
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
