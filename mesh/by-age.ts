/** An object, as far as its age is compared: `created` is `creationTimestamp`; absent for one that is only written yet. */
export interface Aged {
  namespace: string;
  name: string;
  created?: string;
}

/**
 * Which of two objects Istio takes to be the older one: < 0 the first, > 0 the second, 0 nobody can tell. Timestamps are
 * whole seconds, and one `kubectl apply` creates many objects within one: Istio goes by `NAME.NAMESPACE` then, so that
 * `a-b` comes before `a`. What is only written is younger than everything that is there.
 */
export function compareAge(a: Aged, b: Aged): number {
  if (a.created === undefined || b.created === undefined)
    return Number(a.created === undefined) - Number(b.created === undefined);
  return (
    Date.parse(a.created) - Date.parse(b.created) || compareText(`${a.name}.${a.namespace}`, `${b.name}.${b.namespace}`)
  );
}

/** As bytes, not as a language sorts them. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
