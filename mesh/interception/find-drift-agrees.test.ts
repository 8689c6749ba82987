import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findDrift } from './find-drift.ts';
import { defaultSettings } from './interception-settings.ts';
import type { InterceptionSettings } from './interception-settings.ts';
import { parseRules } from './parse-rules.ts';
import { printRules } from './print-rules.ts';
import { programRules } from './program-rules.ts';
import { tracePacket } from './trace-packet.ts';
import type { Packet, Trace } from './trace-packet.ts';
import type { Ruleset } from './ruleset.ts';

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
    const isOneTable = !lines.slice(Math.min(one, other), Math.max(one, other)).includes('COMMIT');
    const isSameChain = isOneTable && line.split(' ')[1] === lines[other]!.split(' ')[1];
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

function driftBetween(right: Ruleset, actual: Ruleset) {
  const rules = right.chains.flatMap((chain) => chain.rules.map((rule) => ({ ...rule, cause: 'default' })));
  return findDrift({ mode: 'sidecar-redirect', by: 'init', ruleset: right, rules, assumptions: [] }, actual);
}

it('never calls rule sets the same that treat some packet differently', () => {
  const statuses = new Map<string, number>();
  for (let round = 0; round < 200; round++) {
    const file = join(import.meta.dirname, 'fixtures', `${pick(files)}.v4.save`);
    const text = readFileSync(file, 'utf8').replace(/^\[\d+:\d+\] /gm, '');
    const [right, spoilt] = [parseRules(text), parseRules(spoil(text))];
    const { status, differences } = driftBetween(right, spoilt);
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

const some = <T>(of: readonly T[]) => of.filter(() => next(3) === 0);

function someSettings(): InterceptionSettings {
  return {
    ...defaultSettings,
    mode: pick(['REDIRECT', 'REDIRECT', 'TPROXY'] as const),
    includeInboundPorts: pick<'*' | string[]>(['*', '*', ['80', '9080'], []]),
    excludeInboundPorts: ['15090', '15021', '15020', ...some(['22', '3306', '80'])],
    excludeOutboundPorts: some(['15020', '3306', '443', '53']),
    includeOutboundRanges: pick<'*' | string[]>(['*', '*', ['10.0.0.0/8', 'fd00::/8'], ['127.0.0.1/32', '::1/128']]),
    excludeOutboundRanges: some(['169.254.169.254/32', '10.1.2.0/24', 'fd00:1::/32']),
    excludeInterfaces: some(['net1']),
    virtualInterfaces: some(['vm0']),
    captureDns: next(2) === 0,
    captureAllDns: next(2) === 0,
    dnsServers: ['10.96.0.10'],
    dropInvalid: next(3) === 0,
    excludeOwnerGroups: some(['101']),
    ipv6: true,
  };
}

it('names with every difference a packet that really goes another way', () => {
  const pathIn = ({ path }: Trace, table: string) =>
    path.filter((rule) => rule.table === table).map(({ text }) => text);
  const seen = { differences: 0, examples: 0, verdicts: 0 };
  for (let round = 0; round < 150; round++) {
    const text = printRules(programRules(someSettings(), {}, pick(['4', '6'] as const)).ruleset);
    const [right, spoilt] = [parseRules(text), parseRules(spoil(text))];
    for (const { table, effect, example } of driftBetween(right, spoilt).differences) {
      seen.differences++;
      if (!example) continue;
      seen.examples++;
      const [a, b] = [tracePacket(right, example), tracePacket(spoilt, example)];
      if (a.verdict !== b.verdict || a.port !== b.port) seen.verdicts++;
      // A mark or a conntrack zone is a difference too, though the verdict may be the same.
      else expect({ effect, path: pathIn(b, table) }).not.toEqual({ effect, path: pathIn(a, table) });
    }
  }
  expect(seen.examples).toBeGreaterThan(seen.differences * 0.8);
  expect(seen.verdicts).toBeGreaterThan(40);
});

it('compares pods with hundreds of exclusions', () => {
  const count = (n: number, of: (at: number) => string) => Array.from({ length: n }, (_, at) => of(at));
  const settings: InterceptionSettings = {
    ...defaultSettings,
    excludeInboundPorts: count(400, (at) => String(1000 + 3 * at)),
    excludeOutboundPorts: count(400, (at) => String(2000 + 2 * at)),
    excludeOutboundRanges: count(400, (at) => `10.${at >> 3}.${(at & 7) * 32}.0/24`),
  };
  const other = { ...settings, excludeInboundPorts: settings.excludeInboundPorts.toReversed() };
  other.excludeOutboundRanges = settings.excludeOutboundRanges.toReversed();
  const of = (from: InterceptionSettings) => programRules(from, {}, '4').ruleset;
  expect(driftBetween(of(settings), of(other)).status).toBe('same');
  const less = {
    ...other,
    excludeOutboundRanges: other.excludeOutboundRanges.filter((range) => range !== '10.7.64.0/24'),
  };
  expect(driftBetween(of(settings), of(less)).differences).toMatchObject([
    { kind: 'missing', effect: expect.stringContaining('to 10.7.64.0–10.7.64.255') },
  ]);
});
