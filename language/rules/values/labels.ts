/** Whether Kubernetes takes this as the value of a label: empty, or up to 63 letters, digits, `-`, `_` and `.`. */
export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(value));
}

/** Whether Kubernetes takes this as the name of a label: `app`, `app.kubernetes.io/name`. */
export function isLabelName(name: string): boolean {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return false;
  const plain = second ?? first;
  const prefixIsFine =
    second === undefined ||
    (first.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(first));
  return prefixIsFine && plain !== '' && isLabelValue(plain);
}
