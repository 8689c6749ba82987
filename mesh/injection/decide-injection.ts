import * as l10n from '@vscode/l10n';
import type { ConfigMap, Labels, MutatingWebhookConfiguration, Namespace, ObjectMeta, PodSpec } from '../kubernetes.ts';
import { matchesSelector } from '../selectors.ts';
import type { Step, StepSource } from '../step.ts';
import { catalogue, checkAnnotationValue, type YamlParser } from './annotation-catalogue.ts';
import { defaultInjector, readInjectorConfig, type InjectorConfig } from './injector-config.ts';
import { defaultWebhooks, injectorWebhooks, selectingWebhooks, type InjectorWebhook } from './injector-webhooks.ts';
import { findInterceptionMode } from './find-interception-mode.ts';
import { evaluateCondition, notKnown, type ConditionResult } from './match-conditions.ts';
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
  return { injected: true, revision: webhook.revision, templates, by, usesCni: config.cni, steps };
}

interface Facts {
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

function factsOf({ pod, namespace, webhooks, configMaps = [], revisions, parseYaml }: InjectionInputs): Facts {
  const configs = configMaps.flatMap((configMap) => readInjectorConfig(configMap, parseYaml) ?? []);
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

function configOf(revision: string, configs: readonly InjectorConfig[]): InjectorConfig {
  return (
    configs.find((config) => config.revision === revision) ??
    (configs.length === 1 ? configs[0]! : { ...defaultInjector, revision })
  );
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

function onPod(carrier: 'labels' | 'annotations', name: string): StepSource {
  return { kind: 'Pod', path: ['metadata', carrier, name] };
}

function onNamespace({ namespace }: Pick<Facts, 'namespace'>, label: string): StepSource {
  return { kind: 'Namespace', name: namespace, path: ['metadata', 'labels', label] };
}

// ---- gate A: the API server -----------------------------------------------------------------------------------------

const injectKey = 'sidecar.istio.io/inject';
const revKey = 'istio.io/rev';
const injectionKey = 'istio-injection';

/** The webhook that the API server calls for this pod; undefined, with a last step that says why, if it calls none. */
function askApiServer(facts: Facts, steps: Step[]): InjectorWebhook | undefined {
  const selecting = selectingWebhooks(facts.webhooks, facts.namespace, facts.namespaceLabels, facts.labels);
  for (const step of describeLabels(facts)) steps.push(step);
  const webhook = askConditions(selecting, facts, steps);
  if (selecting.length > 0 && !webhook) return undefined;
  if (webhook) {
    steps.push({
      check: 'webhook',
      value: webhook.name,
      verdict: 'continue',
      says: l10n.t(
        'The API server sends the pod to the injector of revision "{0}": the selectors of webhook {1} match.',
        webhook.revision,
        webhook.name,
      ),
      ...(webhook.source && { source: webhook.source }),
    });
    return webhook;
  }
  const reason = whyNotSelected(facts);
  const described = steps.findLast((step) => step.check === reason.check && step.verdict === 'continue');
  // The deciding label was named already: say it once, where it decides.
  if (described) steps.splice(steps.indexOf(described), 1);
  steps.push(reason);
  return undefined;
}

/** The first of them whose conditions hold as well; undefined, with a last step that says why, if none is left. */
function askConditions(selecting: InjectorWebhook[], facts: Facts, steps: Step[]): InjectorWebhook | undefined {
  for (const webhook of selecting) {
    const deciding = decidingCondition(webhook, facts);
    if (!deciding) return webhook;
    const { result } = deciding;
    const isLast = webhook === selecting.at(-1);
    const isRefused = result === 'failed' && webhook.failurePolicy !== 'Ignore';
    const isPassed = result === 'true' || result === 'unknown';
    steps.push({
      check: 'match-conditions',
      value: deciding.name,
      verdict: isPassed ? 'continue' : isRefused ? 'reject' : isLast ? 'skip' : 'continue',
      says: sayCondition(webhook, deciding),
      ...(webhook.source && {
        source: { ...webhook.source, path: [...webhook.source.path.slice(0, 2), ...deciding.path] },
      }),
    });
    if (isPassed) return webhook;
    if (isRefused) return undefined;
  }
  return undefined;
}

interface Condition {
  name: string;
  expression: string;
  /** Where it stands in its webhook. */
  path: (string | number)[];
  result: ConditionResult;
}

/** One that is false keeps the webhook from being called, whatever the others say; then one that breaks off counts. */
function decidingCondition({ matchConditions = [] }: InjectorWebhook, facts: Facts): Condition | undefined {
  const asked = matchConditions.map((condition, at) => ({
    ...condition,
    path: ['matchConditions', at, 'expression'],
    result: evaluateCondition(condition.expression, requestOf(facts)),
  }));
  const order: ConditionResult[] = ['false', 'failed', 'unknown', 'true'];
  return order.flatMap((result) => asked.find((condition) => condition.result === result) ?? [])[0];
}

function sayCondition({ name: webhook }: InjectorWebhook, { name, expression, result }: Condition): string {
  switch (result) {
    case 'true':
      return l10n.t('The conditions of webhook {0} hold: {1}.', webhook, name);
    case 'unknown':
      return l10n.t(
        'Webhook {0} also asks its condition {1}, which cannot be answered here and counts as true: {2}',
        webhook,
        name,
        expression,
      );
    case 'false':
      return l10n.t('The condition {1} of webhook {0} is false, so it is not called: {2}', webhook, name, expression);
    case 'failed':
      return l10n.t(
        'The condition {1} of webhook {0} asks for something that the pod does not have, which is an error: {2}',
        webhook,
        name,
        expression,
      );
  }
}

/** What a condition may ask about. The rest of a real request is there too, and nobody knows it here. */
function requestOf({ name, namespace, labels, annotations, spec, hasLabels, hasAnnotations }: Facts) {
  const metadata = {
    name,
    namespace,
    generateName: notKnown,
    ownerReferences: notKnown,
    ...(hasLabels && { labels }),
    ...(hasAnnotations && { annotations }),
  };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { ...(spec.hostNetwork && { hostNetwork: true }), [notKnown]: true },
    [notKnown]: true,
  };
  const request = { operation: 'CREATE', namespace, [notKnown]: true };
  return { object, oldObject: null, request, authorizer: notKnown };
}

/** The labels that the webhooks' selectors look at, in the order in which they weigh. */
function describeLabels({ namespace, namespaceKnown, namespaceLabels, labels }: Facts): Step[] {
  const steps: Step[] = [];
  const injection = namespaceLabels[injectionKey];
  const revision = namespaceLabels[revKey];
  if (injection !== undefined) {
    steps.push({
      check: 'namespace',
      value: `${injectionKey}=${injection}`,
      verdict: 'continue',
      says: l10n.t('Namespace {0} is labelled {1}.', namespace, `${injectionKey}=${injection}`),
      source: onNamespace({ namespace }, injectionKey),
    });
  } else if (revision !== undefined) {
    steps.push({
      check: 'revision',
      value: `${revKey}=${revision}`,
      verdict: 'continue',
      says: l10n.t('Namespace {0} asks for revision "{1}".', namespace, revision),
      source: onNamespace({ namespace }, revKey),
    });
  } else {
    const says = namespaceKnown
      ? l10n.t(
          "Namespace {0} has neither istio-injection nor istio.io/rev: only the pod's own labels count.",
          namespace,
        )
      : l10n.t(
          "Namespace {0} is not known here, and counts as one without labels: only the pod's own labels count.",
          namespace,
        );
    steps.push({ check: 'namespace', verdict: 'continue', says });
    const podRevision = labels[revKey];
    if (podRevision !== undefined) {
      steps.push({
        check: 'revision',
        value: `${revKey}=${podRevision}`,
        verdict: 'continue',
        says: l10n.t('The pod\'s label asks for revision "{0}".', podRevision),
        source: onPod('labels', revKey),
      });
    }
  }
  return steps;
}

/** Why no selector takes the pod, told from the labels as the charts' selectors weigh them. */
function whyNotSelected({ name, namespace, namespaceLabels, labels, annotations, webhooks }: Facts): Step {
  const skip = (check: string, value: string | undefined, says: string, source?: StepSource): Step => ({
    check,
    ...(value !== undefined && { value }),
    verdict: 'skip',
    says,
    ...(source && { source }),
  });
  const known = [
    ...new Set(webhooks.flatMap(({ revision, tag }) => (tag === undefined ? [revision] : [revision, tag]))),
  ];
  const injection = namespaceLabels[injectionKey];
  const revision = injection === undefined ? (namespaceLabels[revKey] ?? labels[revKey]) : undefined;
  const inject = labels[injectKey];

  if (webhooks.length === 0)
    return skip(
      'webhook',
      undefined,
      l10n.t('No injector webhook is installed in this cluster: nobody injects {0}.', name),
    );
  if (injection !== undefined && injection !== 'enabled') {
    const says =
      injection === 'disabled'
        ? l10n.t(
            'Namespace {0} is labelled istio-injection=disabled: no webhook takes its pods, whatever their own labels say.',
            namespace,
          )
        : l10n.t(
            'Namespace {0} is labelled istio-injection={1}. The webhooks\' selectors want exactly "enabled", so no pod of it is injected, whatever its own labels say.',
            namespace,
            injection,
          );
    return skip('namespace', `${injectionKey}=${injection}`, says, onNamespace({ namespace }, injectionKey));
  }
  if (inject === 'false')
    return skip(
      'label',
      `${injectKey}=false`,
      l10n.t('{0} carries the label sidecar.istio.io/inject=false: no webhook takes it.', name),
      onPod('labels', injectKey),
    );
  if (revision !== undefined && !known.includes(revision)) {
    return skip(
      'revision',
      `${revKey}=${revision}`,
      l10n.t(
        'No control plane answers to revision "{0}" (there is: {1}): the pod is silently not injected.',
        revision,
        known.join(', '),
      ),
      namespaceLabels[revKey] === undefined ? onPod('labels', revKey) : onNamespace({ namespace }, revKey),
    );
  }
  if (injection === undefined && revision === undefined) {
    if (inject !== undefined) {
      return skip(
        'label',
        `${injectKey}=${inject}`,
        l10n.t(
          'Namespace {0} has no injection label, so the pod\'s label sidecar.istio.io/inject would have to be exactly "true"; it is "{1}".',
          namespace,
          inject,
        ),
        onPod('labels', injectKey),
      );
    }
    const hint =
      annotations[injectKey] !== undefined
        ? ' ' + l10n.t('The annotation sidecar.istio.io/inject does not help: the API server looks at labels only.')
        : '';
    return skip(
      'namespace',
      undefined,
      l10n.t(
        'Namespace {0} has neither istio-injection=enabled nor istio.io/rev, and {1} has no label sidecar.istio.io/inject=true: no webhook takes it.',
        namespace,
        name,
      ) + hint,
    );
  }
  return skip(
    'webhook',
    undefined,
    l10n.t(
      'The selectors of none of the {0} injector webhooks match {1} in namespace {2}.',
      webhooks.length,
      name,
      namespace,
    ),
  );
}

// ---- gate B: the injector -------------------------------------------------------------------------------------------

const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

function askInjector(facts: Facts, config: InjectorConfig, steps: Step[]): boolean {
  const { name, namespace, spec, labels } = facts;
  const add = (
    check: string,
    value: string | undefined,
    verdict: Step['verdict'],
    says: string,
    source?: StepSource,
  ): boolean => {
    steps.push({ check, ...(value !== undefined && { value }), verdict, says, ...(source && { source }) });
    return verdict === 'inject';
  };

  if (spec.hostNetwork === true) {
    return add(
      'host-network',
      'true',
      'skip',
      l10n.t(
        "{0} uses the host's network: redirecting its traffic would redirect the whole node's, so it is never injected.",
        name,
      ),
      { kind: 'Pod', path: ['spec', 'hostNetwork'] },
    );
  }
  add('host-network', undefined, 'continue', l10n.t('It has a network of its own.'));
  if (systemNamespaces.includes(namespace)) {
    return add(
      'system-namespace',
      namespace,
      'skip',
      l10n.t('{0} is a system namespace: its pods are never injected.', namespace),
      { kind: 'Pod', path: ['metadata', 'namespace'] },
    );
  }

  const said = switchOf(facts);
  if (said) {
    const source =
      said.check === 'label'
        ? l10n.t('The label sidecar.istio.io/inject')
        : l10n.t('The annotation sidecar.istio.io/inject');
    const at = onPod(said.check === 'label' ? 'labels' : 'annotations', injectKey);
    if (said.value === 'true')
      return add(said.check, `${injectKey}=true`, 'inject', l10n.t('{0} is "true": injected.', source), at);
    if (said.value === 'false')
      return add(said.check, `${injectKey}=false`, 'skip', l10n.t('{0} is "false": not injected.', source), at);
    const says =
      said.value === ''
        ? l10n.t('{0} is empty: it decides nothing.', source)
        : l10n.t(
            '{0} is "{1}". Only exactly "true" and "false" decide, so the injector passes over it.',
            source,
            said.value,
          );
    add(said.check, `${injectKey}=${said.value}`, 'continue', says, at);
  }

  // A selector without any condition would take every pod; the injector passes over it.
  const takes = (selectors: InjectorConfig['neverInject']) =>
    selectors.find((selector) => !isEmpty(selector) && matchesSelector(selector, labels));
  const never = takes(config.neverInject);
  if (never)
    return add(
      'never-inject-selector',
      JSON.stringify(never),
      'skip',
      l10n.t("The injector's neverInjectSelector matches the labels of {0}.", name),
      config.sources.neverInject,
    );
  const always = takes(config.alwaysInject);
  if (always)
    return add(
      'always-inject-selector',
      JSON.stringify(always),
      'inject',
      l10n.t("The injector's alwaysInjectSelector matches the labels of {0}.", name),
      config.sources.alwaysInject,
    );

  if (config.policy === 'enabled')
    return add(
      'policy',
      'enabled',
      'inject',
      l10n.t('Nothing on the pod decides, and the injector\'s policy is "enabled": injected.'),
      config.sources.policy,
    );
  const says =
    config.policy === 'disabled'
      ? l10n.t(
          'Nothing on the pod decides, and the injector\'s policy is "disabled" (global.proxy.autoInject): not injected. The label sidecar.istio.io/inject=true would.',
        )
      : l10n.t(
          'Nothing on the pod decides, and the injector\'s policy is "{0}", which it does not know: not injected.',
          config.policy,
        );
  return add('policy', config.policy, 'skip', says, config.sources.policy);
}

/** The pod's own switch: the label if it is there, even empty; else the annotation. */
function switchOf({ labels, annotations }: Facts): { check: 'label' | 'annotation'; value: string } | undefined {
  if (labels[injectKey] !== undefined) return { check: 'label', value: labels[injectKey] };
  return annotations[injectKey] === undefined ? undefined : { check: 'annotation', value: annotations[injectKey] };
}

function isEmpty(selector: InjectorConfig['neverInject'][number]): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
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
