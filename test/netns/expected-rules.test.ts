import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../mesh/interception/interception-settings.ts';
import type { InterceptionSettings } from '../../mesh/interception/interception-settings.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { defaultProbeAddress, programAmbient } from '../../mesh/interception/program-ambient.ts';
import type { AmbientSettings } from '../../mesh/interception/program-ambient.ts';
import { programRules } from '../../mesh/interception/program-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { compareAll } from './compare-packets.ts';
import { PacketLab } from './packet-lab.ts';
import { randomPacket, seeded } from './random-rules.ts';

/**
 * Expected rules are printed as `iptables-save` prints them: what is restored into a real network namespace has to come
 * back the same, byte for byte, comments aside.
 */
const name = `mlx-${process.pid}`;
const tools = ['ip', 'iptables-nft-restore', 'iptables-nft-save', 'ip6tables-nft-restore', 'ip6tables-nft-save'];
const why = reasonToSkip();
if (why !== undefined) console.warn(`expected rules in a real network namespace are skipped: ${why}`);

const variants: Record<string, Partial<InterceptionSettings>> = {
  plain: {},
  'TPROXY with a list of ports': { mode: 'TPROXY', includeInboundPorts: ['8080', '9090'] },
  'nothing inbound': { includeInboundPorts: [] },
  'DNS of listed servers': { captureDns: true, dnsServers: ['10.96.0.10', 'fd00::a'] },
  'all at once': {
    mode: 'TPROXY',
    captureDns: true,
    captureAllDns: true,
    dropInvalid: true,
    excludeInterfaces: ['net1', 'net2'],
    virtualInterfaces: ['k6t-1', 'k6t-2'],
    includeOutboundPorts: ['443'],
    excludeOutboundPorts: ['15020', '3306'],
    includeOutboundRanges: ['10.1.2.3/8', '0.0.0.0/0', 'FD00:0:0::5/32', '::/0', '2001:db8::1/128'],
    excludeOutboundRanges: ['169.254.169.254/32', '::ffff:10.0.0.0/104', 'fe80::/10'],
    excludeOwnerGroups: ['101', '202'],
    loopbackCidr: '127.0.0.1/8',
    proxyUids: ['1337', '1338'],
  },
  'some owner groups and loopback ranges': {
    includeOwnerGroups: ['101', '202'],
    includeOutboundRanges: ['127.1.2.0/24', '::1/128'],
    virtualInterfaces: ['vm0'],
  },
};

describe.skipIf(why !== undefined)('expected rules in a real network namespace', () => {
  beforeAll(() => void execFileSync('ip', ['netns', 'add', name]));
  afterAll(() => void spawnSync('ip', ['netns', 'del', name]));

  const backends = ['nft', 'legacy'].filter((backend) => spawnSync('which', [`iptables-${backend}-save`]).status === 0);

  it.each(Object.keys(variants))('come back as they were printed: %s', (variant) => {
    for (const family of ['4', '6'] as const)
      comeBack(programRules({ ...defaultSettings, ipv6: true, ...variants[variant] }, {}, family).ruleset, backends);
  });

  it.each(Object.keys(ambientVariants))('come back as they were printed: ambient, %s', (variant) => {
    for (const family of ['4', '6'] as const)
      comeBack(programAmbient({ ...defaultAmbient, ...ambientVariants[variant] }, family).ruleset, backends);
  });
});

describe.skipIf(why !== undefined)('packets through expected rules', () => {
  let lab: PacketLab;
  beforeAll(() => {
    lab = new PacketLab('meshloom-expected');
  });
  afterAll(() => lab?.close());

  const programs: [string, (family: '4' | '6') => Ruleset][] = [
    ...Object.entries(variants).map(([title, settings]): [string, (family: '4' | '6') => Ruleset] => [
      title,
      (family) => programRules({ ...defaultSettings, ipv6: true, ...settings }, {}, family).ruleset,
    ]),
    ['ambient', (family) => programAmbient(defaultAmbient, family).ruleset],
  ];

  it.each(programs)('go where they are said to go: %s', async (title, program) => {
    for (const family of ['4', '6'] as const) {
      const tool = family === '4' ? 'iptables-nft' : 'ip6tables-nft';
      const random = seeded(title.length);
      lab.program(tool, printRules(program(family)));
      const packets = Array.from({ length: 10 }, () => randomPacket(random, family, lab.nextPort()));
      await compareAll(lab, lab.ruleset([tool], false), { tools: [tool], packets, note: title });
    }
  });
});

const defaultAmbient: AmbientSettings = {
  captureDns: true,
  captureInbound: true,
  virtualInterfaces: [],
  probeAddress: defaultProbeAddress,
};
const ambientVariants: Record<string, Partial<AmbientSettings>> = {
  'with DNS': {},
  'without DNS': { captureDns: false },
  'as an ingress, with a virtual machine': { captureInbound: false, virtualInterfaces: ['vm0', 'vm1'] },
};

function comeBack(ruleset: Ruleset, backends: string[]): void {
  const text = printRules(ruleset);
  const tool = ruleset.family === '4' ? 'iptables' : 'ip6tables';
  for (const backend of backends) {
    inside(['nft', 'flush', 'ruleset']);
    inside([`${tool}-${backend}-restore`], text);
    const saved = inside([`${tool}-${backend}-save`]).replace(/^#.*\n/gm, '');
    inside([`${tool}-${backend}-restore`], text.replace(/^-A.*\n/gm, ''));
    const printed = saved.replace(/^(:.*) \[.*\]$/gm, '$1 [0:0]');
    // Tables of iptables-legacy stand in the order in which the kernel met them, and stay there when they are empty.
    const expected = backend === 'nft' ? text : byTable(text);
    const actual = backend === 'nft' ? printed : byTable(printed).filter((table) => /^-A/m.test(table));
    expect({ backend, text: actual }).toEqual({ backend, text: expected });
  }
}

function byTable(text: string): string[] {
  return text.split(/(?<=^COMMIT\n)/m).sort();
}

function inside(command: string[], input = ''): string {
  const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe'];
  return execFileSync('ip', ['netns', 'exec', name, ...command], { encoding: 'utf8', input, stdio });
}

function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const missing = [...tools, 'nft'].filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  // Made and taken away at once: a container may forbid it.
  const tried = spawnSync('ip', ['netns', 'add', name]);
  spawnSync('ip', ['netns', 'del', name]);
  return tried.status === 0 ? undefined : String(tried.stderr);
}

/** Whoever reads this file first should see what the text looks like. */
it('prints what the recorded pod has', () => {
  const recorded = readFileSync(
    join(import.meta.dirname, '../../mesh/interception/fixtures/before-cni_plain_optin.v4.save'),
    'utf8',
  );
  const text = printRules(programRules(defaultSettings, {}, '4').ruleset);
  expect(text.match(/^-A .*$/gm)).toEqual(recorded.replace(/^\[\d+:\d+\] /gm, '').match(/^-A .*$/gm));
});
