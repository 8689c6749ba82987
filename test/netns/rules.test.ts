import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { explainRules } from '../../mesh/interception/explain-rules.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printAsRead } from '../../mesh/interception/print-as-read.ts';
import { printListRow, readListLayout } from '../../mesh/interception/print-list-row.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { randomIpsets, randomRules, seeded } from './random-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';

/**
 * The same rules, programmed into a network namespace of this machine's kernel, printed by every tool and read back:
 * what we make of `-S`, `-L`, `nft` and `nft -j` has to be what the real `iptables-save` prints.
 */
const tools = [
  'ip',
  'ipset',
  'nft',
  'iptables-nft-restore',
  'iptables-legacy-restore',
  'ip6tables-nft-restore',
  'ip6tables-legacy-restore',
];
const why = reasonToSkip();
if (why !== undefined) console.warn(`rules in real network namespaces are skipped: ${why}`);

const fixtures = join(import.meta.dirname, '../../mesh/interception/fixtures');
const tables = ['raw', 'mangle', 'nat', 'filter', 'security'];
let namespace: string | undefined;

afterEach(() => {
  if (namespace !== undefined) spawnSync('ip', ['netns', 'del', namespace]);
  namespace = undefined;
});

describe.skipIf(why !== undefined)('rules in a real network namespace', () => {
  const ruleSets = readdirSync(fixtures).filter((name) => /^(with-cni|before-cni).*\.v4\.save$|^istio-init/.test(name));

  for (const backend of ['iptables-nft', 'iptables-legacy']) {
    it.each(ruleSets)(`${backend}: %s reads the same from every listing`, (name) => {
      program(backend, readFileSync(join(fixtures, name), 'utf8'));
      compareListings(backend);
    });

    it(`${backend}: reads matches and targets beyond Istio's own`, () => {
      program(backend, kitchen);
      compareListings(backend);
    });

    it(`${backend.replace('ip', 'ip6')}: reads IPv6`, () => {
      program(backend.replace('ip', 'ip6'), kitchen6);
      compareListings(backend.replace('ip', 'ip6'));
    });
  }

  it.each(['iptables-nft', 'iptables-legacy', 'ip6tables-nft', 'ip6tables-legacy'])(
    '%s: rules by chance read the same from every listing',
    (backend) => {
      const [from = 1, to = from] = (process.env['MESHLOOM_RULES_SEEDS'] ?? '1-3').split('-').map(Number);
      const family = backend.startsWith('ip6') ? '6' : '4';
      for (let seed = from; seed <= to; seed++) {
        if (namespace !== undefined) spawnSync('ip', ['netns', 'del', namespace]);
        open();
        feed(['ipset', 'restore'], randomIpsets(family));
        feed([`${backend}-restore`], randomRules(seeded(seed * 31 + Number(family)), family));
        // A listing does not show whether two conditions stand in one module or in two.
        compareListings(backend, (line) => line.replace(/ -m (?:owner|conntrack)(?= )/g, ''));
        for (const args of [['list'], ['-j', 'list']]) {
          const printed = inside('nft', ...args, 'ruleset');
          expect(printAsRead(parseRules(printed))).toBe(printed);
        }
      }
    },
    600_000,
  );

  it.each(ruleSets)('iptables-nft: %s reads the same through nft, but for what nft does not print', (name) => {
    program('iptables-nft', readFileSync(join(fixtures, name), 'utf8'));
    const saved = linesOf(parseRules(inside('iptables-nft-save')));
    const seen = parseRules(inside('nft', 'list', 'ruleset'));
    // nft prints `xt target CT` and `xt target TPROXY` without their options, and warns of it through us.
    const bare = saved.map((line) => line.replace(/(-j (?:CT|TPROXY)) .*/, '$1'));
    expect(linesOf(seen).sort()).toEqual(bare.sort());
    expect(seen.warnings.length).toBe(saved.some((line) => / -j (CT|TPROXY) /.test(line)) ? 1 : 0);
    expect(explainRules(seen).rules.filter(({ known }) => !known)).toEqual([]);
  });

  it.each(ruleSets)('iptables-nft: %s is explained from nft -j, which hides even more', (name) => {
    program('iptables-nft', readFileSync(join(fixtures, name), 'utf8'));
    const saved = explainRules(parseRules(inside('iptables-nft-save')));
    const seen = explainRules(parseRules(inside('nft', '-j', 'list', 'ruleset')));
    expect(seen.rules).toHaveLength(saved.rules.length);
    expect(seen.mode).toBe(saved.mode);
  });

  it('reads native tables the same from nft and from nft -j', () => {
    open();
    execFileSync('ip', ['netns', 'exec', namespace!, 'nft', '-f', '-'], { input: native });
    const text = parseRules(inside('nft', 'list', 'ruleset'));
    const json = parseRules(inside('nft', '-j', 'list', 'ruleset'));
    for (const args of [
      ['list', 'ruleset'],
      ['-a', 'list', 'ruleset'],
      ['-j', 'list', 'ruleset'],
    ]) {
      const printed = inside('nft', ...args);
      expect(printAsRead(parseRules(printed))).toBe(printed);
    }
    expect(linesOf(json)).toEqual(linesOf(text));
    expect(text.warnings).toEqual([]);
    expect(explainRules(text)).toMatchObject({ mode: 'sidecar-redirect', warnings: [] });
  });

  it('accepts its own output as input', () => {
    program('iptables-nft', printRules(parseRules(readFileSync(join(fixtures, 'cni-sidecar.L-n-v-x.txt'), 'utf8'))));
    expect(linesOf(parseRules(inside('iptables-nft-save')))).toEqual(
      linesOf(parseRules(readFileSync(join(fixtures, 'cni-sidecar.L-n-v-x.txt'), 'utf8'))).sort(
        byChainAsSaved(inside('iptables-nft-save')),
      ),
    );
  });
});

/** Every row, printed from its rule alone, is the row that iptables printed; where our words are others, they read the same. */
function compareRows({ chains, source, family }: Ruleset, text: string): void {
  const heading = /^.*\btarget +prot .*$/m.exec(text)?.[0] ?? '';
  const layout = readListLayout(heading, text, family === '6' ? '6' : '4');
  const unlike: string[] = [];
  for (const { rules } of chains) {
    rules.forEach((rule, index) => {
      const { start = 0, end = 0 } = source?.places[rule.origin?.place ?? -1] ?? {};
      // Legacy lists `-o +`, every interface, which no text of rules shows.
      const row = text.slice(start, end).replace(/(?<= )\+(?= {6})/g, '*');
      const printed = printListRow(rule, index + 1, layout);
      if (layout.exact ? row !== printed : row.slice(30) !== printed.slice(30)) unlike.push(`${row}\n${printed}`);
    });
  }
  expect(unlike).toEqual([]);
}

function compareListings(backend: string, alike: (line: string) => string = (line) => line): void {
  const save = inside(`${backend}-save`, '-c');
  const wanted = parseRules(save);
  expect(printRules(wanted)).toBe(save);
  const lines = linesOf(wanted).map(alike).sort();
  expect(lines.length).toBeGreaterThan(5);
  for (const args of [['-S'], ['-S', '-v'], ['-L', '-n', '-v', '-x', '--line-numbers'], ['-L', '-n', '-v']]) {
    // A listing does not name its table, and security looks like filter: there, the person has to.
    const heading = (table: string) => (table === 'security' ? '# security\n' : '');
    const text = tables.map((table) => heading(table) + inside(backend, '-t', table, ...args)).join('\n');
    const seen = parseRules(text);
    expect(printAsRead(seen), args.join(' ')).toBe(text);
    expect(printAsRead(parseRules(text.slice(0, text.length / 2)))).toBe(text.slice(0, text.length / 2));
    if (args[0] === '-L') compareRows(seen, text);
    expect(seen.warnings, args.join(' ')).toEqual([]);
    expect(linesOf(seen).map(alike).sort(), args.join(' ')).toEqual(lines);
  }
}

function linesOf({ chains }: Ruleset): string[] {
  return chains.flatMap(({ rules }) => rules.map(({ table, text }) => `${table} ${text}`));
}

/** Chains are declared in another order than they were read: compare by the order of `iptables-save`. */
function byChainAsSaved(save: string): (a: string, b: string) => number {
  const order = linesOf(parseRules(save));
  return (a, b) => order.indexOf(a) - order.indexOf(b);
}

function open(): void {
  namespace = `meshloom-rules-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  execFileSync('ip', ['netns', 'add', namespace]);
}

function program(backend: string, rules: string): void {
  open();
  feed([`${backend}-restore`], rules);
}

function feed(command: string[], input: string): void {
  execFileSync('ip', ['netns', 'exec', namespace!, ...command], { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

function inside(...command: string[]): string {
  return execFileSync('ip', ['netns', 'exec', namespace!, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'this needs root';
  const missing = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  const name = `meshloom-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.status !== 0) return `no network namespace can be made here: ${made.stderr.trim()}`;
  const programmed = spawnSync('ip', ['netns', 'exec', name, 'iptables-legacy-restore'], {
    input: '*nat\nCOMMIT\n',
    encoding: 'utf8',
  });
  spawnSync('ip', ['netns', 'del', name]);
  return programmed.status === 0 ? undefined : `this kernel has no iptables-legacy: ${programmed.stderr.trim()}`;
}

const kitchen = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CUSTOM - [0:0]
-A PREROUTING -i eth0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80
-A PREROUTING -p tcp -m tcp --sport 1024:65535 --dport 80:90 -j CUSTOM
-A PREROUTING ! -p tcp -j CUSTOM
-A PREROUTING -p icmp -m icmp --icmp-type 8 -j RETURN
-A OUTPUT -d 10.0.0.0/8 -m addrtype --dst-type LOCAL -j CUSTOM
-A OUTPUT -m owner ! --gid-owner 2001 -m owner ! --gid-owner 2002 -j RETURN
-A OUTPUT -m comment --comment "it's \\"quoted\\"" -j RETURN
-A OUTPUT -m comment --comment single -g CUSTOM
-A OUTPUT ! -s 1.2.3.4/32 ! -o eth+ -j CUSTOM
-A OUTPUT -p tcp -m multiport --dports 80,443,1000:2000 -j RETURN
-A OUTPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j RETURN
-A OUTPUT -m mark ! --mark 0x539/0xfff -j RETURN
-A OUTPUT -m connmark --mark 0x111/0xfff -j RETURN
-A OUTPUT -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j RETURN
-A OUTPUT -m statistic --mode random --probability 0.33333333349 -j CUSTOM
-A OUTPUT -p sctp -m sctp --dport 99 -j RETURN
-A OUTPUT
-A OUTPUT -m limit --limit 5/min -j RETURN
-A POSTROUTING -p tcp -j MASQUERADE --to-ports 100-200 --random
-A POSTROUTING -o eth0 -j SNAT --to-source 1.2.3.4-1.2.3.9
-A CUSTOM -j LOG --log-prefix "my log: " --log-level 6
-A CUSTOM -j MARK --or-mark 0x4
-A CUSTOM -j CONNMARK --set-xmark 0x111/0xfff
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -p tcp -j REJECT
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m socket --nowildcard -j ACCEPT
-A PREROUTING -p tcp -j TPROXY --on-port 15006 --tproxy-mark 0x539
-A OUTPUT -j MARK --set-mark 1337
-A OUTPUT -j CONNMARK --restore-mark
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --sport 53 -j CT --zone 1
-A OUTPUT -j NOTRACK
COMMIT
`;

const kitchen6 = `*nat
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -s ::6/128 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d ::1/128 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d fd00::/8 -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j RETURN
-A ISTIO_OUTPUT
-A ISTIO_OUTPUT -p tcp -j DNAT --to-destination [fd00::1]:80
-A ISTIO_OUTPUT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;

const native = `table inet istio-proxy-nat {
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; meta l4proto tcp counter jump istio-inbound; }
  chain output { type nat hook output priority -100; policy accept; counter jump istio-output; }
  chain istio-inbound { tcp dport 15008 counter return; meta l4proto tcp counter jump istio-in-redirect; }
  chain istio-redirect { meta l4proto tcp counter redirect to :15001; }
  chain istio-in-redirect { meta l4proto tcp counter redirect to :15006; }
  chain istio-output {
    oifname "lo" ip saddr 127.0.0.6 counter return
    oifname "lo" ip6 saddr ::6 counter return
    oifname "lo" ip daddr != 127.0.0.1/32 tcp dport != { 53, 15008 } meta skuid 1337 counter jump istio-in-redirect
    oifname "lo" meta skuid != 1337 counter return
    meta skuid 1337 counter return
    ip daddr 127.0.0.1/32 counter return
    ip daddr { 10.0.0.0/8, 172.16.0.0/12 } counter return
    counter jump istio-redirect
  }
}
`;
