import * as l10n from '@vscode/l10n';
import { decideAmbient } from '../injection/decide-ambient.ts';
import { decideInjection } from '../injection/decide-injection.ts';
import type { InjectionInputs } from '../injection/decide-injection.ts';
import { readInjectorConfig } from '../injection/injector-config.ts';
import { findPodSecurityRefusal } from '../injection/pod-security.ts';
import type { Container, Namespace, PodSpec, PodStatus } from '../kubernetes.ts';
import { parseGoBool } from '../injection/annotation-values.ts';
import { annotation, asMap, predictInjection, settingsOfInit, settingsOfPlugin } from './gather-settings.ts';
import type { GatheredSettings } from './gather-settings.ts';
import { splitList } from './interception-settings.ts';
import type { InterceptionSettings } from './interception-settings.ts';
import { defaultProbeAddress, programAmbient } from './program-ambient.ts';
import type { AmbientSettings } from './program-ambient.ts';
import { programRules } from './program-rules.ts';
import type { Programmed } from './program-rules.ts';
import type { Ruleset } from './ruleset.ts';

export interface ExpectedInputs extends InjectionInputs {
  /** A live pod, or what has its metadata and spec: a template is one as well. */
  pod: InjectionInputs['pod'] & { status?: PodStatus };
  /** Default: what the pod shows, else what the injector is told, else init. */
  mode?: 'init' | 'cni';
  /** MeshConfig as a plain object. */
  meshConfig?: Record<string, unknown>;
  /** Services of the cluster: they tell the address of its DNS. */
  services?: readonly ServiceAddress[];
  /** The pod's name servers, where they are known; else they are derived. */
  dnsServers?: readonly string[];
  /** Default `4`. */
  family?: '4' | '6';
}

/** A Service as far as it tells an address. */
export interface ServiceAddress {
  metadata?: { name?: string; namespace?: string };
  spec?: { clusterIP?: string; clusterIPs?: string[] };
}

export interface ExpectedRule {
  table: string;
  chain: string;
  /** The `-A …` line of `iptables-save`. */
  text: string;
  /** The annotation, mesh setting or default that puts it there. */
  cause: string;
}

export interface ExpectedRules {
  /** `ambient`: the node's agent programs the rules in the pod's network namespace. */
  mode: 'sidecar-redirect' | 'sidecar-tproxy' | 'none' | 'ambient';
  by: 'init' | 'cni' | null;
  settings?: InterceptionSettings;
  /** In the order of `iptables-save`. */
  rules: ExpectedRule[];
  /** The same with their chains, ready for `printRules`. */
  ruleset: Ruleset;
  /** Why nothing is programmed, where it is so. */
  whyNone?: string;
  /** What had to be assumed, because the inputs do not tell. */
  assumptions: string[];
  /** Istio is told to write with nft itself, where iptables shows nothing: what its rules mean, in iptables' words. */
  nativeTwin?: ExpectedRules;
}

/**
 * The rules that Istio itself programs in a pod's network namespace, each with what causes it. From a live pod: its
 * `istio-init`, or its annotations where the CNI plugin programs; from a manifest: what injection would make of it.
 */
export function expectedRules(inputs: ExpectedInputs): ExpectedRules {
  const family = inputs.family ?? '4';
  const found = findSettings(inputs);
  if ('whyNone' in found) return nothing(family, found);
  const computed = 'ambient' in found ? programOfAmbient(found, family) : programOfSidecar(found, inputs, family);
  if (found.native === undefined) return computed;
  const none = nothing(family, { whyNone: found.native, mode: computed.mode });
  // A native table is for both families: what it does to IPv6 in a pod without it is not what iptables would do.
  const hasTwin = family === '4' || computed.mode === 'ambient' || computed.settings?.ipv6 === true;
  return hasTwin ? { ...none, nativeTwin: computed } : none;
}

function programOfSidecar(found: Found, inputs: ExpectedInputs, family: '4' | '6'): ExpectedRules {
  const { settings, causes } = addSurroundings(found, inputs);
  const programmed = programRules(settings, causes, family);
  const mode = settings.mode === 'TPROXY' ? 'sidecar-tproxy' : 'sidecar-redirect';
  return { mode, by: settings.programmedBy, settings, ...inOrder(programmed), assumptions: found.assumptions };
}

function programOfAmbient({ ambient, ipv6, assumptions }: FoundAmbient, family: '4' | '6'): ExpectedRules {
  if (family === '6' && !ipv6) {
    const whyNone = l10n.t("The node's agent is told to leave IPv6 alone ({0}).", 'AMBIENT_IPV6');
    return { ...nothing(family, { whyNone, mode: 'ambient' }), by: 'cni', assumptions };
  }
  return { mode: 'ambient', by: 'cni', ...inOrder(programAmbient(ambient, family)), assumptions };
}

function inOrder({ ruleset, rules }: Programmed): Pick<ExpectedRules, 'ruleset' | 'rules'> {
  return { ruleset, rules: rules.map(({ rule: { table, chain, text }, cause }) => ({ table, chain, text, cause })) };
}

interface Found extends GatheredSettings {
  assumptions: string[];
  /** Why iptables shows nothing, where Istio writes with nft itself. */
  native?: string;
}

interface FoundAmbient {
  ambient: AmbientSettings;
  ipv6: boolean;
  assumptions: string[];
  native?: string;
}

interface NotFound {
  whyNone: string;
  mode: ExpectedRules['mode'];
}

function nothing(family: '4' | '6', { whyNone, mode }: NotFound): ExpectedRules {
  const ruleset: Ruleset = { format: 'iptables-save', family, chains: [], warnings: [] };
  return { mode, by: null, rules: [], ruleset, whyNone, assumptions: [] };
}

function findSettings(inputs: ExpectedInputs): Found | FoundAmbient | NotFound {
  const { pod } = inputs;
  const name = pod.metadata?.name ?? l10n.t('the pod');
  if (pod.spec?.hostNetwork === true)
    return notIntercepted(
      l10n.t(
        "{0} uses the host's network: redirecting its traffic would redirect the whole node's, so nothing is programmed for it.",
        name,
      ),
    );
  const ambient = findAmbient(inputs);
  if (ambient) return ambient;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const init = containers.find((container) => container.name === 'istio-init');
  const validation = containers.find((container) => container.name === 'istio-validation');
  const ran = init ?? validation;
  if (ran) return settingsOfLivePod(inputs, ran, init ? 'init' : 'cni', containers);
  if (pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined)
    return notIntercepted(
      l10n.t(
        '{0} was injected without interception (a gateway, or interceptionMode NONE): nothing takes its traffic to the proxy.',
        name,
      ),
    );
  if (pod.status?.phase !== undefined)
    return notIntercepted(
      l10n.t(
        '{0} was created without a sidecar: nothing takes its traffic anywhere. What counts is the moment of its creation.',
        name,
      ),
    );
  return settingsOfManifest(inputs, name);
}

function notIntercepted(whyNone: string): NotFound {
  return { whyNone, mode: 'none' };
}

function findAmbient({ pod, namespace, configMaps = [] }: ExpectedInputs): FoundAmbient | undefined {
  const annotations = pod.metadata?.annotations ?? {};
  const isRedirected = annotations['ambient.istio.io/redirection'] === 'enabled';
  if (!isRedirected && !decideAmbient({ pod, ...(namespace && { namespace }) }).enrolled) return undefined;
  const agent = configMaps.find(({ metadata }) => metadata?.name === 'istio-cni-config')?.data;
  const said = (name: string) => parseGoBool(agent?.[name] ?? '');
  const ofPod = parseGoBool(annotations['ambient.istio.io/dns-capture'] ?? '');
  const ambient: AmbientSettings = {
    captureDns: ofPod ?? said('AMBIENT_DNS_CAPTURE') ?? true,
    captureInbound: parseGoBool(annotations['ambient.istio.io/bypass-inbound-capture'] ?? '') !== true,
    virtualInterfaces: splitList(annotations[annotation.virtualInterfaces] ?? ''),
    probeAddress: {
      '4': agent?.['HOST_PROBE_SNAT_IP'] || defaultProbeAddress['4'],
      '6': agent?.['HOST_PROBE_SNAT_IPV6'] || defaultProbeAddress['6'],
    },
  };
  const found: FoundAmbient = { ambient, ipv6: said('AMBIENT_IPV6') !== false, assumptions: [] };
  if (!agent && ofPod === undefined)
    found.assumptions.push(
      l10n.t(
        'ConfigMap {0} is not in the input: DNS is taken to be captured, as it is by default.',
        'istio-cni-config',
      ),
    );
  if (said('NATIVE_NFTABLES')) found.native = writesNatively('istio-cni');
  return found;
}

function writesNatively(program: string): string {
  return l10n.t(
    '{0} is told to use native nftables: iptables has no rules of it. Read the real ones with nft list ruleset.',
    program,
  );
}

// ---- a pod as it runs -----------------------------------------------------------------------------------------------

function settingsOfLivePod(
  { pod, mode, ...inputs }: ExpectedInputs,
  ran: Container,
  shown: 'init' | 'cni',
  containers: Container[],
): Found | NotFound {
  const annotations = pod.metadata?.annotations ?? {};
  const proxy = containers.find(({ name }) => name === 'istio-proxy');
  const isNative = [...(ran.command ?? []), ...(ran.args ?? [])].some((arg) => /^--native-nftables(=true)?$/.test(arg));
  const rest = { assumptions: [], ...(isNative && { native: writesNatively(ran.name) }) };
  if ((mode ?? shown) === 'init') return { ...settingsOfInit(ran, annotations), ...rest };
  if (shown === 'cni') return { ...settingsOfPlugin(annotations, proxy), ...rest };
  // The pod was not made for the plugin: what it would find in one that is.
  const parts = predictInjection(sourcesOf({ ...inputs, pod }, undefined));
  return { ...settingsOfPlugin(parts.annotations, proxy), ...rest };
}

// ---- a manifest -----------------------------------------------------------------------------------------------------

function settingsOfManifest(inputs: ExpectedInputs, name: string): Found | NotFound {
  const assumptions: string[] = [];
  let decision = decideInjection(inputs);
  if (!decision.injected && !inputs.namespace && decision.steps.at(-1)?.check === 'namespace') {
    const namespace: Namespace = { metadata: { labels: { 'istio-injection': 'enabled' } } };
    const namespaceName = inputs.pod.metadata?.namespace;
    if (namespaceName !== undefined) namespace.metadata!.name = namespaceName;
    const assumed = decideInjection({ ...inputs, namespace });
    if (assumed.injected)
      assumptions.push(
        l10n.t(
          'Namespace {0} is not in the input: taken for one labelled istio-injection=enabled.',
          namespaceName ?? 'default',
        ),
      );
    decision = assumed;
  }
  const last = decision.steps.at(-1);
  const by = inputs.mode ?? decision.by ?? 'init';
  if (!decision.injected && last?.check !== 'pod-security') return notIntercepted(last?.says ?? '');
  const sources = sourcesOf(inputs, decision.revision);
  const parts = predictInjection(sources);
  if (decision.injected && decision.by === null && !decision.templates.includes('sidecar'))
    return notIntercepted(
      l10n.t(
        '{0} is injected with the template {1}, which does not redirect: nothing takes its traffic to the proxy.',
        name,
        decision.templates.join(', '),
      ),
    );
  if (parts.interceptionMode === 'NONE')
    return notIntercepted(l10n.t('The interception mode of {0} is NONE: it gets a proxy, but no rules.', name));
  const refusal = findPodSecurityRefusal({
    name,
    namespace: inputs.pod.metadata?.namespace ?? 'default',
    namespaceLabels: inputs.namespace?.metadata?.labels ?? {},
    by,
    mode: parts.interceptionMode,
  });
  if (refusal) return notIntercepted(refusal.says);
  const gathered =
    by === 'init' ? settingsOfInit(parts.init, sources.annotations) : settingsOfPlugin(parts.annotations, parts.proxy);
  const isNative = parseGoBool(String(sources.globalValues['nativeNftables'] ?? '')) === true;
  return {
    ...gathered,
    assumptions,
    ...(isNative && { native: writesNatively(by === 'cni' ? 'istio-cni' : 'istio-init') }),
  };
}

function sourcesOf({ pod, configMaps = [], meshConfig, parseYaml }: ExpectedInputs, revision: string | undefined) {
  const injectors = configMaps.filter(({ metadata }) => metadata?.name?.startsWith('istio-sidecar-injector'));
  const chosen =
    injectors.find((configMap) => readInjectorConfig(configMap)?.revision === (revision ?? 'default')) ??
    (injectors.length === 1 ? injectors[0] : undefined);
  let values: unknown;
  try {
    values = JSON.parse(chosen?.data?.['values'] ?? '{}');
  } catch {
    values = {};
  }
  return {
    annotations: pod.metadata?.annotations ?? {},
    spec: pod.spec ?? {},
    globalValues: asMap(asMap(values)['global']),
    proxyValues: asMap(asMap(asMap(values)['global'])['proxy']),
    meshConfig: meshConfig ?? {},
    ...(parseYaml && { parseYaml }),
  };
}

// ---- what neither arguments nor annotations say ---------------------------------------------------------------------

/** The pod's addresses decide on IPv6, its resolv.conf on the name servers. */
function addSurroundings({ settings, causes, assumptions }: Found, inputs: ExpectedInputs): GatheredSettings {
  const { status } = inputs.pod;
  const addresses = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)].filter((ip) => ip !== undefined);
  const isDualStack = settings.ipv6;
  // Istio looks at the first address only, unless it is told that there are two families.
  const ipv6 =
    addresses.length === 0
      ? isDualStack
      : (isDualStack ? addresses : addresses.slice(0, 1)).some((ip) => ip.includes(':'));
  const complete: InterceptionSettings = { ...settings, ipv6 };
  if (settings.captureDns && !settings.captureAllDns) {
    const { servers, assumed } = findDnsServers(inputs);
    complete.dnsServers = servers;
    if (assumed !== undefined) assumptions.push(assumed);
  }
  return { settings: complete, causes };
}

type DnsSpec = PodSpec & { dnsPolicy?: string; dnsConfig?: { nameservers?: string[] } };

/** The name servers that kubelet writes into the pod's resolv.conf: at most three. */
function findDnsServers({ pod, services = [], dnsServers }: ExpectedInputs): { servers: string[]; assumed?: string } {
  if (dnsServers) return { servers: [...dnsServers] };
  const { dnsPolicy, dnsConfig } = (pod.spec ?? {}) as DnsSpec;
  const own = dnsConfig?.nameservers ?? [];
  if (dnsPolicy === 'None') return { servers: own.slice(0, 3) };
  if (dnsPolicy === 'Default')
    return {
      servers: own.slice(0, 3),
      assumed: l10n.t(
        "The name servers come from the node's resolv.conf, which is not known here: rules for them are missing.",
      ),
    };
  const find = (namespace: string, name: string) =>
    services.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name)?.spec;
  const dns = find('kube-system', 'kube-dns');
  const known = dns?.clusterIPs ?? (dns?.clusterIP === undefined ? [] : [dns.clusterIP]);
  if (known.length > 0) return { servers: [...known, ...own].slice(0, 3) };
  // By convention the tenth address of the Services' range, of which the API server has the first.
  const first = /^(\d+\.\d+\.\d+\.)1$/.exec(find('default', 'kubernetes')?.clusterIP ?? '')?.[1];
  const usual = `${first ?? '10.96.0.'}10`;
  return {
    servers: [usual, ...own].slice(0, 3),
    assumed: l10n.t('Service kube-system/kube-dns is not in the input: the name server is taken for {0}.', usual),
  };
}

/** Annotations that change rules; for those who look for the reason of a difference. */
export const interceptionAnnotations: readonly string[] = Object.values(annotation);
