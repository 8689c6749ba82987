import * as l10n from '@vscode/l10n';
import { parseGoBool, type YamlParser } from '../injection/annotation-values.ts';
import type { Container, EnvVar, PodSpec } from '../kubernetes.ts';
import { byAnnotation, byDefault, byProxyMetadata, traffic } from './causes.ts';
import { defaultSettings, splitList, splitListOrAll } from './interception-settings.ts';
import type { InterceptionSettings, SettingCauses } from './interception-settings.ts';

/** Settings with the reasons for those that are not the default. */
export interface GatheredSettings {
  settings: InterceptionSettings;
  causes: SettingCauses;
}

/** What the settings of one pod are read from. */
export interface SettingSources {
  annotations: Record<string, string>;
  spec: PodSpec;
  /** `values.global.proxy` of the injector. */
  proxyValues: Record<string, unknown>;
  /** MeshConfig as a plain object. */
  meshConfig: Record<string, unknown>;
  parseYaml?: YamlParser;
}

export const annotation = {
  mode: 'sidecar.istio.io/interceptionMode',
  config: 'proxy.istio.io/config',
  statusPort: 'status.sidecar.istio.io/port',
  includeInboundPorts: `${traffic}/includeInboundPorts`,
  excludeInboundPorts: `${traffic}/excludeInboundPorts`,
  includeOutboundPorts: `${traffic}/includeOutboundPorts`,
  excludeOutboundPorts: `${traffic}/excludeOutboundPorts`,
  includeOutboundRanges: `${traffic}/includeOutboundIPRanges`,
  excludeOutboundRanges: `${traffic}/excludeOutboundIPRanges`,
  excludeInterfaces: `${traffic}/excludeInterfaces`,
  virtualInterfaces: 'istio.io/reroute-virtual-interfaces',
  kubevirtInterfaces: `${traffic}/kubevirtInterfaces`,
} as const;

// ---- istio-init -----------------------------------------------------------------------------------------------------

/** Flags of `istio-iptables` that change rules: short name, long name. The environment has the long one as `ISTIO_INBOUND_PORTS`. */
const flags = {
  outboundPort: ['-p', '--envoy-port'],
  inboundPort: ['-z', '--inbound-capture-port'],
  tunnelPort: ['-e', '--inbound-tunnel-port'],
  proxyUids: ['-u', '--proxy-uid'],
  proxyGids: ['-g', '--proxy-gid'],
  mode: ['-m', '--istio-inbound-interception-mode'],
  includeInboundPorts: ['-b', '--istio-inbound-ports'],
  excludeInboundPorts: ['-d', '--istio-local-exclude-ports'],
  excludeInterfaces: ['-c', '--istio-exclude-interfaces'],
  includeOutboundRanges: ['-i', '--istio-service-cidr'],
  excludeOutboundRanges: ['-x', '--istio-service-exclude-cidr'],
  includeOutboundPorts: ['-q', '--istio-outbound-ports'],
  excludeOutboundPorts: ['-o', '--istio-local-outbound-ports-exclude'],
  virtualInterfaces: ['-k', '--kube-virt-interfaces'],
  tproxyMark: ['-t', '--istio-inbound-tproxy-mark'],
  tproxyTable: ['-r', '--istio-inbound-tproxy-route-table'],
} as const;

type Flag = keyof typeof flags;

/** Flags without a value. */
const switches = {
  captureDns: '--redirect-dns',
  captureAllDns: '--capture-all-dns',
  dropInvalid: '--drop-invalid',
  dualStack: '--dual-stack',
};

/**
 * The settings of an `istio-init` as it stands in a pod (or an `istio-validation`, which is given the same arguments):
 * arguments first, then the environment, then the program's own defaults.
 */
export function settingsOfInit(init: Container, annotations: Record<string, string>): GatheredSettings {
  const args = [...(init.command ?? []), ...(init.args ?? [])];
  const env = environment(init.env);
  const value = (flag: Flag) => findArgument(args, flags[flag]) ?? env[envName(flags[flag][1])];
  const on = (flag: keyof typeof switches, ...names: string[]) =>
    findSwitch(args, switches[flag]) ??
    [envName(switches[flag]), ...names]
      .map((name) => parseGoBool(env[name] ?? ''))
      .find((said) => said !== undefined) ??
    false;
  const given: Partial<Record<Flag, string>> = {};
  for (const flag of Object.keys(flags) as Flag[]) {
    const said = value(flag);
    if (said !== undefined) given[flag] = said;
  }
  return settle({
    programmedBy: 'init',
    given,
    env,
    annotations,
    captureDns: on('captureDns', 'ISTIO_META_DNS_CAPTURE'),
    captureAllDns: on('captureAllDns'),
    dropInvalid: on('dropInvalid', 'INVALID_DROP'),
    dualStack: on('dualStack', 'ISTIO_DUAL_STACK'),
  });
}

/** `-d 1,2`, `-d=1,2`, `--istio-local-exclude-ports=1,2`; the last one counts. */
function findArgument(args: string[], [short, long]: readonly [string, string]): string | undefined {
  let found: string | undefined;
  args.forEach((arg, at) => {
    if (arg === short || arg === long) found = args[at + 1] ?? '';
    else if (arg.startsWith(`${long}=`)) found = arg.slice(long.length + 1);
    else if (arg.startsWith(short) && !arg.startsWith('--')) found = arg.slice(short.length).replace(/^=/, '');
  });
  return found;
}

function findSwitch(args: string[], name: string): boolean | undefined {
  const found = args.findLast((arg) => arg === name || arg.startsWith(`${name}=`));
  return found === undefined ? undefined : found === name ? true : (parseGoBool(found.slice(name.length + 1)) ?? false);
}

/** `--proxy-uid` → `PROXY_UID` */
function envName(flag: string): string {
  return flag.replace(/^--/, '').replace(/-/g, '_').toUpperCase();
}

export function environment(env: EnvVar[] | undefined): Record<string, string> {
  return Object.fromEntries((env ?? []).map(({ name, value }) => [name, value ?? '']));
}

// ---- the CNI plugin -------------------------------------------------------------------------------------------------

/** Readiness, metrics and Envoy's own metrics: the plugin adds them to whatever the annotation says. */
const pluginPorts = ['15020', '15021', '15090'];

/**
 * The settings that the CNI plugin reads from a pod: annotations (the injector has written its decisions there), and
 * environment and user of the container istio-proxy. The plugin does not know arguments of init containers, and reads
 * owner groups and loopback range from its own environment.
 */
export function settingsOfPlugin(annotations: Record<string, string>, proxy: Container | undefined): GatheredSettings {
  const env = environment(proxy?.env);
  const given: Partial<Record<Flag, string>> = {};
  const flagsOfAnnotations = [
    'includeInboundPorts',
    'excludeInboundPorts',
    'includeOutboundPorts',
    'excludeOutboundPorts',
    'includeOutboundRanges',
    'excludeOutboundRanges',
    'excludeInterfaces',
    'mode',
  ] as const;
  for (const flag of flagsOfAnnotations) {
    const said = annotations[annotation[flag]];
    if (said !== undefined) given[flag] = said;
  }
  const nics = annotations[annotation.virtualInterfaces] ?? annotations[annotation.kubevirtInterfaces];
  if (nics !== undefined) given.virtualInterfaces = nics;
  given.excludeInboundPorts = [...new Set([...splitList(given.excludeInboundPorts ?? ''), ...pluginPorts])].join(',');
  given.excludeOutboundPorts ??= '15020';
  // In TPROXY mode the proxy runs as root, and its packets are told by its group and by their mark.
  const { runAsUser, runAsGroup } = proxy?.securityContext ?? {};
  given.proxyUids = String(runAsUser || 1337);
  given.proxyGids = String(runAsGroup || 1337);
  const on = (name: string) => parseGoBool(env[name] ?? '') ?? false;
  return settle({
    programmedBy: 'cni',
    given,
    env: {},
    annotations,
    captureDns: on('ISTIO_META_DNS_CAPTURE'),
    captureAllDns: true,
    dropInvalid: on('INVALID_DROP'),
    dualStack: on('ISTIO_DUAL_STACK'),
  });
}

// ---- what the injector will write -----------------------------------------------------------------------------------

/** What the injector would put into a pod that is not injected yet. */
export interface InjectedParts {
  interceptionMode: string;
  /** The arguments of istio-init, for `settingsOfInit`. */
  init: Container;
  /** What the CNI plugin will find, for `settingsOfPlugin`. */
  annotations: Record<string, string>;
  proxy: Container;
}

/** Annotations over the injector's values over mesh configuration, as the injector's template weighs them. */
export function predictInjection(sources: SettingSources): InjectedParts {
  const { annotations, spec, proxyValues, meshConfig } = sources;
  const config = { ...asMap(meshConfig['defaultConfig']), ...ownConfig(sources) };
  const metadata = proxyMetadata(sources);
  const valued = (name: string, key: string, fallback: string) =>
    annotations[name] ?? asText(proxyValues[key]) ?? fallback;
  const optional = (name: string, key: string) => annotations[name] ?? (asText(proxyValues[key]) || undefined);
  const mode = annotations[annotation.mode] ?? (asText(config['interceptionMode']) || 'REDIRECT');
  const statusPort = annotations[annotation.statusPort] ?? asText(proxyValues['statusPort']) ?? '15020';
  const excluded = excludeStatusPort(statusPort, valued(annotation.excludeInboundPorts, 'excludeInboundPorts', ''));
  const includedPorts = valued(annotation.includeInboundPorts, 'includeInboundPorts', '*');
  const includedRanges = valued(annotation.includeOutboundRanges, 'includeIPRanges', '*');
  const excludedRanges = valued(annotation.excludeOutboundRanges, 'excludeIPRanges', '');
  const includedOutbound = optional(annotation.includeOutboundPorts, 'includeOutboundPorts');
  const excludedOutbound = optional(annotation.excludeOutboundPorts, 'excludeOutboundPorts');
  const nics = annotations[annotation.virtualInterfaces] ?? annotations[annotation.kubevirtInterfaces];
  const excludedNics = annotations[annotation.excludeInterfaces];
  const port = (key: string, fallback: string) => asText(meshConfig[key]) || fallback;
  const args = ['-p', port('proxyListenPort', '15001'), '-z', port('proxyInboundListenPort', '15006')];
  args.push('-u', '1337', '-m', mode, '-i', includedRanges, '-x', excludedRanges);
  args.push('-b', includedPorts, '-d', `15090,15021,${excluded}`);
  if (includedOutbound !== undefined) args.push('-q', includedOutbound);
  if (excludedOutbound !== undefined) args.push('-o', excludedOutbound);
  if (nics !== undefined) args.push('-k', nics);
  if (excludedNics !== undefined) args.push('-c', excludedNics);
  const env = Object.entries(metadata).map(([name, value]) => ({ name, value }));
  const written: Record<string, string> = {
    ...annotations,
    [annotation.mode]: mode,
    [annotation.excludeInboundPorts]: excluded,
  };
  // The template leaves out what is empty, and the plugin then takes its own default.
  const write = (name: string, value: string | undefined) => {
    if (value) written[name] = value;
  };
  write(annotation.includeOutboundRanges, includedRanges);
  write(annotation.excludeOutboundRanges, excludedRanges);
  write(annotation.includeInboundPorts, includedPorts);
  write(annotation.includeOutboundPorts, includedOutbound);
  write(annotation.excludeOutboundPorts, excludedOutbound);
  const own = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].find(({ name }) => name === 'istio-proxy');
  return {
    interceptionMode: mode,
    init: { name: 'istio-init', args, env },
    annotations: written,
    proxy: { ...own, name: 'istio-proxy', env: [...env, ...(own?.env ?? [])] },
  };
}

/** The health port joins the exclusions at their end, unless it is there already. */
function excludeStatusPort(port: string, excluded: string): string {
  if (port === '' || port === '0') return excluded;
  const ports = splitList(excluded);
  return ports.includes(port) ? excluded : [...ports, port].join(',');
}

function ownConfig({ annotations, parseYaml }: SettingSources): Record<string, unknown> {
  const text = annotations[annotation.config];
  if (text === undefined) return {};
  try {
    return asMap(parseYaml ? parseYaml(text) : JSON.parse(text));
  } catch {
    return {};
  }
}

/** Metadata of the pod's own ProxyConfig are laid over those of the mesh, name by name. */
function proxyMetadata(sources: SettingSources): Record<string, string> {
  const ofMesh = asMap(asMap(sources.meshConfig['defaultConfig'])['proxyMetadata']);
  const merged = { ...ofMesh, ...asMap(ownConfig(sources)['proxyMetadata']) };
  return Object.fromEntries(Object.entries(merged).map(([name, value]) => [name, asText(value) ?? '']));
}

export function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

// ---- from texts to settings -----------------------------------------------------------------------------------------

interface Said {
  programmedBy: InterceptionSettings['programmedBy'];
  given: Partial<Record<Flag, string>>;
  env: Record<string, string>;
  annotations: Record<string, string>;
  captureDns: boolean;
  captureAllDns: boolean;
  dropInvalid: boolean;
  dualStack: boolean;
}

function settle({ programmedBy, given, env, annotations, ...said }: Said): GatheredSettings {
  const uids = splitList(given.proxyUids || '1337');
  const mark = Number(given.tproxyMark || '1337');
  const settings: InterceptionSettings = {
    ...defaultSettings,
    programmedBy,
    mode: given.mode === 'TPROXY' ? 'TPROXY' : 'REDIRECT',
    outboundPort: given.outboundPort || defaultSettings.outboundPort,
    inboundPort: given.inboundPort || defaultSettings.inboundPort,
    tunnelPort: given.tunnelPort || defaultSettings.tunnelPort,
    tproxyMark: Number.isInteger(mark) ? mark : 1337,
    proxyUids: uids,
    // Without a group of its own the proxy's user id counts as one.
    proxyGids: given.proxyGids ? splitList(given.proxyGids) : uids,
    // The program's own default for a flag that is not given is nothing; the plugin's is everything.
    includeInboundPorts: splitListOrAll(given.includeInboundPorts ?? (programmedBy === 'cni' ? '*' : '')),
    excludeInboundPorts: splitList(given.excludeInboundPorts ?? ''),
    includeOutboundPorts: splitList(given.includeOutboundPorts ?? ''),
    excludeOutboundPorts: splitList(given.excludeOutboundPorts ?? ''),
    includeOutboundRanges: splitListOrAll(given.includeOutboundRanges ?? (programmedBy === 'cni' ? '*' : '')),
    excludeOutboundRanges: splitList(given.excludeOutboundRanges ?? ''),
    excludeInterfaces: splitList(given.excludeInterfaces ?? ''),
    virtualInterfaces: splitList(given.virtualInterfaces ?? ''),
    captureDns: said.captureDns,
    captureAllDns: said.captureAllDns,
    dropInvalid: said.dropInvalid,
    includeOwnerGroups: splitListOrAll(env['ISTIO_OUTBOUND_OWNER_GROUPS'] ?? '*'),
    excludeOwnerGroups: splitList(env['ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE'] ?? ''),
    loopbackCidr: env['ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR'] || defaultSettings.loopbackCidr,
    ipv6: said.dualStack,
  };
  return { settings, causes: findCauses(settings, annotations) };
}

/** What the mesh's administrator can say for all pods, where no annotation does. */
const meshWide: Partial<Record<keyof InterceptionSettings, string>> = {
  includeInboundPorts: 'global.proxy.includeInboundPorts',
  excludeInboundPorts: 'global.proxy.excludeInboundPorts',
  includeOutboundPorts: 'global.proxy.includeOutboundPorts',
  excludeOutboundPorts: 'global.proxy.excludeOutboundPorts',
  includeOutboundRanges: 'global.proxy.includeIPRanges',
  excludeOutboundRanges: 'global.proxy.excludeIPRanges',
  outboundPort: 'meshConfig.proxyListenPort',
  inboundPort: 'meshConfig.proxyInboundListenPort',
  mode: 'meshConfig.defaultConfig.interceptionMode',
};

const metadataNames: Partial<Record<keyof InterceptionSettings, string>> = {
  captureDns: 'ISTIO_META_DNS_CAPTURE',
  dropInvalid: 'INVALID_DROP',
  ipv6: 'ISTIO_DUAL_STACK',
  includeOwnerGroups: 'ISTIO_OUTBOUND_OWNER_GROUPS',
  excludeOwnerGroups: 'ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE',
  loopbackCidr: 'ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR',
};

function findCauses(settings: InterceptionSettings, annotations: Record<string, string>): SettingCauses {
  const causes: SettingCauses = {};
  const pluginDefault: Partial<InterceptionSettings> =
    settings.programmedBy === 'cni' ? { excludeOutboundPorts: ['15020'] } : {};
  for (const setting of Object.keys(settings) as (keyof InterceptionSettings)[]) {
    const usual = pluginDefault[setting] ?? defaultSettings[setting];
    if (String(usual) === String(settings[setting])) continue;
    const name = lookUpAnnotation(setting, annotations);
    const metadata = metadataNames[setting];
    const wide = meshWide[setting];
    if (name !== undefined) causes[setting] = byAnnotation(name);
    else if (metadata !== undefined) causes[setting] = byProxyMetadata(metadata);
    else if (setting === 'proxyUids' || setting === 'proxyGids')
      causes[setting] = l10n.t('user of the container istio-proxy');
    else causes[setting] = wide === undefined ? byDefault() : l10n.t('mesh setting {0}', wide);
  }
  return causes;
}

function lookUpAnnotation(
  setting: keyof InterceptionSettings,
  annotations: Record<string, string>,
): string | undefined {
  if (setting === 'virtualInterfaces')
    return annotation.virtualInterfaces in annotations ? annotation.virtualInterfaces : annotation.kubevirtInterfaces;
  const name = (annotation as Record<string, string>)[setting];
  return name !== undefined && name in annotations ? name : undefined;
}
