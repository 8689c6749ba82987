/** What Kubernetes takes as names, label keys and label values; all lengths are in characters of ASCII. */

/** `reviews.v2`: most names. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((part) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(part));
}

/** `shop`: a Namespace. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** `reviews`: a Service, which becomes a DNS name and may not begin with a digit. */
export function isServiceName(text: string): boolean {
  return text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** `app`, `app.kubernetes.io/name`: the key of a label, a finalizer. */
export function isQualifiedName(text: string): boolean {
  // Most have no prefix.
  if (plainName.test(text)) return true;
  const parts = text.split('/');
  const name = parts.pop()!;
  const [prefix, ...more] = parts;
  return more.length === 0 && (prefix === undefined || isDnsSubdomain(prefix)) && plainName.test(name);
}

const plainName = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** The key of an annotation: the prefix may have capital letters too. */
export function isAnnotationKey(text: string): boolean {
  return isQualifiedName(text.toLowerCase());
}

export function isLabelValue(text: string): boolean {
  return text === '' || plainName.test(text);
}
