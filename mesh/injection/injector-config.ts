import type { ConfigMap, LabelSelector } from '../kubernetes.ts';
import { imageTag, plainVersion } from '../pods/image-tag.ts';
import type { StepSource } from '../step.ts';
import type { YamlParser } from './annotation-values.ts';

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
  /** Who calls the plugin: `default`, or `multus` where it is not chained; the injector then names it on each pod. */
  cniProvider: string;
  /** Of the proxies that it adds: `1.32.0`. */
  proxyVersion?: string;
  /** The templates it has, where it tells. */
  templates?: readonly string[];
  /** Names that stand for templates: `{ gateway: ['gateway', 'tuning'] }`. */
  aliases: Record<string, readonly string[]>;
  /** Where that stands which may decide; absent for a default. */
  sources: Partial<Record<'policy' | 'neverInject' | 'alwaysInject', StepSource>>;
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
  cniProvider: 'default',
  aliases: {},
  sources: {},
};

/**
 * Reads the ConfigMap `istio-sidecar-injector[-REVISION]`: `values`, JSON as the chart prints it, and with a YAML parser
 * also `config`, made from the values by the chart. What both tell, the injector takes from `config`: it may have been
 * edited there. Undefined if this is no injector's ConfigMap; what cannot be read counts as default.
 */
export function readInjectorConfig(configMap: ConfigMap, parseYaml?: YamlParser): InjectorConfig | undefined {
  const name = configMap.metadata?.name;
  if (!name?.startsWith('istio-sidecar-injector')) return undefined;
  const values = parseObject(configMap.data?.['values'], JSON.parse);
  const config = parseYaml ? parseObject(configMap.data?.['config'], parseYaml) : {};
  const webhook = object(values['sidecarInjectorWebhook']);
  const proxy = object(object(values['global'])['proxy']);
  const templates = [strings(config['defaultTemplates']), strings(webhook['defaultTemplates'])];
  const said = (key: string, within: string): StepSource =>
    key in config
      ? { kind: 'ConfigMap', name, path: ['data', 'config'], within: key }
      : { kind: 'ConfigMap', name, path: ['data', 'values'], within };
  return {
    revision: configMap.metadata?.labels?.['istio.io/rev'] ?? (text(values['revision']) || defaultInjector.revision),
    policy: text(config['policy']) ?? text(proxy['autoInject']) ?? defaultInjector.policy,
    neverInject: selectors(config['neverInjectSelector'] ?? webhook['neverInjectSelector']),
    alwaysInject: selectors(config['alwaysInjectSelector'] ?? webhook['alwaysInjectSelector']),
    defaultTemplates: templates.find((names) => names.length > 0) ?? defaultInjector.defaultTemplates,
    namespacesByDefault: webhook['enableNamespacesByDefault'] === true,
    // The chart's older name for the same switch is istio_cni.
    cni: object(object(values['pilot'])['cni'])['enabled'] === true || object(values['istio_cni'])['enabled'] === true,
    cniProvider: text(object(object(values['pilot'])['cni'])['provider']) || defaultInjector.cniProvider,
    ...proxyVersionOf(object(values['global'])),
    ...('templates' in config && { templates: Object.keys(object(config['templates'])) }),
    aliases: Object.fromEntries(
      Object.entries(object(config['aliases'])).map(([alias, names]) => [alias, strings(names)]),
    ),
    sources: {
      ...((text(config['policy']) ?? text(proxy['autoInject'])) !== undefined && {
        policy: said('policy', 'autoInject'),
      }),
      neverInject: said('neverInjectSelector', 'neverInjectSelector'),
      alwaysInject: said('alwaysInjectSelector', 'alwaysInjectSelector'),
    },
  };
}

/** `tag: 1.32.0`, or a whole image in place of hub, name and tag. YAML makes a number of `1.3`. */
function proxyVersionOf(global: Fields): { proxyVersion?: string } {
  const { tag } = global;
  const image = text(object(global['proxy'])['image']) ?? '';
  const said = typeof tag === 'number' ? String(tag) : text(tag);
  const version = plainVersion(image.includes('/') ? imageTag(image) : said);
  return version ? { proxyVersion: version } : {};
}

type Fields = Record<string, unknown>;

function parseObject(written: string | undefined, parse: (text: string) => unknown): Fields {
  try {
    return object(parse(written ?? '{}'));
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
