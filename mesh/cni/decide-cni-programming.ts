import * as l10n from '@vscode/l10n';
import { decideAmbient } from '../injection/decide-ambient.ts';
import { checkValue, parseGoBool, type ValueFormat } from '../injection/annotation-values.ts';
import type { Container, Namespace, ObjectMeta, PodSpec } from '../kubernetes.ts';
import type { Step, StepSource } from '../step.ts';

/** What a node's CNI plugin was told at its installation, and what it can see of the pod's surroundings. */
export interface CniSettings {
  /** Whose plugin decides. Ours never keeps a pod from starting. Default: Istio's. */
  plugin?: 'istio-cni' | 'meshloom-cni';
  /** Default `['kube-system']`, as the chart has it. */
  excludeNamespaces?: readonly string[];
  /** Whether the plugin serves the ambient mesh too. Default: no. */
  ambientEnabled?: boolean;
  /** Where the plugin's own agent runs. Default `istio-system`. */
  agentNamespace?: string;
  /** The pod's Namespace, for the ambient mesh. Absent: it counts as one without labels. */
  namespace?: Namespace;
}

export interface CniDecision {
  /** Whether the plugin programs the redirection to the sidecar in the pod's network namespace. */
  programs: boolean;
  /** The last one decided: `inject`, it programs; `skip`, it leaves the pod alone; `reject`, the pod cannot start, or with ours starts without its rules. */
  steps: Step[];
}

/**
 * Whether Istio's CNI plugin, or ours, which has the same conditions, programs the redirection for a pod that starts on a
 * node: a pod as it runs, injected or not.
 * One test of the plugin is left out, as it is about the cluster's state: it fails a pod that it cannot read from the API.
 * Source: istio cni/pkg/plugin (doAddRun, redirect annotations).
 */
export function decideCniProgramming(
  pod: { metadata?: ObjectMeta; spec?: PodSpec },
  settings: CniSettings = {},
): CniDecision {
  const facts = factsOf(pod, settings);
  for (const test of tests) {
    const step = test(facts);
    if (step) return { programs: false, steps: [step] };
  }
  const says = l10n.t('{0} programs the redirection when {1} starts.', pluginName(settings), facts.name);
  return { programs: true, steps: [{ check: 'cni-plugin', verdict: 'inject', says }] };
}

function pluginName({ plugin }: CniSettings): string {
  return plugin === 'meshloom-cni' ? l10n.t("Meshloom's CNI plugin") : l10n.t("Istio's CNI plugin");
}

interface Facts {
  name: string;
  namespace: string;
  pod: { metadata?: ObjectMeta; spec?: PodSpec };
  labels: Record<string, string>;
  annotations: Record<string, string>;
  containers: readonly Container[];
  proxy: Container | undefined;
  settings: CniSettings;
}

function factsOf(pod: { metadata?: ObjectMeta; spec?: PodSpec }, settings: CniSettings): Facts {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    name: pod.metadata?.name ?? pod.metadata?.generateName ?? l10n.t('the pod'),
    namespace: pod.metadata?.namespace ?? settings.namespace?.metadata?.name ?? 'default',
    pod,
    labels: pod.metadata?.labels ?? {},
    annotations: pod.metadata?.annotations ?? {},
    containers,
    proxy: containers.find(({ name }) => name === 'istio-proxy'),
    settings,
  };
}

/** Each looks at one thing and says nothing if that does not decide; in the plugin's order. */
const tests: readonly ((facts: Facts) => Step | undefined)[] = [
  hostNetwork,
  ownAgent,
  excludedNamespace,
  ambient,
  injectedWithoutCni,
  proxyless,
  noProxy,
  otherRole,
  optedOut,
  notInjected,
  wrongValue,
];

/** Not a test of the plugin's: the kubelet calls no CNI plugin for a pod that gets no network of its own. */
function hostNetwork({ name, pod }: Facts): Step | undefined {
  if (pod.spec?.hostNetwork !== true) return undefined;
  return skip(
    'host-network',
    'true',
    l10n.t("{0} uses the host's network: no CNI plugin is called for it.", name),
    inPod('spec', 'hostNetwork'),
  );
}

function ownAgent({ name, namespace, settings }: Facts): Step | undefined {
  if (!name.startsWith('istio-cni-node-') || namespace !== (settings.agentNamespace ?? 'istio-system'))
    return undefined;
  return skip('cni-agent', name, l10n.t("{0} is the agent of Istio's CNI plugin itself.", name));
}

function excludedNamespace({ namespace, settings }: Facts): Step | undefined {
  if (!(settings.excludeNamespaces ?? ['kube-system']).includes(namespace)) return undefined;
  return skip(
    'cni-excluded-namespace',
    namespace,
    l10n.t('Namespace {0} is among those that {1} leaves alone (excludeNamespaces).', namespace, pluginName(settings)),
    inPod('metadata', 'namespace'),
  );
}

function ambient({ name, pod, settings }: Facts): Step | undefined {
  if (settings.ambientEnabled !== true) return undefined;
  const { enrolled } = decideAmbient({ pod, ...(settings.namespace && { namespace: settings.namespace }) });
  if (!enrolled) return undefined;
  return skip(
    'ambient',
    undefined,
    l10n.t('{0} is in the ambient mesh: the node agent redirects its traffic to ztunnel instead of a sidecar.', name),
  );
}

function injectedWithoutCni({ name, containers }: Facts): Step | undefined {
  if (!containers.some((container) => container.name === 'istio-init')) return undefined;
  return skip('istio-init', 'istio-init', l10n.t('{0} has istio-init, which programs the redirection itself.', name));
}

function proxyless({ name, proxy }: Facts): Step | undefined {
  const value = proxy?.env?.find((variable) => variable.name === 'DISABLE_ENVOY')?.value;
  if (value === undefined || parseGoBool(value) !== true) return undefined;
  return skip(
    'disable-envoy',
    `DISABLE_ENVOY=${value}`,
    l10n.t('The istio-proxy of {0} runs without Envoy: there is nothing to redirect to.', name),
  );
}

function noProxy({ name, proxy }: Facts): Step | undefined {
  return proxy ? undefined : skip('istio-proxy', undefined, l10n.t('{0} has no container istio-proxy.', name));
}

function otherRole({ name, proxy }: Facts): Step | undefined {
  const [command, role] = proxy?.args ?? [];
  if (command !== 'proxy' || role === undefined || role === 'sidecar') return undefined;
  return skip(
    'proxy-role',
    `proxy ${role}`,
    l10n.t('The istio-proxy of {0} runs as {1}, not as a sidecar: it is addressed directly.', name, role),
  );
}

/** Read as a Go bool, unlike the injector, which compares with "true" and "false": "0" and "F" get a sidecar and no traffic. */
function optedOut({ name, labels, annotations }: Facts): Step | undefined {
  const onLabel = labels[injectKey] !== undefined;
  const value = onLabel ? labels[injectKey] : annotations[injectKey];
  if (value === undefined || parseGoBool(value) !== false) return undefined;
  const says = onLabel
    ? l10n.t('The label sidecar.istio.io/inject of {0} is "{1}", which the CNI plugin reads as false.', name, value)
    : l10n.t(
        'The annotation sidecar.istio.io/inject of {0} is "{1}", which the CNI plugin reads as false.',
        name,
        value,
      );
  return skip(
    onLabel ? 'label' : 'annotation',
    `${injectKey}=${value}`,
    says,
    inPod('metadata', onLabel ? 'labels' : 'annotations', injectKey),
  );
}

function notInjected({ name, annotations }: Facts): Step | undefined {
  if (annotations['sidecar.istio.io/status'] !== undefined) return undefined;
  return skip(
    'not-injected',
    undefined,
    l10n.t('{0} does not carry the annotation sidecar.istio.io/status: it was not injected.', name),
  );
}

/** Where the plugin's own validators differ from the injector's: `*` for every port list, no mode NONE, any interface list. */
function wrongValue({ name, annotations, settings }: Facts): Step | undefined {
  for (const [annotation, format] of Object.entries(formats)) {
    const value = annotations[annotation];
    if (value === undefined || takes(format, value)) continue;
    const source = inPod('metadata', 'annotations', annotation);
    const isOurs = settings.plugin === 'meshloom-cni';
    if (isOurs && format === 'interception-mode' && value === 'NONE') {
      const says = l10n.t('The interception mode of {0} is NONE: it gets no rules.', name);
      return skip('interception-mode', `${annotation}=${value}`, says, source);
    }
    const says = isOurs
      ? l10n.t(
          "{0} starts without its rules: the annotation {1} says “{2}”, which has no meaning there. Correct it in the workload's template; its pods then start anew.",
          name,
          annotation,
          value,
        )
      : l10n.t(
          '{0} cannot start: Istio\'s CNI plugin does not take "{1}" for the annotation {2}, and fails the pod\'s network.',
          name,
          value,
          annotation,
        );
    return { check: 'annotation-value', value: `${annotation}=${value}`, verdict: 'reject', says, source };
  }
  return undefined;
}

const injectKey = 'sidecar.istio.io/inject';

const formats: Readonly<Record<string, ValueFormat>> = {
  'sidecar.istio.io/interceptionMode': 'interception-mode',
  'traffic.sidecar.istio.io/includeOutboundIPRanges': 'cidr-list-or-all',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': 'cidr-list',
  'traffic.sidecar.istio.io/includeInboundPorts': 'port-list-or-all',
  'traffic.sidecar.istio.io/excludeInboundPorts': 'port-list-or-all',
  'traffic.sidecar.istio.io/includeOutboundPorts': 'port-list-or-all',
  'traffic.sidecar.istio.io/excludeOutboundPorts': 'port-list-or-all',
};

function takes(format: ValueFormat, value: string): boolean {
  if (format === 'interception-mode') return value === 'REDIRECT' || value === 'TPROXY';
  return checkValue(format, value) === undefined;
}

function inPod(...path: string[]): StepSource {
  return { kind: 'Pod', path };
}

function skip(check: string, value: string | undefined, says: string, source?: StepSource): Step {
  return { check, ...(value !== undefined && { value }), verdict: 'skip', says, ...(source && { source }) };
}
