/** Host names as Istio reads them in its resources. */

/**
 * The full name of a host written in a resource of this namespace. Only a name without any dot is a Kubernetes short name
 * to Istio: `reviews` is `reviews.shop.svc.cluster.local`, but `reviews.prod` stays what it is.
 */
export function fullHost(host: string, namespace: string, clusterDomain: string): string {
  return host.includes('.') || host.includes('*') || host.includes(':')
    ? host
    : `${host}.${namespace}.svc.${clusterDomain}`;
}

/** The Kubernetes service a full host names; undefined for any other host. */
export function findServiceOf(host: string, clusterDomain: string): { name: string; namespace: string } | undefined {
  const [name, namespace, svc, ...domain] = host.split('.');
  return name && namespace && svc === 'svc' && domain.join('.') === clusterDomain ? { name, namespace } : undefined;
}

/** Whether a host, which may be a wildcard (`*.example.com`, `*`), takes another, which may be one too. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === '*') return true;
  return pattern.startsWith('*') && host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1;
}
