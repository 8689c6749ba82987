import type { Labels, LabelSelector, MutatingWebhookConfiguration } from '../kubernetes.ts';
import { matchesSelector } from '../selectors.ts';
import type { StepSource } from '../step.ts';

const inject = 'sidecar.istio.io/inject';
const rev = 'istio.io/rev';
const injection = 'istio-injection';

type Requirements = NonNullable<LabelSelector['matchExpressions']>;

const absent = (key: string) => ({ key, operator: 'DoesNotExist' });
const unlabelled = [absent(injection), absent(rev)];
const notRefused = { key: inject, operator: 'NotIn', values: ['false'] };
const notSystem = {
  key: 'kubernetes.io/metadata.name',
  operator: 'NotIn',
  values: ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'],
};

/** One webhook that the API server asks to inject new pods. */
export interface InjectorWebhook {
  /** `istio-sidecar-injector/namespace.sidecar-injector.istio.io` */
  name: string;
  revision: string;
  /** The tag under which the revision can be asked for as well: `prod`. */
  tag?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  /** In CEL, asked when the selectors match. */
  matchConditions?: readonly { name: string; expression: string }[];
  /** `Ignore`: a condition that breaks off passes the webhook over; else it refuses the pod. */
  failurePolicy?: string;
  /** The webhook's name in its configuration; absent for one that nobody gave us. */
  source?: StepSource;
}

/**
 * The webhooks among these that inject: they serve `/inject…` and are called when a pod is created.
 * Order: the API server's (configurations by name, webhooks as they stand).
 */
export function injectorWebhooks(configurations: readonly MutatingWebhookConfiguration[]): InjectorWebhook[] {
  const byName = [...configurations].sort((a, b) => compare(a.metadata?.name ?? '', b.metadata?.name ?? ''));
  return byName.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.flatMap((webhook, index): InjectorWebhook[] => {
      if (!injects(webhook)) return [];
      const { name, namespaceSelector, objectSelector, matchConditions = [], failurePolicy } = webhook;
      return [
        {
          name: `${metadata?.name ?? ''}/${name}`,
          revision: metadata?.labels?.['istio.io/rev'] ?? 'default',
          ...(metadata?.labels?.['istio.io/tag'] !== undefined && { tag: metadata.labels['istio.io/tag'] }),
          ...(namespaceSelector && { namespaceSelector }),
          ...(objectSelector && { objectSelector }),
          ...(matchConditions.length > 0 && { matchConditions }),
          ...(failurePolicy !== undefined && { failurePolicy }),
          source: {
            kind: 'MutatingWebhookConfiguration',
            name: metadata?.name ?? '',
            path: ['webhooks', index, 'name'],
          },
        },
      ];
    }),
  );
}

/**
 * The webhooks of control planes as the charts install them. Each revision answers to its own name; `default` also to
 * the labels that name no revision (istio-injection, sidecar.istio.io/inject).
 */
export function defaultWebhooks(revisions: readonly string[], namespacesByDefault: boolean): InjectorWebhook[] {
  return revisions.flatMap((revision) => {
    const webhook = (name: string, namespace: Requirements, object: Requirements): InjectorWebhook => ({
      name: `istio-sidecar-injector${revision === 'default' ? '' : `-${revision}`}/${name}.sidecar-injector.istio.io`,
      revision,
      namespaceSelector: { matchExpressions: namespace },
      objectSelector: { matchExpressions: object },
    });
    const asked = { key: rev, operator: 'In', values: [revision] };
    const webhooks = [
      webhook('rev.namespace', [asked, absent(injection)], [notRefused]),
      webhook('rev.object', unlabelled, [notRefused, asked]),
    ];
    if (revision !== 'default') return webhooks;
    webhooks.push(webhook('namespace', [{ key: injection, operator: 'In', values: ['enabled'] }], [notRefused]));
    webhooks.push(webhook('object', unlabelled, [{ key: inject, operator: 'In', values: ['true'] }, absent(rev)]));
    if (namespacesByDefault) webhooks.push(webhook('auto', [...unlabelled, notSystem], [absent(inject), absent(rev)]));
    return webhooks;
  });
}

/** The webhooks whose selectors take a pod with these labels in a namespace with those, in their order. */
export function selectingWebhooks(
  webhooks: readonly InjectorWebhook[],
  namespace: string,
  namespaceLabels: Labels,
  podLabels: Labels,
): InjectorWebhook[] {
  // The API server puts this label on every namespace; a manifest rarely writes it down.
  const labels = { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels };
  return webhooks.filter(
    (webhook) =>
      matchesSelector(webhook.namespaceSelector, labels) && matchesSelector(webhook.objectSelector, podLabels),
  );
}

type Webhook = NonNullable<MutatingWebhookConfiguration['webhooks']>[number];

function injects({ clientConfig, rules = [] }: Webhook): boolean {
  return servesInject(clientConfig) && rules.some(meetsNewPods);
}

function servesInject(config: Webhook['clientConfig']): boolean {
  // An external control plane is reached by URL: https://istiod.example.com:15017/inject/cluster/c1/net/n1
  const path = config?.service?.path ?? /^https?:\/\/[^/]+(\/.*)?$/.exec(config?.url ?? '')?.[1] ?? '';
  return path === '/inject' || path.startsWith('/inject/') || path.startsWith('/inject?');
}

function meetsNewPods(rule: NonNullable<Webhook['rules']>[number]): boolean {
  const has = (list: string[] | undefined, ...any: string[]) => (list ?? []).some((one) => any.includes(one));
  return has(rule.operations, 'CREATE', '*') && has(rule.resources, 'pods', '*', '*/*') && has(rule.apiGroups, '', '*');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
