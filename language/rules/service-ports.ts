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

const selectsIn = ({ spec, namespace }: Resource) => {
  const selector = spec.at('selector');
  if (selector.entries.length === 0) return [];
  const [first] = Object.entries(selector.strings);
  return [namespace, first ? labelKey(namespace, ...first) : anyLabels(namespace)];
};

/** One label of the selector is enough to look under; the others are compared. */
function labelKey(namespace: string, label: string, value: string): string {
  return `${namespace}\n${label}=${value}`;
}

/** Of selectors that hold no text, which is refused elsewhere. */
function anyLabels(namespace: string): string {
  return `${namespace}\n`;
}

/** The Services that select pods, by namespace, and by namespace and label. */
export function selectingServices(services: readonly Resource[]): Lookup<Resource> {
  return lookUp(services, selectsIn, { clusterDomain: '' });
}

/** All ports by which these pods are reached. */
export function portsBefore(pod: PodSource, services: Lookup<Resource>): ServicePort[] {
  const labels = labelsOf(pod);
  const keys = [
    anyLabels(pod.namespace),
    ...Object.entries(labels).map(([label, value]) => labelKey(pod.namespace, label, value)),
  ];
  const groups = keys.map((key) => services.get(key)).filter(({ length }) => length > 0);
  // Of several groups nobody knows the order in which their Services are written.
  const candidates = groups.length > 1 ? services.get(pod.namespace) : (groups[0] ?? []);
  return candidates.filter(({ spec }) => matchesLabels(spec.at('selector').strings, labels)).flatMap(servicePorts);
}

export function servicePorts(service: Resource): ServicePort[] {
  return service.spec.at('ports').items.flatMap((at): ServicePort[] => {
    const port = at.at('port').number;
    if (port === undefined) return [];
    const protocol = at.at('protocol').string ?? 'TCP';
    return [{ service, at, port, protocol, target: String(at.at('targetPort').value ?? port) }];
  });
}
