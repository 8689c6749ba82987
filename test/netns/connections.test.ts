import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../mesh/interception/interception-settings.ts';
import type { InterceptionSettings } from '../../mesh/interception/interception-settings.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { defaultProbeAddress, programAmbient } from '../../mesh/interception/program-ambient.ts';
import type { AmbientSettings } from '../../mesh/interception/program-ambient.ts';
import { programRules } from '../../mesh/interception/program-rules.ts';
import { addresses, ConnectionLab } from './connection-lab.ts';
import type { Connection, Landing } from './connection-lab.ts';
import { nativeAmbient, nativeSidecar } from './native-rules.ts';
import { reasonToSkip } from './packet-lab.ts';
import { pick, seeded } from './random-rules.ts';

/**
 * Real processes connect through Istio's rules: which listener answers, on which port, and what it is told of the destination
 * has to be what the trace says of that packet. The answer has to come back as well, so the rules for answers count too.
 */
const why = reasonToSkip();
if (why !== undefined) console.warn(`connections through real network namespaces are skipped: ${why}`);

const fixtures = join(import.meta.dirname, '../../mesh/interception/fixtures');
const families = ['4', '6'] as const;
type Family = (typeof families)[number];

const sidecars: Record<string, Partial<InterceptionSettings>> = {
  REDIRECT: {},
  'of the CNI plugin, with DNS': { programmedBy: 'cni', captureDns: true, captureAllDns: true },
  'DNS of the listed servers': { captureDns: true, dnsServers: [addresses['4'].dns, addresses['6'].dns] },
  'excluded ports and ranges': {
    excludeInboundPorts: ['15090', '15021', '15020', '9090'],
    excludeOutboundPorts: ['3306', '5000'],
    excludeOutboundRanges: [`${addresses['4'].excluded}/32`, `${addresses['6'].excluded}/128`],
  },
  'an excluded interface': { excludeInterfaces: ['net1'] },
  'a virtual machine’s interface': { virtualInterfaces: ['net1'] },
  'included inbound ports': { includeInboundPorts: ['8080', '443'] },
  'nothing inbound': { includeInboundPorts: [] },
  'included ranges and ports': {
    includeOutboundRanges: [`${addresses['4'].server}/32`, `${addresses['6'].server}/128`],
    includeOutboundPorts: ['3306'],
  },
  'loopback among the included ranges': { includeOutboundRanges: ['127.0.0.0/8', '::1/128'] },
  'some owner groups': { includeOwnerGroups: ['1000', '7'] },
  'without some owner groups': { excludeOwnerGroups: ['1000'] },
  'INVALID dropped': { dropInvalid: true },
  TPROXY: { mode: 'TPROXY' },
  'TPROXY with DNS, included ports and an excluded interface': {
    mode: 'TPROXY',
    captureDns: true,
    captureAllDns: true,
    includeInboundPorts: ['8080'],
    excludeInterfaces: ['net1'],
  },
  'TPROXY with excluded ports': {
    mode: 'TPROXY',
    excludeInboundPorts: ['15090', '15021', '15020', '9090'],
    dropInvalid: true,
  },
};

const defaultAmbient: AmbientSettings = {
  captureDns: true,
  captureInbound: true,
  virtualInterfaces: [],
  probeAddress: defaultProbeAddress,
};
const ambients: Record<string, Partial<AmbientSettings>> = {
  ambient: {},
  'ambient without DNS': { captureDns: false },
  'ambient with plaintext for the application, and a virtual machine': {
    captureInbound: false,
    virtualInterfaces: ['net1'],
  },
};

describe.skipIf(why !== undefined)('connections through rules in a real network namespace', { timeout: 60_000 }, () => {
  const lab = new ConnectionLab('meshloom-connect');
  const compared = { ruleSets: 0, connections: 0 };
  beforeAll(() => lab.open());
  afterAll(() => {
    lab.close();
    console.log(`${compared.connections} connections through ${compared.ruleSets} rule sets landed as traced`);
  });

  async function compare(rules: Record<string, string>, connections: Connection[]): Promise<void> {
    lab.program(rules);
    const ruleset = lab.read(Object.keys(rules));
    expect(ruleset.warnings).toEqual([]);
    const differences: object[] = [];
    for (const connection of connections) {
      const ours = lab.predict(ruleset, connection);
      let theirs = await lab.connect(connection);
      // A busy machine may let a listener be late: where the kernel takes a connection, it takes it again.
      if (!isSame(ours, theirs)) theirs = await lab.connect(connection);
      if (!isSame(ours, theirs)) differences.push({ connection, ours, theirs });
    }
    compared.ruleSets++;
    compared.connections += connections.length;
    expect(differences, Object.values(rules).join('\n')).toEqual([]);
  }

  for (const backend of ['nft', 'legacy']) {
    it.each(Object.entries(sidecars))(`iptables-${backend}, sidecar: %s`, async (_, changed) => {
      const settings = { ...defaultSettings, ipv6: true, ...changed };
      const print = (family: Family) => printRules(programRules(settings, {}, family).ruleset);
      for (const family of families)
        await compare({ [toolOf(family, backend)]: print(family) }, askedOf(family, settings.mode, settings));
    });

    it.each(Object.entries(ambients))(`iptables-${backend}, %s`, async (_, changed) => {
      const settings = { ...defaultAmbient, ...changed };
      for (const family of families)
        await compare(
          { [toolOf(family, backend)]: printRules(programAmbient(settings, family).ruleset) },
          askedOf(family, 'ambient', settings),
        );
    });

    const recorded = readdirSync(fixtures).filter((name) =>
      /^(with-cni|before-cni).*\.v4\.save$|^istio-init|^sidecar|^cni-sidecar/.test(name),
    );
    it.each(recorded)(`iptables-${backend}, recorded: %s`, async (name) => {
      const text = readFileSync(join(fixtures, name), 'utf8');
      await compare(
        { [`iptables-${backend}`]: printRules(parseRules(text)) },
        askedOf('4', / TPROXY /.test(text) ? 'TPROXY' : 'REDIRECT'),
      );
    });
  }

  const [from = 1, to = from] = (process.env['MESHLOOM_TRACE_SEEDS'] ?? '1-6').split('-').map(Number);
  it('settings by chance', async () => {
    for (let seed = from; seed <= to; seed++) {
      const random = seeded(seed * 6007);
      const settings = randomSettings(random);
      for (const family of families) {
        const tool = pick(random, ['nft', toolOf(family, 'nft'), toolOf(family, 'legacy')]);
        const text = tool === 'nft' ? nativeSidecar(settings) : printRules(programRules(settings, {}, family).ruleset);
        // What is redirected to loopback has no way back to a source that is not the pod's.
        const asked = askedOf(family, settings.mode, settings).filter(({ transparent }) => !transparent);
        await compare({ [tool]: text }, asked);
      }
    }
  }, 600_000);

  it.each(Object.entries(sidecars))('native nftables, sidecar: %s', async (_, changed) => {
    const settings = { ...defaultSettings, ipv6: true, ...changed };
    for (const family of families)
      await compare({ nft: nativeSidecar(settings) }, askedOf(family, settings.mode, settings));
  });

  it('native nftables, IPv6 that only IPv4 was meant for', () =>
    compare({ nft: nativeSidecar(defaultSettings) }, askedOf('6', 'REDIRECT')));

  it.each(Object.entries(ambients))('native nftables, %s', async (_, changed) => {
    const settings = { ...defaultAmbient, ...changed };
    for (const family of families)
      await compare({ nft: nativeAmbient(settings) }, askedOf(family, 'ambient', settings));
  });
});

function toolOf(family: Family, backend: string): string {
  return `${family === '6' ? 'ip6tables' : 'iptables'}-${backend}`;
}

function isSame(ours: Landing, theirs: Landing): boolean {
  return ours.where === theirs.where && ours.port === theirs.port && ours.destination === theirs.destination;
}

/** Any settings together, whether they make sense or not. */
function randomSettings(random: () => number): InterceptionSettings {
  const some = (from: readonly string[]) => from.filter(() => random() < 0.3);
  const allOrSome = (from: readonly string[]) => (random() < 0.5 ? '*' : some(from));
  const ranges = families.flatMap((family) => {
    const { server, excluded, dns, loopback } = addresses[family];
    return [server, excluded, dns, loopback].map((address) => `${address}/${family === '6' ? 128 : 32}`);
  });
  const ports = tcpPorts.map(String);
  return {
    ...defaultSettings,
    ipv6: true,
    mode: pick(random, ['REDIRECT', 'TPROXY']),
    includeInboundPorts: allOrSome(ports),
    excludeInboundPorts: some(ports),
    includeOutboundPorts: some(ports),
    excludeOutboundPorts: some(ports),
    includeOutboundRanges: allOrSome(ranges),
    excludeOutboundRanges: some(ranges),
    excludeInterfaces: some(['net1']),
    captureDns: random() < 0.5,
    captureAllDns: random() < 0.5,
    dnsServers: families.map((family) => addresses[family].dns),
    dropInvalid: random() < 0.5,
    includeOwnerGroups: allOrSome(['1000', '0']),
    excludeOwnerGroups: some(['1000', '0']),
  };
}

const tcpPorts = [53, 80, 443, 3306, 8080, 9090, 15008, 15020];
const udpPorts = [53, 5000];

/** Everyone to everywhere, and the calls that only a proxy of this mode makes. */
function askedOf(
  family: Family,
  mode: 'REDIRECT' | 'TPROXY' | 'ambient',
  { virtualInterfaces = [] }: { virtualInterfaces?: string[] } = {},
): Connection[] {
  const { pod, second, loopback, server, excluded, dns, guest, probe } = addresses[family];
  const asked: Connection[] = [];
  const add = (by: Connection['by'], dst: string, more: Partial<Connection> = {}) => {
    for (const dport of tcpPorts) asked.push({ by, protocol: 'tcp', dst, dport, ...more });
    for (const dport of udpPorts) asked.push({ by, protocol: 'udp', dst, dport, ...more });
  };
  for (const by of ['app', 'proxy', 'guest', 'root'] as const)
    for (const dst of [server, excluded, dns, pod, loopback]) add(by, dst);
  for (const dst of [pod, second]) add('node', dst);
  for (const dport of [15001, 15006, 15021, 15053, 15090]) asked.push({ by: 'node', protocol: 'tcp', dst: pod, dport });
  add('node', pod, { src: probe });
  if (virtualInterfaces.length > 0)
    for (const dport of [80, 443, 15008]) asked.push({ by: 'node', protocol: 'tcp', dst: guest, dport });
  return [...asked, ...callsOfProxy(family, mode)];
}

function callsOfProxy(family: Family, mode: 'REDIRECT' | 'TPROXY' | 'ambient'): Connection[] {
  const { pod, inbound, client, server } = addresses[family];
  const call: Connection = { by: 'proxy', protocol: 'tcp', dst: pod, dport: 8080 };
  if (mode === 'REDIRECT') return [{ ...call, src: inbound }];
  if (mode === 'TPROXY')
    return [
      { ...call, src: inbound },
      // By neither user nor group of the proxy: REDIRECT to loopback would leave the listener without a way back to the client.
      { ...call, by: 'root', mark: 1337, src: client, transparent: true },
    ];
  // ztunnel: to the application with its client's address, and to other machines.
  return [
    { ...call, mark: 0x539, src: client, transparent: true },
    { ...call, mark: 0x539 },
    { ...call, mark: 0x539, dst: server, dport: 15008 },
    { ...call, by: 'root', mark: 0x539, dst: server },
    { ...call, mark: 0x539, dst: server, dport: 53, protocol: 'udp' },
  ];
}
