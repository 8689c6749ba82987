import * as l10n from '@vscode/l10n';
import type { ConfigMap, MutatingWebhookConfiguration, Namespace, ObjectMeta, PodSpec } from '../kubernetes.ts';
import type { Step } from '../step.ts';
import { catalogue, checkAnnotationValue, type YamlParser } from './annotation-catalogue.ts';
import { askApiServer } from './ask-api-server.ts';
import { askInjector } from './ask-injector.ts';
import { findInterceptionMode } from './find-interception-mode.ts';
import { configOf, factsOf, onNamespace, onPod, type Facts } from './injection-facts.ts';
import type { InjectorConfig } from './injector-config.ts';
import { findPodSecurityRefusal } from './pod-security.ts';

/** What decides whether a pod is injected; Kubernetes objects as they come. Absent parts count as a default installation has them. */
export interface InjectionInputs {
  /** A pod as it runs or as it is written; a pod template is one as well. */
  pod: { metadata?: ObjectMeta; spec?: PodSpec };
  /** The pod's Namespace. Absent: it is not known, and counts as one without labels. */
  namespace?: Namespace;
  /** Every MutatingWebhookConfiguration of the cluster; others than injectors are passed over. */
  webhooks?: readonly MutatingWebhookConfiguration[];
  /** Injector ConfigMaps (`istio-sidecar-injector…`) and, read with `parseYaml`, mesh configurations (`istio…`); others are passed over. */
  configMaps?: readonly ConfigMap[];
  /** Revisions and tags that control planes answer to beside those of `webhooks`. Without any `webhooks` it is `['default']`. */
  revisions?: readonly string[];
  /** To look into the annotation proxy.istio.io/config, which is taken as valid without one, and into mesh configurations. */
  parseYaml?: YamlParser;
}

export interface InjectionDecision {
  /** Whether a pod like this, created now, starts with what the injector adds. */
  injected: boolean;
  /** The control plane that was asked; absent if none was. */
  revision?: string;
  /** Of the proxy that it gets, as far as the control plane's settings say so. */
  proxyVersion?: string;
  /** `['sidecar']`; empty if it is not injected. */
  templates: string[];
  /** Who programs the redirection to the proxy: the init container istio-init, the CNI plugin, or nobody. */
  by: 'init' | 'cni' | null;
  /** The injector counts on Istio's CNI plugin, which then has its own word on each pod: see `decideCniProgramming`. */
  usesCni: boolean;
  /** In the order in which the API server and then the injector take them; the last one decided. */
  steps: Step[];
}

/**
 * Whether a new pod is injected, and every step that leads there. Two programs decide one after the other:
 * the API server (does some injector webhook select the pod? only labels count) and then the injector itself.
 * Source: istio pkg/kube/inject (injectRequired) and the selectors of the istiod chart.
 */
export function decideInjection(inputs: InjectionInputs): InjectionDecision {
  const steps: Step[] = [];
  const refused = (revision?: string): InjectionDecision => ({
    injected: false,
    ...(revision !== undefined && { revision }),
    templates: [],
    by: null,
    usesCni: false,
    steps,
  });
  const facts = factsOf(inputs);
  noteEarlierInjection(facts, steps);
  const webhook = askApiServer(facts, steps);
  if (!webhook) return refused();
  const config = configOf(webhook.revision, facts.configs);
  if (!askInjector(facts, config, steps)) return refused(webhook.revision);
  const templates = templatesOf(facts, config);
  if (refuseValues(facts, steps, inputs.parseYaml) || refuseTemplates(facts, config, templates, steps))
    return refused(webhook.revision);
  const mode = findInterceptionMode(facts.annotations, webhook.revision, inputs);
  const by = redirectedBy(facts, config, templates, mode);
  if (refusePodSecurity(facts, by, templates, mode, steps)) return refused(webhook.revision);
  const { cni: usesCni, proxyVersion } = config;
  return {
    injected: true,
    revision: webhook.revision,
    ...(proxyVersion !== undefined && { proxyVersion }),
    ...{ templates, by, usesCni, steps },
  };
}

// ---- what has happened already --------------------------------------------------------------------------------------

function noteEarlierInjection({ name, annotations, spec }: Facts, steps: Step[]): void {
  const status = annotations['sidecar.istio.io/status'];
  if (status === undefined) return;
  const added = (spec.initContainers ?? [])
    .concat(spec.containers ?? [])
    .map((container) => container.name)
    .filter((container) => container.startsWith('istio-'));
  steps.push({
    check: 'already-injected',
    value: 'sidecar.istio.io/status',
    verdict: 'continue',
    says: l10n.t(
      '{0} was injected when it was created ({1}). The steps below are what a new pod like it meets today.',
      name,
      added.join(', ') || '–',
    ),
    source: onPod('annotations', 'sidecar.istio.io/status'),
  });
}

// ---- after the decision ---------------------------------------------------------------------------------------------

const templatesKey = 'inject.istio.io/templates';

function templatesOf({ annotations }: Facts, { defaultTemplates, aliases }: InjectorConfig): string[] {
  const wanted = annotations[templatesKey]?.split(',').map((template) => template.trim()) ?? defaultTemplates;
  return wanted.flatMap((name) => (Object.hasOwn(aliases, name) ? aliases[name]! : [name]));
}

/** Only the sidecar template redirects: a gateway is addressed directly, and gRPC without proxy needs no redirection. */
function redirectedBy(
  { annotations, spec }: Facts,
  config: InjectorConfig,
  templates: string[],
  mode: string | undefined,
): 'init' | 'cni' | null {
  const ran =
    annotations['sidecar.istio.io/status'] === undefined
      ? []
      : (spec.initContainers ?? []).map((container) => container.name);
  if (ran.includes('istio-init')) return 'init';
  if (ran.includes('istio-validation')) return 'cni';
  if (!templates.includes('sidecar') || mode === 'NONE') return null;
  return config.cni ? 'cni' : 'init';
}

/** A value that does not fit fails the pod's admission: the webhook answers with an error, and its failurePolicy is Fail. */
function refuseValues({ annotations, name }: Facts, steps: Step[], parseYaml: YamlParser | undefined): boolean {
  for (const entry of catalogue) {
    const value = entry.carrier === 'annotation' && entry.format ? annotations[entry.name] : undefined;
    const problem = value === undefined ? undefined : checkAnnotationValue(entry, value, parseYaml);
    if (!problem) continue;
    steps.push({
      check: 'annotation-value',
      value: `${entry.name}=${value}`,
      verdict: 'reject',
      says: l10n.t(
        '{0} cannot be created: the injector refuses the annotation {1}. {2}',
        name,
        entry.name,
        problem.message,
      ),
      source: onPod('annotations', entry.name),
    });
    return true;
  }
  return false;
}

/** A template that the injector does not have fails the admission too. Which it has is known from its whole ConfigMap only. */
function refuseTemplates(
  { name, annotations }: Facts,
  config: InjectorConfig,
  wanted: string[],
  steps: Step[],
): boolean {
  const missing = config.templates && wanted.find((template) => !config.templates!.includes(template));
  if (missing === undefined) return false;
  steps.push({
    check: 'template',
    value: missing,
    verdict: 'reject',
    says: l10n.t(
      '{0} cannot be created: the injector of revision "{1}" has no template "{2}" (there is: {3}).',
      name,
      config.revision,
      missing,
      (config.templates ?? []).join(', '),
    ),
    ...(annotations[templatesKey] !== undefined && { source: onPod('annotations', templatesKey) }),
  });
  return true;
}

function refusePodSecurity(
  { name, namespace, namespaceLabels }: Facts,
  by: InjectionDecision['by'],
  templates: string[],
  mode: string | undefined,
  steps: Step[],
): boolean {
  const refusal = findPodSecurityRefusal({
    name,
    namespace,
    namespaceLabels,
    by,
    mode: templates.includes('sidecar') ? mode : undefined,
  });
  if (!refusal) return false;
  const source = onNamespace({ namespace }, 'pod-security.kubernetes.io/enforce');
  steps.push({ check: 'pod-security', value: refusal.level, verdict: 'reject', says: refusal.says, source });
  return true;
}
