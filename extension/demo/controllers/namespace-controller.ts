import type { ApiObject } from '../api-object.ts';
import type { Change } from '../api-store.ts';
import { beginDeletion } from '../api-writes.ts';
import { resourceOf, type ControllerContext } from './controller-context.ts';

const lookEveryMs = 150;

/** Empties a namespace that is being deleted, then takes it away. */
export function namespaceController(context: ControllerContext): (change: Change) => void {
  const namespaces = resourceOf(context, 'v1', 'Namespace');
  return ({ type, resource, object, previous }) => {
    if (resource !== namespaces || type !== 'MODIFIED') return;
    if (object.metadata.deletionTimestamp && !previous?.metadata.deletionTimestamp)
      context.after(lookEveryMs, () => empty(context, object));
  };
}

/** Looks again until nothing is left: a pod that cannot stop keeps its namespace, as on a real cluster. */
function empty(context: ControllerContext, namespace: ApiObject): void {
  let left = 0;
  for (const resource of context.resources.all().filter(({ namespaced }) => namespaced)) {
    for (const object of context.store.list(resource, namespace.metadata.name)) {
      if (object.metadata.deletionTimestamp) left++;
      else if (beginDeletion(context, resource, object)) left++;
    }
  }
  if (left > 0 || namespace.metadata.finalizers?.length) context.after(lookEveryMs, () => empty(context, namespace));
  else context.store.remove(resourceOf(context, 'v1', 'Namespace'), undefined, namespace.metadata.name);
}
