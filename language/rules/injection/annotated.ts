import type { Located, LocatedEntry } from '../../located.ts';
import type { ByKind } from '../../rule.ts';
import { findPodSource, type PodSource, type Resource } from '../../resource.ts';

/** Kinds that make pods. Their own metadata is not their pods': the classic mistake lives here. */
export const workloads = [
  'CronJob',
  'DaemonSet',
  'Deployment',
  'Job',
  'ReplicaSet',
  'ReplicationController',
  'StatefulSet',
] as const;

/** Where Istio's annotations and labels are looked for. */
export const annotatedKinds = ['AnyPod', 'Namespace', 'Service', ...workloads] as const;

/** Metadata with the kind it counts for. */
export interface Annotated {
  resource: Resource;
  /** `Pod` for a Pod and for every pod template. */
  kind: string;
  metadata: Located;
  /** What holds this `metadata`: the object itself, or a pod template. */
  holder: Located;
  /** The template of a workload whose own metadata this is. */
  pods?: PodSource;
}

/** Every metadata of these resources, the workloads' own and their templates' apart. */
export function* listAnnotated(byKind: ByKind<(typeof annotatedKinds)[number]>): Generator<Annotated> {
  for (const { resource, metadata, template } of byKind.AnyPod)
    yield { resource, kind: 'Pod', metadata, holder: template };
  for (const kind of ['Namespace', 'Service'] as const)
    for (const resource of byKind[kind]) yield { resource, kind, metadata: resource.metadata, holder: resource.root };
  for (const kind of workloads) {
    for (const resource of byKind[kind]) {
      // Made by another workload, which handed its metadata on: it is told where it was written.
      if (resource.metadata.at('ownerReferences').items.length > 0) continue;
      const pods = findPodSource(resource);
      yield { resource, kind, metadata: resource.metadata, holder: resource.root, ...(pods && { pods }) };
    }
  }
}

/** The annotations or labels written there, null values (to the API server: none) left out. */
export function entriesOf(metadata: Located, carrier: 'annotations' | 'labels'): LocatedEntry[] {
  return metadata.at(carrier).entries.filter(({ key, value }) => key.string !== undefined && value.type !== 'null');
}

/** A label or annotation, if it is written as a string. */
export function stringAt(metadata: Located, carrier: 'annotations' | 'labels', name: string): Located | undefined {
  const value = metadata.at(carrier, name);
  return value.string === undefined ? undefined : value;
}
