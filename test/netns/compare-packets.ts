import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import type { PacketLab } from './packet-lab.ts';
import type { SentPacket } from './random-rules.ts';

interface Comparison {
  /** Whose rules count. */
  tools: string[];
  packets: SentPacket[];
  note: string;
}

/** Sends packets through the rules that stand, and fails where the kernel does something else than we say. */
export async function compareAll(
  lab: PacketLab,
  ruleset: Ruleset,
  { tools, packets, note }: Comparison,
): Promise<void> {
  for (const [at, packet] of packets.entries()) {
    let outcome = await lab.judge({ tools, packet, fresh: at === 0 }, ruleset);
    // The kernel itself speaks IPv6 now and then, and its packets count as ours: what is a fault stays one.
    for (let again = 0; again < 2 && !isDeepStrictEqual(outcome.ours, outcome.theirs); again++) {
      const renewed = { ...packet, sport: lab.nextPort() };
      outcome = await lab.judge({ tools, packet: renewed, fresh: true }, ruleset);
    }
    expect(outcome.ours, [note, JSON.stringify(packet), ...tools.map((tool) => lab.read(tool))].join('\n')).toEqual(
      outcome.theirs,
    );
  }
}
