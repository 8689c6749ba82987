import * as l10n from '@vscode/l10n';
import type { ReadingView, TraceHints } from '../../../contract/interception-view.ts';
import { learnFacts, plainChain, type InterceptionFacts } from '../../../mesh/interception/interception-facts.ts';
import type { IptablesRule, Ruleset } from '../../../mesh/interception/ruleset.ts';
import { familyOfAddress } from '../../../mesh/interception/trace/addresses.ts';
import { emptyTraceForm, type TraceForm } from './trace-form.ts';

/** A packet that people ask about, filled in for this pod. */
export interface TracePreset {
  id: string;
  label: string;
  /** What packet that is, for who does not know. */
  says: string;
  form: TraceForm;
}

/** Stand in for what the host does not know: addresses from ranges that clusters commonly use, on screen for all to change. */
const examples = {
  '4': { pod: '10.244.1.23', node: '10.244.1.1', service: '10.96.45.67', dns: '10.96.0.10', passthrough: '127.0.0.6' },
  '6': {
    pod: 'fd00:10:244:1::17',
    node: 'fd00:10:244:1::1',
    service: 'fd00:10:96::2d43',
    dns: 'fd00:10:96::a',
    passthrough: '::6',
  },
};

/** The packets of everyday questions, in the order of how often they are asked. */
export function listPresets(reading: ReadingView, ruleset: Ruleset, hints: TraceHints = {}): TracePreset[] {
  const family = reading.id.startsWith('6') ? '6' : '4';
  const example = examples[family];
  const own = (addresses: readonly string[] = []) => addresses.find((each) => familyOfAddress(each) === family);
  const pod = own(hints.podIps) ?? example.pod;
  const node = own(hints.nodeIps) ?? example.node;
  const service = hints.service && familyOfAddress(hints.service.ip) === family ? hints.service : undefined;
  const appPort = String(hints.appPorts?.[0] ?? 8080);
  const facts = learnFacts(ruleset);
  const base: TraceForm = { ...emptyTraceForm, localIps: (hints.podIps?.length ? hints.podIps : [pod]).join(', ') };
  const app = { uid: String(hints.appUid ?? 1000), gid: String(hints.appGid ?? hints.appUid ?? 1000) };
  const proxy = proxyOwner(facts);
  const ambient = facts.mode === 'ambient';
  const inbound: TraceForm = { ...base, direction: 'in', dst: pod };
  const presets: TracePreset[] = [
    {
      id: 'app-service',
      label: service ? l10n.t('App → {0}', service.name) : l10n.t('App → service'),
      says: l10n.t('The application opens a connection to a service of the cluster.'),
      form: { ...base, ...app, dst: service?.ip ?? example.service, dport: String(service?.port ?? 80) },
    },
    {
      id: 'app-itself',
      label: l10n.t('App → itself'),
      says: l10n.t('The application calls the address of its own pod.'),
      form: { ...base, ...app, dst: pod, dport: appPort },
    },
    {
      id: 'client-app',
      label: l10n.t('Client → app'),
      says: l10n.t('Another pod calls the application’s port.'),
      form: { ...inbound, src: neighbour(pod), dport: appPort },
    },
    {
      id: 'kubelet-probe',
      label: l10n.t('Kubelet probe'),
      says: ambient
        ? l10n.t('A probe of the kubelet, which the node has given the address that ambient pods recognise.')
        : l10n.t('The kubelet asks the proxy’s readiness port. Probes of the application are rewritten to port 15020.'),
      form: ambient
        ? { ...inbound, src: facts.probeAddress ?? (family === '4' ? '169.254.7.127' : node), dport: appPort }
        : { ...inbound, src: node, dport: '15021' },
    },
    {
      id: 'prometheus',
      label: l10n.t('Prometheus scrape'),
      says: ambient
        ? l10n.t('Prometheus fetches metrics from the application’s port.')
        : l10n.t('Prometheus fetches the merged metrics of proxy and application.'),
      form: { ...inbound, src: neighbour(pod), dport: ambient ? appPort : '15020' },
    },
    {
      id: 'proxy-app',
      label: l10n.t('Proxy → app'),
      says: l10n.t('The proxy hands a request that has come in to the application.'),
      form: ambient
        ? { ...base, ...proxy, mark: '0x539', src: neighbour(pod), dst: pod, dport: appPort }
        : { ...base, ...proxy, src: example.passthrough, dst: pod, dport: appPort, iface: 'lo' },
    },
    {
      id: 'dns',
      label: l10n.t('UDP DNS'),
      says: l10n.t('The application asks for the address of a name.'),
      form: {
        ...base,
        ...app,
        protocol: 'udp',
        dst: dnsAddress(ruleset, own(hints.dnsIp ? [hints.dnsIp] : []) ?? example.dns),
        dport: '53',
      },
    },
  ];
  const excluded = findExcludedPort(ruleset);
  if (excluded) {
    const { direction, port, protocol } = excluded;
    const form: TraceForm =
      direction === 'in'
        ? { ...inbound, protocol, src: neighbour(pod), dport: port }
        : { ...base, ...app, protocol, dst: service?.ip ?? example.service, dport: port };
    presets.push({
      id: 'excluded',
      label: l10n.t('Excluded port {0}', port),
      says:
        direction === 'in'
          ? l10n.t('A port that inbound interception leaves alone.')
          : l10n.t('A port that outbound interception leaves alone.'),
      form,
    });
  }
  return presets;
}

/** The proxy's own ports, which are left alone in every pod: no exclusion that anybody asked for. */
const ownPorts = new Set(['15008', '15090', '15021', '15020']);

/** A port that a rule of the outbound, else of the inbound chain lets go. */
function findExcludedPort(
  ruleset: Ruleset,
): { direction: 'in' | 'out'; port: string; protocol: 'tcp' | 'udp' } | undefined {
  for (const direction of ['out', 'in'] as const) {
    const wanted = direction === 'out' ? 'ISTIO_OUTPUT' : 'ISTIO_INBOUND';
    for (const { table, name, rules } of ruleset.chains) {
      if (plainChain(table, name) !== wanted) continue;
      for (const rule of rules) {
        const port = rule.target === 'RETURN' ? onlyPort(rule) : undefined;
        if (port === undefined || ownPorts.has(port)) continue;
        return { direction, port, protocol: protocolOf(rule) };
      }
    }
  }
  return undefined;
}

/** `-p tcp --dport 3306` and nothing else: other conditions make it another exclusion. */
function onlyPort({ matches }: IptablesRule): string | undefined {
  const other = matches.some(({ option, negated }) => negated || !['-p', '--dport', '--dports', ''].includes(option));
  if (other) return undefined;
  const written = matches.find(({ option }) => option === '--dport' || option === '--dports')?.values[0];
  return written?.split(/[,:]/)[0];
}

function protocolOf({ matches }: IptablesRule): 'tcp' | 'udp' {
  return matches.some(({ option, values }) => option === '-p' && values[0] === 'udp') ? 'udp' : 'tcp';
}

/** DNS capture names the servers of resolv.conf in its rules. */
function dnsAddress({ chains }: Ruleset, otherwise: string): string {
  for (const { rules } of chains)
    for (const { matches, target } of rules) {
      const isDns =
        target === 'REDIRECT' && matches.some(({ option, values }) => option === '--dport' && values[0] === '53');
      const address = isDns ? matches.find(({ option, negated }) => option === '-d' && !negated)?.values[0] : undefined;
      if (address !== undefined) return address.replace(/\/\d+$/, '');
    }
  return otherwise;
}

function proxyOwner({ proxyUids, proxyGids }: InterceptionFacts): { uid: string; gid: string } {
  return { uid: [...proxyUids][0] ?? '1337', gid: [...proxyGids][0] ?? '1337' };
}

/** Another address of the same network. */
function neighbour(address: string): string {
  return address.includes(':')
    ? address.replace(/[0-9a-f]+$/i, (last) => ((parseInt(last, 16) % 250) + 2).toString(16))
    : address.replace(/\d+$/, (last) => String((Number(last) % 250) + 2));
}
