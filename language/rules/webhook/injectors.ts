import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import type { LabelSelector, Labels } from '../../../mesh/kubernetes.ts';
import { matchesSelector } from '../../../mesh/selectors.ts';

/** A webhook of Istio that is asked about new pods. */
export interface Injector {
  configuration: Resource;
  at: Located;
  name: string;
  namespaces: LabelSelector | undefined;
  objects: LabelSelector | undefined;
}

const revision = 'istio.io/rev';

/** The webhooks whose names end in `istio.io`, and all of configurations that belong to a revision. */
export function injectorsOf(configurations: readonly Resource[]): Injector[] {
  return configurations.flatMap((configuration) => {
    const webhooks = configuration.root.at('webhooks').items;
    const isIstio = webhooks.some(isOfIstio) || revisionsIn(configuration).length > 0;
    return isIstio ? webhooks.map((at) => injectorAt(configuration, at)) : [];
  });
}

export function selects({ namespaces, objects }: Injector, namespace: Labels, pod: Labels): boolean {
  return matchesSelector(namespaces, namespace) && matchesSelector(objects, pod);
}

/** The revisions that a configuration is about: by its label, or because its selectors ask for them. */
export function revisionsIn({ metadata, root }: Resource): string[] {
  const own = metadata.at('labels', revision).string;
  const asked = root
    .at('webhooks')
    .items.flatMap((webhook) => [webhook.at('namespaceSelector'), webhook.at('objectSelector')])
    .flatMap((selector) => [
      selector.at('matchLabels', revision).string,
      ...selector
        .at('matchExpressions')
        .items.filter((expression) => expression.at('key').string === revision)
        .flatMap((expression) => expression.at('values').items.map(({ string }) => string)),
    ]);
  return [own, ...asked].filter((name) => name !== undefined);
}

function isOfIstio(webhook: Located): boolean {
  return webhook.at('name').string?.endsWith('istio.io') ?? false;
}

function injectorAt(configuration: Resource, at: Located): Injector {
  return {
    configuration,
    at,
    name: at.at('name').string ?? '',
    namespaces: selectorOf(at.at('namespaceSelector')),
    objects: selectorOf(at.at('objectSelector')),
  };
}

function selectorOf(at: Located): LabelSelector | undefined {
  if (at.type !== 'map') return undefined;
  return {
    matchLabels: at.at('matchLabels').strings,
    matchExpressions: at.at('matchExpressions').items.map((expression) => ({
      key: expression.at('key').string ?? '',
      operator: expression.at('operator').string ?? '',
      values: expression.at('values').items.flatMap(({ string }) => string ?? []),
    })),
  };
}
