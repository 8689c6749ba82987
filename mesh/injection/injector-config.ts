import type { ConfigMap, LabelSelector } from '../kubernetes.ts';

/** What an injector was told at installation. Absent fields: the default. */
export interface InjectorConfig {
  /** The revision it belongs to: `default`, `canary`. */
  revision: string;
  /** `enabled` (the default) or `disabled`: what happens to pods that nothing else decided. */
  policy: string;
  neverInject: LabelSelector[];
  alwaysInject: LabelSelector[];
  /** Templates for pods that do not name any. */
  defaultTemplates: string[];
  /** Namespaces without any label are injected too. */
  namespacesByDefault: boolean;
  /** The CNI plugin programs the redirection, so that pods get no istio-init. */
  cni: boolean;
  /** The ConfigMap it was read from; absent for a default. */
  configMap?: string;
}

/** An injector as a default installation has it. */
export const defaultInjector: InjectorConfig = {
  revision: 'default',
  policy: 'enabled',
  neverInject: [],
  alwaysInject: [],
  defaultTemplates: ['sidecar'],
  namespacesByDefault: false,
  cni: false,
};

/**
 * Reads the ConfigMap `istio-sidecar-injector[-REVISION]`, key `values`: JSON, as the chart prints it.
 * Undefined if this is no injector's ConfigMap; what cannot be read counts as default.
 */
export function readInjectorConfig(configMap: ConfigMap): InjectorConfig | undefined {
  if (!configMap.metadata?.name?.startsWith('istio-sidecar-injector')) return undefined;
  const values = parseObject(configMap.data?.['values']);
  const webhook = object(values['sidecarInjectorWebhook']);
  const proxy = object(object(values['global'])['proxy']);
  const templates = strings(webhook['defaultTemplates']);
  return {
    revision: configMap.metadata.labels?.['istio.io/rev'] ?? (text(values['revision']) || defaultInjector.revision),
    policy: text(proxy['autoInject']) ?? defaultInjector.policy,
    neverInject: selectors(webhook['neverInjectSelector']),
    alwaysInject: selectors(webhook['alwaysInjectSelector']),
    defaultTemplates: templates.length > 0 ? templates : defaultInjector.defaultTemplates,
    namespacesByDefault: webhook['enableNamespacesByDefault'] === true,
    // The chart's older name for the same switch is istio_cni.
    cni: object(object(values['pilot'])['cni'])['enabled'] === true || object(values['istio_cni'])['enabled'] === true,
    configMap: configMap.metadata.name,
  };
}

type Fields = Record<string, unknown>;

function parseObject(json: string | undefined): Fields {
  try {
    return object(JSON.parse(json ?? '{}'));
  } catch {
    return {};
  }
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function selectors(value: unknown): LabelSelector[] {
  return Array.isArray(value) ? value.map((one) => object(one) as LabelSelector) : [];
}
