import type { Labels, LabelSelector } from './kubernetes.ts';

/**
 * Whether a Kubernetes label selector takes an object with these labels.
 * An empty or absent selector takes everything, as in the API server. An operator that nobody knows takes nothing.
 * Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
 */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  const has = labels ?? {};
  if (!matchesLabels(selector?.matchLabels, has)) return false;
  return (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(has, key) ? has[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
}

/** Whether every wanted label is there with exactly that value. No wanted labels: true. */
export function matchesLabels(wanted: Labels | undefined, labels: Labels | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}
