import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { compareAll } from './compare-packets.ts';
import { PacketLab, reasonToSkip } from './packet-lab.ts';
import { randomIpsets, randomPacket, randomRules, seeded } from './random-rules.ts';
import type { SentPacket } from './random-rules.ts';

/**
 * Rules are programmed with the real iptables, packets are really sent, and what we say of each has to be what the counters
 * of the rules and the hook before the socket saw. `MESHLOOM_TRACE_SEEDS=1-1000` looks longer.
 */
const why = reasonToSkip();
if (why !== undefined) console.warn(`packets through real network namespaces are skipped: ${why}`);

const fixtures = join(import.meta.dirname, '../../mesh/interception/fixtures');
let lab: PacketLab;

describe.skipIf(why !== undefined)('packets through rules in a real network namespace', () => {
  beforeAll(() => {
    lab = new PacketLab('meshloom-trace');
  });

  afterAll(() => lab?.close());

  const ruleSets = readdirSync(fixtures).filter((name) =>
    /^(with-cni|before-cni).*\.v4\.save$|^istio-init|^sidecar|^cni-sidecar/.test(name),
  );

  for (const backend of ['iptables-nft', 'iptables-legacy']) {
    it.each(ruleSets)(`${backend}: %s takes packets where the trace says`, async (name) => {
      const random = seeded(name.length + backend.length);
      lab.program(backend, printRules(parseRules(readFileSync(join(fixtures, name), 'utf8'))));
      await compare(
        backend,
        Array.from({ length: 15 }, () => randomPacket(random, '4', lab.nextPort())),
      );
    });

    it.each(Object.entries(written))(`${backend}: %s takes packets where the trace says`, async (name, rules) => {
      const random = seeded(name.length + backend.length);
      lab.program(backend, rules);
      await compare(
        backend,
        Array.from({ length: 15 }, () => randomPacket(random, '4', lab.nextPort())),
      );
    });

    it.each(['4', '6'] as const)(
      `${backend}: rules by chance take packets where the trace says, IPv%s`,
      async (family) => {
        const tool = family === '6' ? backend.replace('ip', 'ip6') : backend;
        const [from = 1, to = from] = (process.env['MESHLOOM_TRACE_SEEDS'] ?? '1-12').split('-').map(Number);
        for (let seed = from; seed <= to; seed++) {
          const random = seeded(seed * 7919 + Number(family));
          lab.program(tool, randomRules(random, family), randomIpsets(family));
          await compare(
            tool,
            Array.from({ length: 12 }, () => randomPacket(random, family, lab.nextPort())),
            `seed ${seed}`,
          );
        }
      },
      600_000,
    );
  }
});

/** Sends packets through the rules that stand, and fails where the kernel does something else than we say. */
async function compare(tool: string, packets: SentPacket[], note = ''): Promise<void> {
  const ruleset = lab.ruleset([tool], lab.usesIpsets);
  expect(ruleset.warnings).toEqual([]);
  await compareAll(lab, ruleset, { tools: [tool], packets, note });
}

/** Shapes that no fixture has. */
const written: Record<string, string> = {
  'ambient with DNS': `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A OUTPUT -p udp -m mark --mark 0x539/0xfff -m udp --dport 53 -j CT --zone 1
-A PREROUTING -p udp -m mark ! --mark 0x539/0xfff -m udp --sport 53 -j CT --zone 1
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark
-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -d 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_OUTPUT ! -o lo -p udp -m mark ! --mark 0x539/0xfff -m udp --dport 53 -j REDIRECT --to-ports 15053
-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15001
-A ISTIO_PRERT -s 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp -m tcp ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006
COMMIT
`,
  'a sidecar that drops INVALID packets': `*mangle
:PREROUTING ACCEPT [0:0]
:ISTIO_DROP - [0:0]
:ISTIO_INBOUND - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP
-A ISTIO_DROP -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j REDIRECT --to-ports 15006
COMMIT
`,
};
