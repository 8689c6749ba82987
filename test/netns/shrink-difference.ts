/**
 * Looks for rules by chance with which the trace and the kernel differ, and takes rules away as long as they still do:
 *
 *     node test/netns/shrink-difference.ts iptables-legacy|ip6tables-nft|nft4|nft6|mixed4|mixed6 [FIRST [LAST]]
 */
import { isDeepStrictEqual } from 'node:util';
import { PacketLab } from './packet-lab.ts';
import type { Judgement } from './packet-lab.ts';
import { randomNft } from './random-nft.ts';
import { randomIpsets, randomPacket, randomRules, seeded } from './random-rules.ts';
import type { SentPacket } from './random-rules.ts';

const [kind = 'iptables-nft', from = '1', to = from] = process.argv.slice(2);
const family = kind.startsWith('ip6') || kind.endsWith('6') ? '6' : '4';
const legacy = family === '6' ? 'ip6tables-legacy' : 'iptables-legacy';
const lab = new PacketLab('meshloom-shrink');
process.on('exit', () => lab.close());

interface Case {
  native: string;
  rules: string;
  ipsets: string;
}

function make(seed: number): { rules: Case; packets: SentPacket[] } {
  const random = seeded(seed * 7919 + Number(family));
  const rules: Case = { native: '', rules: '', ipsets: '' };
  if (/^(nft|mixed)/.test(kind)) rules.native = randomNft(random, family);
  if (!kind.startsWith('nft')) rules.rules = randomRules(random, family);
  if (kind.startsWith('mixed')) rules.rules = rules.rules.replace(/^\*nat[^]*?^COMMIT\n/m, '');
  if (rules.rules.includes('--match-set')) rules.ipsets = randomIpsets(family);
  return { rules, packets: Array.from({ length: 12 }, () => randomPacket(random, family, lab.nextPort())) };
}

/** What differs, where it does so twice. */
async function findDifference({ native, rules, ipsets }: Case, packet: SentPacket): Promise<Judgement | undefined> {
  const tools = [
    ...(native === '' ? [] : ['nft']),
    ...(rules === '' ? [] : [kind.startsWith('mixed') ? legacy : kind]),
  ];
  try {
    for (let time = 0; time < 2; time++) {
      if (native === '') lab.program(tools[0] ?? '', rules, ipsets);
      else lab.programFitting(native);
      if (native !== '' && rules !== '') lab.add(legacy, rules);
      const renewed = { ...packet, sport: lab.nextPort() };
      const outcome = await lab.judge({ tools, packet: renewed, fresh: true }, lab.ruleset(tools, ipsets !== ''));
      if (isDeepStrictEqual(outcome.ours, outcome.theirs)) return undefined;
      if (time === 1) return outcome;
    }
  } catch {
    // Rules that refer to what was taken away are refused: not smaller, but none.
  }
  return undefined;
}

let compared = 0;
for (let seed = Number(from); seed <= Number(to); seed++) {
  const { rules, packets } = make(seed);
  for (const packet of packets) {
    compared++;
    let found = await findDifference(rules, packet);
    if (!found) continue;
    let smallest = rules;
    for (let shrunk = true; shrunk;) {
      shrunk = false;
      for (const part of ['native', 'rules'] as const) {
        const lines = smallest[part].split('\n');
        for (let at = lines.length - 1; at >= 0; at--) {
          if (!/^-A|counter/.test(lines[at]?.trim() ?? '')) continue;
          const next = { ...smallest, [part]: lines.filter((_, other) => other !== at).join('\n') };
          const still = await findDifference(next, packet);
          if (!still) continue;
          lines.splice(at, 1);
          smallest = next;
          found = still;
          shrunk = true;
        }
      }
    }
    const telling = (text: string) =>
      text.split('\n').filter((line) => /^-A|^\*|counter|DROP|hook|^table/.test(line.trim()));
    console.log(`seed ${seed}`, JSON.stringify(packet));
    console.log([...telling(smallest.native), ...telling(smallest.rules)].join('\n'));
    console.log(JSON.stringify({ ours: found.ours, theirs: found.theirs, says: found.trace.says }, null, 1));
    break;
  }
}
console.log(`${compared} packets compared`);
process.exit();
