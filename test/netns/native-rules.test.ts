import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../mesh/interception/interception-settings.ts';
import { defaultProbeAddress } from '../../mesh/interception/program-ambient.ts';
import { compareAll } from './compare-packets.ts';
import { nativeAmbient, nativeSidecar } from './native-rules.ts';
import { PacketLab, reasonToSkip } from './packet-lab.ts';
import { randomPacket, seeded } from './random-rules.ts';

/** Istio's own nftables tables, programmed with the real nft: packets by chance and the counter of every rule. */
const why = reasonToSkip();
if (why !== undefined) console.warn(`packets through Istio’s native nftables are skipped: ${why}`);

const sidecar = { ...defaultSettings, ipv6: true };
const dns = { captureDns: true, captureAllDns: true };
const ambient = {
  captureDns: true,
  captureInbound: true,
  virtualInterfaces: [],
  probeAddress: defaultProbeAddress,
};

const programs: Record<string, string> = {
  'a sidecar': nativeSidecar(sidecar),
  'a sidecar that thinks of IPv4 alone': nativeSidecar(defaultSettings),
  'a sidecar with DNS': nativeSidecar({ ...sidecar, ...dns }),
  'a sidecar with DNS of listed servers': nativeSidecar({
    ...sidecar,
    captureDns: true,
    dnsServers: ['93.184.216.34', '2001:db8::7'],
  }),
  'a sidecar with TPROXY': nativeSidecar({ ...sidecar, mode: 'TPROXY' }),
  'a sidecar with TPROXY that sets the mark first': nativeSidecar({ ...sidecar, mode: 'TPROXY' }).replace(
    /(tproxy \S+ to :15006) (meta mark set \S+)/g,
    '$2 $1',
  ),
  'a sidecar with TPROXY and all else': nativeSidecar({
    ...sidecar,
    ...dns,
    mode: 'TPROXY',
    dropInvalid: true,
    includeInboundPorts: ['80', '8080'],
    excludeOutboundPorts: ['3306', '443'],
    excludeInterfaces: ['eth1'],
  }),
  'a sidecar with ranges': nativeSidecar({
    ...sidecar,
    includeOutboundRanges: ['93.184.0.0/16', '2001:db8::/32'],
    excludeOutboundRanges: ['10.0.0.0/8', 'fd00::/8'],
    includeOutboundPorts: ['443'],
    virtualInterfaces: ['eth1'],
  }),
  'the ambient mesh': nativeAmbient(ambient),
  'the ambient mesh without DNS': nativeAmbient({ ...ambient, captureDns: false }),
  'the ambient mesh, for an ingress': nativeAmbient({
    ...ambient,
    captureInbound: false,
    virtualInterfaces: ['eth1'],
  }),
};

describe.skipIf(why !== undefined)('packets through Istio’s native nftables', { timeout: 60_000 }, () => {
  let lab: PacketLab;
  beforeAll(() => {
    lab = new PacketLab('meshloom-native');
  });
  afterAll(() => lab?.close());

  it.each(Object.entries(programs))('go where the trace says: %s', async (title, rules) => {
    for (const family of ['4', '6'] as const) {
      const random = seeded(title.length * 31 + Number(family));
      lab.program('nft', rules);
      const ruleset = lab.ruleset(['nft']);
      expect(ruleset.warnings).toEqual([]);
      const packets = Array.from({ length: 30 }, () => randomPacket(random, family, lab.nextPort()));
      await compareAll(lab, ruleset, { tools: ['nft'], packets, note: title });
    }
  });
});
