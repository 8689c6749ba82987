import type { KubernetesEvent } from '../../../mesh/kubernetes.ts';
import type { ApiObject } from '../api-object.ts';
import type { ApiResource } from '../api-resources.ts';
import { now, type ApiState } from '../api-writes.ts';
import { randomSuffix } from '../api-writes.ts';
import type { RecordedNode } from '../recording.ts';

/** What the thin controllers share. */
export interface ControllerContext extends ApiState {
  node: RecordedNode;
  /** Runs later, unless the server is closed by then. */
  after(milliseconds: number, work: () => void): void;
}

/** A kind of Kubernetes' own. */
export function resourceOf({ resources }: ApiState, apiVersion: string, kind: string): ApiResource {
  return resources.findByKind(apiVersion, kind)!;
}

/** Tells what happened to an object, where people look for it. */
export function recordEvent(
  context: ControllerContext,
  object: ApiObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  component: string,
): void {
  const { name, namespace = 'default', uid } = object.metadata;
  const event: KubernetesEvent & ApiObject = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${Date.now().toString(16)}${randomSuffix(3)}`, namespace, creationTimestamp: now() },
    involvedObject: { kind: object.kind, namespace, name, ...(uid && { uid }) },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: now(),
    lastTimestamp: now(),
    source: { component },
    reportingComponent: component,
    reportingInstance: '',
  };
  context.store.put(resourceOf(context, 'v1', 'Event'), event);
}
