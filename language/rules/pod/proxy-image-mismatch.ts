import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { namespaceLabel } from '../in-mesh.ts';
import { isSystemNamespace } from '../injection/system-namespaces.ts';
import { firstFew } from '../pods.ts';

const byNamespace = ({ namespace }: Resource) => [namespace];
const byFullName = ({ namespace, name }: Resource) => [`${namespace}/${name}`];

/** After an upgrade of the control plane, pods keep the proxy they were injected with until they are made anew. */
export const proxyImageMismatch = defineRule({
  id: 'pod/proxy-image-mismatch',
  code: 'IST0158',
  severity: 'warning',
  docs: istioDocs('IST0158'),
  why: 'Pods of an injected namespace run another proxy image than the injector gives to new ones: most often they were created before an upgrade. Of pods as they are in a cluster, where the ConfigMap of the injector is at hand.',
  reads: ['Namespace', 'Pod', 'ConfigMap'],
  subject: ['Namespace'],
  *check({ Namespace, Pod, ConfigMap }, context) {
    for (const namespace of Namespace) {
      const injector = injectorOf(namespace);
      if (injector === undefined || isSystemNamespace(namespace.name)) continue;
      const [configMap] = lookUp(ConfigMap, byFullName, context).get(`${context.rootNamespace}/${injector}`);
      const image = configMap && imageOf(configMap, '');
      if (image === undefined) continue;
      const others = lookUp(Pod, byNamespace, context)
        .get(namespace.name)
        .filter((pod) => runsOther(pod, image));
      if (others.length === 0) continue;
      const names = firstFew(others).map(({ name }) => name);
      yield finding(
        namespace.metadata.at('name'),
        l10n.t(
          'In namespace {0}, {1} run another proxy than {2}, which the injector gives to new pods. Restart their workloads to bring them up to date.',
          namespace.name,
          names.length < others.length ? `${names.join(', ')}, …` : names.join(', '),
          image,
        ),
      );
    }
  },
});

/** The ConfigMap of the injector that serves a namespace; undefined for one that is not injected. */
function injectorOf(namespace: Resource): string | undefined {
  const injection = namespaceLabel(namespace, 'istio-injection');
  const revision = namespaceLabel(namespace, 'istio.io/rev');
  if (injection === 'enabled') return 'istio-sidecar-injector';
  if (injection !== undefined || revision === undefined) return undefined;
  return revision === 'default' ? 'istio-sidecar-injector' : `istio-sidecar-injector-${revision}`;
}

/** `hub/image:tag`, or an image that is written out. */
const imageOf = rememberPerResource(({ root }): string | undefined => {
  const text = root.at('data', 'values').string;
  if (text === undefined) return undefined;
  try {
    const { global } = JSON.parse(text) as { global?: { hub?: unknown; tag?: unknown; proxy?: { image?: unknown } } };
    const [hub, tag, image] = [global?.hub, global?.tag, global?.proxy?.image].map((value) =>
      typeof value === 'string' || typeof value === 'number' ? String(value) : '',
    );
    if (image?.includes('/')) return image;
    return hub && tag && image ? `${hub}/${image}:${tag}` : undefined;
  } catch {
    return undefined;
  }
});

/** A type of image (`-distroless`, `-debug`) may be asked for by annotation or ProxyConfig. */
function runsOther({ root, spec }: Resource, image: string): boolean {
  if (!root.at('status').isSet) return false;
  const proxy = [...spec.at('containers').items, ...spec.at('initContainers').items].find(
    (container) => container.at('name').string === 'istio-proxy',
  );
  const running = proxy?.at('image').string;
  return running !== undefined && running !== image && !running.startsWith(`${image}-`);
}
