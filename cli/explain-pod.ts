import * as l10n from '@vscode/l10n';
import { findPodSource, parseYaml } from '../language/index.ts';
import type { Located, PodSource, Range, Resource, Workspace } from '../language/index.ts';
import { decideCniProgramming } from '../mesh/cni/decide-cni-programming.ts';
import { decideInjection } from '../mesh/injection/decide-injection.ts';
import type { InjectionDecision, InjectionInputs } from '../mesh/injection/decide-injection.ts';
import { readInjectorConfig } from '../mesh/injection/injector-config.ts';
import { injectorWebhooks } from '../mesh/injection/injector-webhooks.ts';
import type { ConfigMap, Container, MutatingWebhookConfiguration, Namespace, Pod } from '../mesh/kubernetes.ts';
import type { Step, StepSource } from '../mesh/step.ts';

/** What other programs parse: it only grows. */
export interface ExplainedPod {
  resource: { kind: string; namespace: string; name: string };
  file: string;
  /** The place of the name in the file. */
  range: Range;
  injected: boolean;
  /** The control plane that was asked; null if none was. */
  revision: string | null;
  templates: string[];
  by: 'init' | 'cni' | null;
  steps: ExplainedStep[];
  /** What Istio's CNI plugin then does, where the injector counts on it. */
  cni?: { programs: boolean; steps: ExplainedStep[] };
}

export interface ExplainedStep extends Omit<Step, 'value' | 'source'> {
  value: string | null;
  /** Where the value stands; absent for a default. */
  file?: string;
  range?: Range;
}

/** The pods of the manifests, and all that decides about them. */
export interface ManifestInputs {
  pods: PodSource[];
  namespaces: Map<string, Resource>;
  webhookConfigurations: Resource[];
  configMaps: Resource[];
  /** What {@link decideInjection} takes beside pod and namespace. */
  common: Omit<InjectionInputs, 'pod' | 'namespace'>;
}

/**
 * Gathers what the files of a workspace say about injection.
 * @param wanted the revisions or tags that control planes answer to; empty: those of the files, else `default`.
 * @param meshConfig the mesh configuration as YAML, instead of what the files hold.
 */
export function readInjectionInputs(
  workspace: Workspace,
  wanted: readonly string[],
  meshConfig: string | undefined,
): ManifestInputs {
  const resources = listResources(workspace);
  const names = new Set(resources.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
  const ofKind = (kind: Resource['kind']) => resources.filter((resource) => resource.kind === kind);
  const webhookConfigurations = ofKind('MutatingWebhookConfiguration');
  const configMaps = ofKind('ConfigMap').filter(({ name }) => /^istio(-|$)/.test(name));
  return {
    pods: resources.flatMap((resource) => (isMadeByAnother(resource, names) ? [] : (findPodSource(resource) ?? []))),
    namespaces: new Map(ofKind('Namespace').map((resource) => [resource.name, resource])),
    webhookConfigurations,
    configMaps,
    common: {
      parseYaml: parseOnce(),
      ...chooseControlPlanes(webhookConfigurations.map(toWebhooks), configMaps.map(toConfigMap), wanted),
      configMaps: [
        ...configMaps.map(toConfigMap).filter(({ data }) => meshConfig === undefined || data?.['mesh'] === undefined),
        ...(meshConfig === undefined ? [] : [{ metadata: { name: 'istio' }, data: { mesh: unwrapMesh(meshConfig) } }]),
      ],
    },
  };
}

/** Whether a new pod of this source is injected, and every step with its place in the files. */
export function explainPod(source: PodSource, inputs: ManifestInputs): ExplainedPod {
  const pod = podOf(source);
  const namespace = inputs.namespaces.get(source.namespace);
  const refusal = findNoString(source);
  const decision: InjectionDecision = refusal
    ? { injected: false, templates: [], by: null, usesCni: false, steps: [refusal] }
    : decideInjection({ pod, ...(namespace && { namespace: toNamespace(namespace) }), ...inputs.common });
  const locate = (step: Step) => locateStep(step, source, inputs);
  const cni =
    decision.usesCni && decision.templates.includes('sidecar') ? decideCniProgramming(asInjected(pod)) : undefined;
  const { kind, metadata, root } = source.resource;
  return {
    resource: { kind, namespace: source.namespace, name: pod.metadata?.name ?? '' },
    file: root.source.uri,
    range: metadata.at('name').mark,
    injected: decision.injected,
    revision: decision.revision ?? null,
    templates: decision.templates,
    by: decision.by,
    steps: decision.steps.map(locate),
    ...(cni && { cni: { programs: cni.programs, steps: cni.steps.map(locate) } }),
  };
}

// ---- from manifests to what the mesh reads --------------------------------------------------------------------------

/** In the order of the files' names and of their documents; kustomize patches and broken documents left out. */
function listResources(workspace: Workspace): Resource[] {
  const patches = new Set(workspace.skipped().flatMap(({ uri, reason }) => (reason === 'patch' ? [uri] : [])));
  return workspace
    .uris()
    .filter((uri) => !patches.has(uri))
    .flatMap((uri) => workspace.findFile(uri)?.documents ?? [])
    .flatMap(({ resources }) => resources)
    .filter(({ incomplete }) => !incomplete);
}

/** The ReplicaSet of a Deployment that is there as well: its template is the Deployment's, or an older one. */
function isMadeByAnother({ kind, namespace, metadata }: Resource, names: ReadonlySet<string>): boolean {
  if (kind === 'Pod') return false;
  const owners = metadata.at('ownerReferences').items;
  return owners.some((owner) => names.has(`${owner.at('kind').string} ${namespace}/${owner.at('name').string}`));
}

function chooseControlPlanes(
  found: MutatingWebhookConfiguration[],
  configMaps: ConfigMap[],
  wanted: readonly string[],
): Pick<InjectionInputs, 'webhooks' | 'revisions'> {
  const installed = injectorWebhooks(found);
  if (installed.length === 0) {
    const configured = configMaps.flatMap((configMap) => readInjectorConfig(configMap)?.revision ?? []);
    return { revisions: wanted.length > 0 ? [...new Set(wanted)] : [...new Set(['default', ...configured])] };
  }
  if (wanted.length === 0) return { webhooks: found };
  const answers = (configuration: MutatingWebhookConfiguration, names: readonly string[]) =>
    injectorWebhooks([configuration]).some(({ revision, tag }) => names.includes(tag ?? revision));
  const webhooks = found.filter((configuration) => answers(configuration, wanted));
  return { webhooks, revisions: wanted.filter((name) => !webhooks.some((one) => answers(one, [name]))) };
}

/** An injector's configuration is long, and every pod of thousands asks for it. */
function parseOnce(): (text: string) => unknown {
  const known = new Map<string, unknown>();
  return (text) => {
    if (!known.has(text)) known.set(text, parseYaml(text));
    return known.get(text);
  };
}

/** The configuration itself, also from the ConfigMap in which it lies in a cluster. */
function unwrapMesh(text: string): string {
  const data: unknown = (parseYaml(text) as { data?: { mesh?: unknown } } | null)?.data;
  const mesh = (data as { mesh?: unknown } | undefined)?.mesh;
  return typeof mesh === 'string' ? mesh : text;
}

function podOf({ resource, namespace, metadata, spec }: PodSource): Pod {
  const { name } = resource;
  const generateName = resource.metadata.at('generateName').string;
  return {
    metadata: {
      name: name || (generateName ?? ''),
      namespace,
      labels: textsOf(metadata.at('labels')),
      annotations: textsOf(metadata.at('annotations')),
    },
    spec: {
      hostNetwork: spec.at('hostNetwork').boolean === true,
      initContainers: spec.at('initContainers').items.map(containerOf),
      containers: spec.at('containers').items.map(containerOf),
    },
  };
}

function containerOf(container: Located): Container {
  return {
    name: container.at('name').string ?? '',
    args: container.at('args').items.map((arg) => arg.string ?? ''),
    env: container.at('env').items.map((variable) => {
      const value = variable.at('value').string;
      return { name: variable.at('name').string ?? '', ...(value !== undefined && { value }) };
    }),
  };
}

function toNamespace({ name, metadata }: Resource): Namespace {
  return { metadata: { name, labels: textsOf(metadata.at('labels')) } };
}

function toConfigMap({ name, metadata, root }: Resource): ConfigMap {
  return { metadata: { name, labels: textsOf(metadata.at('labels')) }, data: textsOf(root.at('data')) };
}

function toWebhooks({ name, metadata, root }: Resource): MutatingWebhookConfiguration {
  const webhooks = root.at('webhooks').items.map((webhook) => {
    const path = webhook.at('clientConfig', 'service', 'path').string;
    const url = webhook.at('clientConfig', 'url').string;
    return {
      name: webhook.at('name').string ?? '',
      rules: webhook.at('rules').items.map((rule) => ({
        operations: stringsIn(rule.at('operations')),
        apiGroups: stringsIn(rule.at('apiGroups')),
        resources: stringsIn(rule.at('resources')),
      })),
      clientConfig: {
        ...(url !== undefined && { url }),
        ...(path !== undefined && { service: { name: '', namespace: '', path } }),
      },
      namespaceSelector: selectorOf(webhook.at('namespaceSelector')),
      objectSelector: selectorOf(webhook.at('objectSelector')),
      matchConditions: webhook.at('matchConditions').items.map((condition) => ({
        name: condition.at('name').string ?? '',
        expression: condition.at('expression').string ?? '',
      })),
      failurePolicy: webhook.at('failurePolicy').string ?? 'Fail',
    };
  });
  return { metadata: { name, labels: textsOf(metadata.at('labels')) }, webhooks };
}

function selectorOf(selector: Located) {
  return {
    matchLabels: textsOf(selector.at('matchLabels')),
    matchExpressions: selector.at('matchExpressions').items.map((expression) => ({
      key: expression.at('key').string ?? '',
      operator: expression.at('operator').string ?? '',
      values: stringsIn(expression.at('values')),
    })),
  };
}

function stringsIn(list: Located): string[] {
  return list.items.flatMap((item) => item.string ?? []);
}

/** Labels as the API server reads them: `null` in a map of strings is the empty string. */
function textsOf(map: Located): Record<string, string> {
  return Object.fromEntries(
    map.entries.map(({ key, value }) => [String(key.value), value.type === 'null' ? '' : (value.string ?? value.text)]),
  );
}

/** `sidecar.istio.io/inject: true` without quotes: the API server refuses the whole object, as labels are strings. */
function findNoString({ metadata, resource, name }: PodSource): Step | undefined {
  for (const carrier of ['labels', 'annotations'] as const) {
    for (const { key, value } of metadata.at(carrier).entries) {
      if (value.string !== undefined || value.type === 'null') continue;
      const says = l10n.t(
        'The API server refuses {0} {1}: the value of {2} has to be a string. Put it in quotes: "{3}".',
        resource.kind,
        name,
        String(key.value),
        value.text,
      );
      return {
        check: carrier === 'labels' ? 'label' : 'annotation',
        value: `${String(key.value)}=${value.text}`,
        verdict: 'reject',
        says,
        source: { kind: 'Pod', path: ['metadata', carrier, String(key.value)] },
      };
    }
  }
  return undefined;
}

/** What the CNI plugin will meet: the pod with what the injector adds to it in CNI mode. */
function asInjected(pod: Pod): Pod {
  const annotations = pod.metadata?.annotations ?? {};
  if (annotations['sidecar.istio.io/status'] !== undefined) return pod;
  return {
    metadata: { ...pod.metadata, annotations: { ...annotations, 'sidecar.istio.io/status': '{}' } },
    spec: {
      ...pod.spec,
      containers: [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }, ...(pod.spec?.containers ?? [])],
    },
  };
}

// ---- where a value stands -------------------------------------------------------------------------------------------

function locateStep({ source, value, ...step }: Step, pod: PodSource, inputs: ManifestInputs): ExplainedStep {
  const at = source && findValue(source, pod, inputs);
  return {
    ...step,
    value: value ?? null,
    ...(at?.exists && {
      file: at.source.uri,
      range: (source?.within === undefined ? undefined : rangeWithin(at, source.within)) ?? at.mark,
    }),
  };
}

function findValue({ kind, name, path }: StepSource, pod: PodSource, inputs: ManifestInputs): Located | undefined {
  switch (kind) {
    case 'Pod':
      // A template's namespace is its workload's, whatever its own metadata says.
      return (path[1] === 'namespace' ? pod.resource.root : pod.template).at(...path);
    case 'Namespace':
      return inputs.namespaces.get(name ?? '')?.root.at(...path);
    case 'MutatingWebhookConfiguration':
      return inputs.webhookConfigurations.find((one) => one.name === name)?.root.at(...path);
    case 'ConfigMap':
      return inputs.configMaps.find((one) => one.name === name)?.root.at(...path);
  }
}

/** The value behind a key of JSON or YAML that is itself a value, in a block or in quotes. Of a list or a map: the key. */
function rangeWithin({ source, start, end, text }: Located, key: string): Range | undefined {
  // \"autoInject\": \"enabled\" in quotes, "autoInject": "enabled" or policy: enabled in a block.
  const boundary = String.raw`(?:(?<![\w.-])|(?<=\\n))`;
  const pattern = new RegExp(String.raw`${boundary}(${key})(?:\\?")?:[ \t]*\\?["']?([^"'\\\s,{}[\]]+)?`, 'd');
  const indices = pattern.exec(text)?.indices;
  const [from, to] = indices?.[2] ?? indices?.[1] ?? [];
  return from === undefined || to === undefined ? undefined : source.range(start + from, Math.min(start + to, end));
}
