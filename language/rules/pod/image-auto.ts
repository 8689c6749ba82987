import * as l10n from '@vscode/l10n';
import { defaultWebhooks } from '../../../mesh/injection/injector-webhooks.ts';
import { matchesSelector } from '../../../mesh/selectors.ts';
import type { Labels, LabelSelector } from '../../../mesh/kubernetes.ts';
import { lookUp } from '../../lookup.ts';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { labelsOf } from '../pods.ts';
import { injectorsOf } from '../webhook/injectors.ts';

const byName = ({ name }: Resource) => [name];
const everything = () => [''];

/** `auto` is no image but a word for the injector: where it does not come by, the node looks for an image of that name. */
export const imageAuto = defineRule({
  id: 'pod/image-auto',
  code: 'IST0146',
  severity: 'warning',
  docs: istioDocs('IST0146'),
  why: 'The image "auto" of an istio-proxy container is replaced at injection. A workload that no injector selects keeps it, and its pods never start (IST0146). A pod that runs with it was not injected (IST0147, an error). Without webhook configurations at hand, those of a default installation count.',
  reads: ['AnyPod', 'Namespace', 'MutatingWebhookConfiguration'],
  subject: ['AnyPod'],
  *check({ AnyPod, Namespace, MutatingWebhookConfiguration }, context) {
    for (const pod of AnyPod) {
      const image = findAutoImage(pod);
      if (!image) continue;
      const isPod = pod.resource.kind === 'Pod';
      if (isPod && (pod.resource.root.at('status').isSet || context.strictness === 'strict')) {
        yield finding(
          image,
          l10n.t('Pod {0} was not injected: "auto" is left as its image, and it does not start.', pod.name),
          {
            code: 'IST0147',
            severity: 'error',
          },
        );
        continue;
      }
      const home = lookUp(Namespace, byName, context).get(pod.namespace)[0];
      if (!home && !context.knowsAll('Namespace')) continue;
      const webhooks = lookUp(MutatingWebhookConfiguration, everything, context).get('');
      if (isSelected(pod, home, webhooks)) continue;
      yield finding(
        image,
        l10n.t(
          'No injector selects the pods of {0} in namespace {1}: "auto" stays as their image, and they do not start. Label the namespace istio-injection=enabled, or the pod template sidecar.istio.io/inject: "true".',
          pod.name,
          pod.namespace,
        ),
      );
    }
  },
});

function findAutoImage({ spec, resource }: PodSource) {
  const lists = resource.kind === 'Pod' ? ['containers', 'initContainers'] : ['containers'];
  return lists
    .flatMap((list) => spec.at(list).items)
    .filter((container) => container.at('name').string === 'istio-proxy')
    .map((container) => container.at('image'))
    .find(({ string }) => string === 'auto');
}

function isSelected(pod: PodSource, home: Resource | undefined, configurations: readonly Resource[]): boolean {
  const namespace: Labels = {
    'kubernetes.io/metadata.name': pod.namespace,
    ...home?.metadata.at('labels').strings,
  };
  const labels = labelsOf(pod);
  return webhooksFor(configurations, namespace, labels).some(
    (one) => matchesSelector(one.namespaces, namespace) && matchesSelector(one.objects, labels),
  );
}

interface Selectors {
  namespaces: LabelSelector | undefined;
  objects: LabelSelector | undefined;
}

function webhooksFor(configurations: readonly Resource[], namespace: Labels, pod: Labels): Selectors[] {
  const known = injectorsOf(configurations).filter(({ name }) => name.endsWith('istio.io'));
  if (known.length > 0) return known;
  const revisions = ['default', namespace['istio.io/rev'], pod['istio.io/rev']].filter((name) => name !== undefined);
  return defaultWebhooks([...new Set(revisions)], false).map(({ namespaceSelector, objectSelector }) => ({
    namespaces: namespaceSelector,
    objects: objectSelector,
  }));
}
