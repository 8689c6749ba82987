import type { MutatingWebhookConfiguration } from '../../mesh/kubernetes.ts';

/**
 * Where control planes live: the namespaces of the services that the injector webhooks call. `istio-system` when the
 * webhooks could not be read or are called by URL.
 */
export function controlPlaneNamespaces(configurations: Iterable<MutatingWebhookConfiguration>): string[] {
  const namespaces = new Set<string>();
  for (const { webhooks = [] } of configurations) {
    for (const { clientConfig } of webhooks) {
      const service = clientConfig?.service;
      if (service?.path?.startsWith('/inject')) namespaces.add(service.namespace);
    }
  }
  return namespaces.size > 0 ? [...namespaces].sort() : ['istio-system'];
}
