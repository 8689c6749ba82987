import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findDrift } from './find-drift.ts';
import { parseRules } from './parse-rules.ts';
import { tracePacket } from './trace-packet.ts';
import type { Packet } from './trace-packet.ts';

const files = ['before-cni_shop_reviews', 'before-cni_shop_dns', 'with-cni_shop_ratings', 'with-cni_shop_productpage'];

/** The same sequence in every run: a failure can be looked at. */
function chooser(seed: number) {
  let state = seed;
  const next = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  return { next, pick: <T>(of: readonly T[]) => of[next(of.length)]! };
}

const { next, pick } = chooser(7);

/** Rules as somebody might have left them: lines gone, doubled, swapped, with another port or user. */
function spoil(text: string): string {
  const lines = text.split('\n');
  const rules = lines.flatMap((line, at) => (line.startsWith('-A') ? [at] : []));
  for (let times = 1 + next(3); times > 0; times--) {
    const [one, other] = [pick(rules), pick(rules)];
    const line = lines[one]!;
    const isSameChain = line.split(' ')[1] === lines[other]!.split(' ')[1];
    const ways = [
      () => (lines[one] = ''),
      () => (lines[one] = `${line}\n${line}`),
      () => (lines[one] = line.replace(/--dport \d+/, `--dport ${pick([15020, 15021, 80, 9080, 3306, 53])}`)),
      () => (lines[one] = line.replace('1337', pick(['1338', '0']))),
      () => isSameChain && ([lines[one], lines[other]] = [lines[other]!, line]),
    ];
    pick(ways)();
  }
  return lines.filter((line) => line !== '').join('\n');
}

function somePacket(): Packet {
  const common = {
    protocol: pick(['tcp', 'tcp', 'udp'] as const),
    dport: pick([53, 80, 9080, 9443, 3306, 15008, 15020, 15021, 15090, 15053]),
    localIps: ['10.88.0.5'],
  };
  if (next(2) === 0) return { ...common, direction: 'in', src: '10.9.9.9', dst: '10.88.0.5' };
  const dst = pick(['10.96.0.10', '10.1.2.3', '8.8.8.8', '127.0.0.1', '10.88.0.5', '169.254.169.254']);
  return { ...common, direction: 'out', dst, uid: pick([1337, 1338, 0, 1000]), gid: pick([1337, 1338, 0, 1000]) };
}

it('never calls rule sets the same that treat some packet differently', () => {
  const statuses = new Map<string, number>();
  for (let round = 0; round < 200; round++) {
    const file = join(import.meta.dirname, 'fixtures', `${pick(files)}.v4.save`);
    const text = readFileSync(file, 'utf8').replace(/^\[\d+:\d+\] /gm, '');
    const [right, spoilt] = [parseRules(text), parseRules(spoil(text))];
    const rules = right.chains.flatMap((chain) => chain.rules.map((rule) => ({ ...rule, cause: 'default' })));
    const expected = { mode: 'sidecar-redirect', by: 'init', ruleset: right, rules, assumptions: [] } as const;
    const { status, differences } = findDrift({ ...expected, rules, assumptions: [] }, spoilt);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect(differences.length > 0).toBe(status === 'drift');
    if (status !== 'same') continue;
    for (let times = 0; times < 30; times++) {
      const packet = somePacket();
      const [a, b] = [tracePacket(right, packet), tracePacket(spoilt, packet)];
      expect({ packet, verdict: b.verdict, port: b.port }).toEqual({ packet, verdict: a.verdict, port: a.port });
    }
  }
  expect(statuses.get('same')).toBeGreaterThan(40);
  expect(statuses.get('drift')).toBeGreaterThan(80);
});
