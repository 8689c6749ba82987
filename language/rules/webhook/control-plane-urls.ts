import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';

/** Of a configuration that Istio installs to reach its control plane: the webhooks, each with the URL it calls. */
export function controlPlaneWebhooks({
  kind,
  name,
  root,
}: Resource): { webhook: Located; name: string; url: Located }[] {
  const isIstios =
    kind === 'MutatingWebhookConfiguration'
      ? name.startsWith('istio-sidecar-injector')
      : name.startsWith('istio-validator') || name === 'istiod-default-validator';
  if (!isIstios) return [];
  return root.at('webhooks').items.map((webhook) => ({
    webhook,
    name: webhook.at('name').string ?? '',
    url: webhook.at('clientConfig', 'url'),
  }));
}

/** The host of a URL without the brackets of IPv6; undefined when it is no URL with a host. */
export function hostOf(url: string): string | undefined {
  try {
    const { hostname } = new URL(url);
    return hostname === '' ? undefined : hostname.replace(/^\[|\]$/g, '');
  } catch {
    return undefined;
  }
}
