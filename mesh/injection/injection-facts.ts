import * as l10n from '@vscode/l10n';
import type { ConfigMap, Labels, PodSpec } from '../kubernetes.ts';
import type { StepSource } from '../step.ts';
import type { InjectionInputs } from './decide-injection.ts';
import { defaultInjector, readInjectorConfig, type InjectorConfig } from './injector-config.ts';
import { defaultWebhooks, injectorWebhooks, type InjectorWebhook } from './injector-webhooks.ts';

export const injectKey = 'sidecar.istio.io/inject';

/** What the two programs look at, with every default filled in. */
export interface Facts {
  /** `reviews-7bcb87fbbc-lh2bb`; for a template, what its messages call it. */
  name: string;
  namespace: string;
  namespaceKnown: boolean;
  namespaceLabels: Labels;
  labels: Labels;
  annotations: Record<string, string>;
  /** Empty maps are not there for a condition that asks. */
  hasLabels: boolean;
  hasAnnotations: boolean;
  spec: PodSpec;
  webhooks: InjectorWebhook[];
  configs: InjectorConfig[];
}

export function factsOf({ pod, namespace, webhooks, configMaps = [], revisions, parseYaml }: InjectionInputs): Facts {
  const configs = configMaps.flatMap((configMap) => readOnce(configMap, parseYaml) ?? []);
  return {
    name: pod.metadata?.name ?? pod.metadata?.generateName ?? l10n.t('the pod'),
    namespace: pod.metadata?.namespace ?? namespace?.metadata?.name ?? 'default',
    namespaceKnown: namespace !== undefined,
    namespaceLabels: namespace?.metadata?.labels ?? {},
    labels: pod.metadata?.labels ?? {},
    annotations: pod.metadata?.annotations ?? {},
    hasLabels: Object.keys(pod.metadata?.labels ?? {}).length > 0,
    hasAnnotations: Object.keys(pod.metadata?.annotations ?? {}).length > 0,
    spec: pod.spec ?? {},
    webhooks: [
      ...injectorWebhooks(webhooks ?? []),
      ...defaultWebhooks(revisions ?? (webhooks ? [] : ['default']), configOf('default', configs).namespacesByDefault),
    ],
    configs,
  };
}

/** Thousands of pods are asked about with the same few ConfigMaps. */
const known = new WeakMap<ConfigMap, InjectorConfig | undefined>();

function readOnce(configMap: ConfigMap, parseYaml: InjectionInputs['parseYaml']): InjectorConfig | undefined {
  if (parseYaml) return readInjectorConfig(configMap, parseYaml);
  if (!known.has(configMap)) known.set(configMap, readInjectorConfig(configMap));
  return known.get(configMap);
}

export function configOf(revision: string, configs: readonly InjectorConfig[]): InjectorConfig {
  return (
    configs.find((config) => config.revision === revision) ??
    (configs.length === 1 ? configs[0]! : { ...defaultInjector, revision })
  );
}

export function onPod(carrier: 'labels' | 'annotations', name: string): StepSource {
  return { kind: 'Pod', path: ['metadata', carrier, name] };
}

export function onNamespace({ namespace }: Pick<Facts, 'namespace'>, label: string): StepSource {
  return { kind: 'Namespace', name: namespace, path: ['metadata', 'labels', label] };
}
