import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { tracePacket } from '../../mesh/interception/trace-packet.ts';
import { compareAll } from './compare-packets.ts';
import { PacketLab, reasonToSkip } from './packet-lab.ts';
import { randomNft } from './random-nft.ts';
import { ownAddresses, randomIpsets, randomPacket, randomRules, seeded } from './random-rules.ts';

/**
 * Native nftables, programmed with the real nft: which rules counted and where a packet came out has to be what we say.
 * `MESHLOOM_TRACE_SEEDS=1-1000` looks longer.
 */
const why = reasonToSkip();
if (why !== undefined) console.warn(`packets through native nftables are skipped: ${why}`);
let lab: PacketLab;

describe.skipIf(why !== undefined)('packets through native nftables', () => {
  beforeAll(() => {
    lab = new PacketLab('meshloom-nft');
  });

  afterAll(() => lab?.close());

  const [from = 1, to = from] = (process.env['MESHLOOM_TRACE_SEEDS'] ?? '1-12').split('-').map(Number);

  it.each(['4', '6'] as const)(
    'rules by chance take packets where the trace says, IPv%s',
    async (family) => {
      for (let seed = from; seed <= to; seed++) {
        const random = seeded(seed * 7919 + 40 + Number(family));
        const rules = randomNft(random, family);
        lab.programFitting(rules);
        const packets = Array.from({ length: 12 }, () => randomPacket(random, family, lab.nextPort()));
        const ruleset = lab.ruleset(['nft']);
        expect(ruleset.warnings, rules).toEqual([]);
        const json = parseRules(lab.readJson());
        expect(json.warnings, rules).toEqual([]);
        await compareAll(lab, ruleset, { tools: ['nft'], packets, note: `seed ${seed}` });
        for (const packet of packets) {
          const asked = { ...packet, localIps: [ownAddresses[family]] };
          const { verdict, port, says } = tracePacket(ruleset, asked);
          expect(tracePacket(json, asked), `seed ${seed}: ${says}\n${rules}`).toMatchObject(
            port === undefined ? { verdict } : { verdict, port },
          );
        }
      }
    },
    1_200_000,
  );

  it.each(['4', '6'] as const)(
    'and beside those of iptables in the order of priorities, IPv%s',
    async (family) => {
      const tool = family === '6' ? 'ip6tables-legacy' : 'iptables-legacy';
      for (let seed = from; seed <= Math.min(to, from + 30); seed++) {
        const random = seeded(seed * 104_729 + Number(family));
        lab.programFitting(randomNft(random, family), randomIpsets(family));
        lab.add(tool, randomRules(random, family).replace(/^\*nat[^]*?^COMMIT\n/m, ''));
        const packets = Array.from({ length: 8 }, () => randomPacket(random, family, lab.nextPort()));
        await compareAll(lab, lab.ruleset([tool, 'nft'], true), {
          tools: [tool, 'nft'],
          packets,
          note: `seed ${seed}`,
        });
      }
    },
    1_200_000,
  );
});
