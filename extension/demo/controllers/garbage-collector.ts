import type { ApiObject } from '../api-object.ts';
import type { ApiResource } from '../api-resources.ts';
import type { Change } from '../api-store.ts';
import { beginDeletion } from '../api-writes.ts';
import type { ControllerContext } from './controller-context.ts';

const collectAfterMs = 50;

/** Takes away what belonged to an owner that is gone, or that waits (`Foreground`) for what belongs to it to go first. */
export function garbageCollector(context: ControllerContext): (change: Change) => void {
  const gone = new Set<string>();
  let waiting = false;
  const collect = () => {
    waiting = false;
    const uids = new Set(gone);
    gone.clear();
    const all = everything(context);
    const alive = new Set(all.map(({ object }) => object.metadata.uid).filter((uid) => !uids.has(uid ?? '')));
    for (const { resource, object } of all) {
      const owners = object.metadata.ownerReferences ?? [];
      const lostOne = owners.some(({ uid }) => uids.has(uid ?? ''));
      const orphaned = lostOne && !owners.some(({ uid }) => alive.has(uid));
      if (orphaned && !object.metadata.deletionTimestamp) beginDeletion(context, resource, object);
      if (object.metadata.finalizers?.includes('foregroundDeletion')) finishForeground(context, resource, object);
    }
  };
  return ({ type, object }) => {
    const { uid, finalizers, ownerReferences } = object.metadata;
    const inForeground = type === 'MODIFIED' && finalizers?.includes('foregroundDeletion');
    if (type !== 'DELETED' && !inForeground) return;
    if (uid) gone.add(uid);
    if (!waiting && (uid || ownerReferences)) {
      waiting = true;
      context.after(collectAfterMs, collect);
    }
  };
}

function finishForeground(context: ControllerContext, resource: ApiResource, owner: ApiObject): void {
  const { finalizers, uid, namespace, name } = owner.metadata;
  const dependents = everything(context).some(({ object }) =>
    object.metadata.ownerReferences?.some((reference) => reference.uid === uid),
  );
  if (dependents) return;
  const left = (finalizers ?? []).filter((finalizer) => finalizer !== 'foregroundDeletion');
  if (left.length > 0) context.store.put(resource, { ...owner, metadata: { ...owner.metadata, finalizers: left } });
  else context.store.remove(resource, namespace, name);
}

function everything({ store, resources }: ControllerContext): { resource: ApiResource; object: ApiObject }[] {
  return resources.all().flatMap((resource) => [...store.each(resource)].map((object) => ({ resource, object })));
}
