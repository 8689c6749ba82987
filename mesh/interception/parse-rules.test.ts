import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printAsRead } from './print-as-read.ts';
import { printRules } from './print-rules.ts';
import { parseRules, recognizeFormat } from './parse-rules.ts';
import type { Ruleset } from './ruleset.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const read = (name: string) => readFileSync(join(fixtures, name), 'utf8');
const linesOf = (ruleset: Ruleset) =>
  ruleset.chains.flatMap(({ rules }) => rules.map(({ table, text }) => `${table} ${text}`));
const only = (text: string) => linesOf(parseRules(text));

describe('recognising the format', () => {
  it.each([
    ['iptables-save', 'with-cni_shop_dns.v4.save', '4', 31],
    ['iptables-save', 'istio-init.restore.txt', '4', 19],
    ['iptables-S', 'sidecar-1.20.S.txt', '4', 18],
    ['iptables-L', 'cni-sidecar.L-n-v-x.txt', '4', 21],
    ['nft', 'kube-proxy-nftables.ruleset', '4', 72],
    ['nft-json', 'kube-proxy-nftables.json', '4', 72],
  ] as const)('reads %s in %s', (format, name, family, count) => {
    const ruleset = parseRules(read(name));
    expect({ format: ruleset.format, family: ruleset.family, warnings: ruleset.warnings }).toEqual({
      format,
      family,
      warnings: [],
    });
    expect(linesOf(ruleset)).toHaveLength(count);
  });

  it('reads every fixture without a warning', () => {
    for (const name of readdirSync(fixtures)) expect(parseRules(read(name)).warnings, name).toEqual([]);
  });
});

describe('iptables-restore input', () => {
  it('becomes the lines that iptables-save would print', () => {
    expect(only(read('istio-init.restore.txt'))).toEqual(
      expect.arrayContaining([
        'nat -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN',
        'nat -A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN',
        'nat -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT',
      ]),
    );
  });

  it.each([
    ['-A OUTPUT --protocol 6 --destination-port 80: -j ACCEPT', '-A OUTPUT -p tcp -m tcp --dport 80:65535 -j ACCEPT'],
    ['-A OUTPUT -d 10.1.2.3/8 -j ACCEPT', '-A OUTPUT -d 10.0.0.0/8 -j ACCEPT'],
    ['-A OUTPUT -d 10.1.2.3/255.255.0.0 -j ACCEPT', '-A OUTPUT -d 10.1.0.0/16 -j ACCEPT'],
    ['-A OUTPUT -d ! 10.1.2.3 -j ACCEPT', '-A OUTPUT ! -d 10.1.2.3/32 -j ACCEPT'],
    ['-A OUTPUT -s 0.0.0.0/0 -p all -j ACCEPT', '-A OUTPUT -j ACCEPT'],
    ['-A OUTPUT -p tcp -j MARK --set-mark 1337', '-A OUTPUT -p tcp -j MARK --set-xmark 0x539/0xffffffff'],
    ['-A OUTPUT -p tcp -m mark --mark 1337 -j RETURN', '-A OUTPUT -p tcp -m mark --mark 0x539 -j RETURN'],
    [
      '-A PREROUTING -p tcp -j TPROXY --tproxy-mark 0x539 --on-port 15006',
      '-A PREROUTING -p tcp -j TPROXY --on-port 15006 --on-ip 0.0.0.0 --tproxy-mark 0x539/0xffffffff',
    ],
    [
      '-A PREROUTING -p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j X',
      '-A PREROUTING -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j X',
    ],
    [
      '-A PREROUTING -p tcp -j CONNMARK --save-mark',
      '-A PREROUTING -p tcp -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
    ],
    ['-A INPUT -p tcp --syn -j X', '-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j X'],
    [
      '-A OUTPUT -m owner ! --gid-owner 1 -m owner ! --gid-owner 2 -j RETURN',
      '-A OUTPUT -m owner ! --gid-owner 1 -m owner ! --gid-owner 2 -j RETURN',
    ],
  ])('%s', (written, printed) => {
    expect(only(`*mangle\n${written}\nCOMMIT\n`)).toEqual([`mangle ${printed}`]);
  });

  it('expands lists of addresses as iptables does', () => {
    expect(only('*filter\n-A INPUT -s 10.0.0.1,10.0.0.2 -j DROP\nCOMMIT\n')).toEqual([
      'filter -A INPUT -s 10.0.0.1/32 -j DROP',
      'filter -A INPUT -s 10.0.0.2/32 -j DROP',
    ]);
  });

  it('puts -I where it says', () => {
    expect(
      only('*nat\n-A PREROUTING -j A\n-I PREROUTING 1 -i net1 -j ISTIO_REDIRECT\n-I PREROUTING 2 -j B\nCOMMIT\n'),
    ).toEqual(['nat -A PREROUTING -i net1 -j ISTIO_REDIRECT', 'nat -A PREROUTING -j B', 'nat -A PREROUTING -j A']);
  });
});

describe('iptables-save', () => {
  it('keeps unknown matches and targets to the letter', () => {
    const line =
      '-A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name  ct_state_invalid_dropped_pkts -m quux ! --frob "a b" 3 -j ZAP --at once';
    expect(only(`*filter\n:KUBE-FORWARD - [0:0]\n${line}\nCOMMIT\n`)).toEqual([`filter ${line}`]);
  });

  it('splits a rule into matches and target', () => {
    const [rule] = parseRules(
      '*nat\n[3:180] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -m owner --uid-owner 1337 -j REDIRECT --to-ports 15006\nCOMMIT\n',
    ).chains[0]!.rules;
    expect(rule).toMatchObject({
      counters: { packets: 3, bytes: 180 },
      matches: [
        { option: '-d', values: ['127.0.0.1/32'], negated: true },
        { option: '-o', values: ['lo'], negated: false },
        { module: 'owner', option: '--uid-owner', values: ['1337'], negated: false },
      ],
      target: 'REDIRECT',
      goto: false,
      targetOptions: [{ option: '--to-ports', values: ['15006'], negated: false }],
    });
  });

  it('reads Windows line ends', () => {
    expect(only('*nat\r\n:OUTPUT ACCEPT [0:0]\r\n-A OUTPUT -j X\r\nCOMMIT\r\n')).toEqual(['nat -A OUTPUT -j X']);
  });
});

describe('iptables -S', () => {
  it('tells the tables of a concatenation apart', () => {
    const text =
      '-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n-A OUTPUT -j CT --zone 1\n-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-A INPUT -j DROP\n-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n-A OUTPUT -j X\n';
    expect(only(text)).toEqual(['raw -A OUTPUT -j CT --zone 1', 'filter -A INPUT -j DROP', 'nat -A OUTPUT -j X']);
  });

  it('takes the table from the command that someone pasted along', () => {
    expect(only('$ iptables -t mangle -S OUTPUT\n-P OUTPUT ACCEPT\n-A OUTPUT -j X\n')).toEqual([
      'mangle -A OUTPUT -j X',
    ]);
  });

  it('reads the counters of -v', () => {
    expect(
      parseRules('-P OUTPUT ACCEPT -c 5 300\n-A OUTPUT -p tcp -c 12 720 -j ISTIO_OUTPUT\n').chains[0],
    ).toMatchObject({
      counters: { packets: 5, bytes: 300 },
      rules: [{ text: '-A OUTPUT -p tcp -j ISTIO_OUTPUT', counters: { packets: 12, bytes: 720 } }],
    });
  });

  it('says when it had to guess the table', () => {
    const { chains, warnings } = parseRules('-N ISTIO_OUTPUT\n-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN\n');
    expect(chains[0]?.table).toBe('nat');
    expect(warnings).toHaveLength(1);
  });
});

describe('iptables -L', () => {
  const listing = (row: string) =>
    `Chain OUTPUT (policy ACCEPT 12K packets, 3M bytes)\nnum   pkts bytes target     prot opt in     out     source               destination\n${row}\n`;

  it('reads rounded counters', () => {
    expect(
      parseRules(
        listing(
          '1      22M   46G DROP       6    --  *      lo      0.0.0.0/0           !127.0.0.1            tcp dpt:80',
        ),
      ).chains[0],
    ).toMatchObject({
      counters: { packets: 12_000, bytes: 3_000_000 },
      rules: [
        {
          text: '-A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 80 -j DROP',
          counters: { packets: 22_000_000, bytes: 46_000_000_000 },
        },
      ],
    });
  });

  it.each([
    ['1  0 0            0    --  *      *       ::/0                 ::/0', '-A OUTPUT'],
    [
      '1  0 0 RETURN     tcp      *      lo      ::6                  ::/0                 tcp dpt:!15008',
      '-A OUTPUT -s ::6/128 -o lo -p tcp -m tcp ! --dport 15008 -j RETURN',
    ],
    [
      '1  0 0 A_VERY_LONG_CHAIN_NAME_THAT_SHIFTS  all  --  *  *  0.0.0.0/0  0.0.0.0/0  [goto]  /* why not */',
      '-A OUTPUT -m comment --comment "why not" -g A_VERY_LONG_CHAIN_NAME_THAT_SHIFTS',
    ],
    [
      '1  0 0 MARK  tcp  --  *  lo  0.0.0.0/0  !127.0.0.1  owner UID match 1337 MARK set 0x53a',
      '-A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff',
    ],
  ])('%s', (row, rule) => {
    expect(only(listing(row)).map((line) => line.replace(/^\w+ /, ''))).toEqual([rule]);
  });

  it('keeps words of a match that it does not know, and says so', () => {
    const { chains, warnings } = parseRules(
      listing('1  0 0 DROP  tcp  --  *  *  0.0.0.0/0  0.0.0.0/0  tcp dpt:80 moon phase: full'),
    );
    expect(chains[0]?.rules[0]?.text).toBe('-A OUTPUT -p tcp -m tcp --dport 80 moon phase: full -j DROP');
    expect(warnings.join()).toContain('moon phase: full');
  });
});

describe('nft', () => {
  const native = `table inet istio-proxy-nat {
	chain output {
		type nat hook output priority -100; policy accept;
		counter packets 7 bytes 420 jump istio-output
	}
	chain istio-output {
		oifname "lo" ip daddr != 127.0.0.1 tcp dport != { 53, 15008 } meta skuid 1337 counter packets 1 bytes 60 jump istio-in-redirect
		meta skgid != { 2001, 2002 } counter packets 0 bytes 0 return
		meta l4proto tcp ip daddr != 127.0.0.1 tproxy ip to :15006 meta mark set 0x00000539 accept
		meta mark & 0x00000fff == 0x00000539 counter packets 0 bytes 0 ct mark set ct mark & 0xfffff111 | 0x00000111
		ip daddr . meta l4proto . th dport vmap @services
	}
}
`;

  it('gives native rules the equivalent lines, with the chains as nft names them', () => {
    expect(only(native)).toEqual(
      [
        '-A output -j istio-output',
        '-A istio-output ! -d 127.0.0.1/32 -o lo -p tcp -m multiport ! --dports 53,15008 -m owner --uid-owner 1337 -j istio-in-redirect',
        '-A istio-output -m owner ! --gid-owner 2001 -m owner ! --gid-owner 2002 -j RETURN',
        '-A istio-output ! -d 127.0.0.1/32 -p tcp -j TPROXY --on-port 15006 --on-ip 0.0.0.0 --tproxy-mark 0x539/0xffffffff',
        '-A istio-output -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff',
        '-A istio-output ip daddr . meta l4proto . th dport vmap @services',
      ].map((line) => `istio-proxy-nat ${line}`),
    );
  });

  it('reads the same from text and from JSON', () => {
    expect(only(read('kube-proxy-nftables.json')).length).toBe(only(read('kube-proxy-nftables.ruleset')).length);
    const affinity = /numgen|set op|update @/;
    expect(only(read('kube-proxy-nftables.json')).filter((line) => !affinity.test(line))).toEqual(
      only(read('kube-proxy-nftables.ruleset')).filter((line) => !affinity.test(line)),
    );
  });

  it('says that extensions are only named', () => {
    const { chains, warnings } = parseRules(
      'table ip raw {\n\tchain ISTIO_INBOUND {\n\t\tudp sport 53 counter packets 0 bytes 0 xt target CT\n\t}\n}\n',
    );
    expect(chains[0]?.rules[0]?.text).toBe('-A ISTIO_INBOUND -p udp -m udp --sport 53 -j CT');
    expect(warnings.join()).toContain('CT');
  });

  it('keeps IPv4 and IPv6 apart when both are shown', () => {
    const { chains, family } = parseRules(
      'table ip nat {\n\tchain A {\n\t\treturn\n\t}\n}\ntable ip6 nat {\n\tchain A {\n\t\treturn\n\t}\n}\n',
    );
    expect(family).toBe('unknown');
    expect(chains.map((chain) => chain.family)).toEqual(['4', '6']);
  });
});

describe('a paste of several kinds', () => {
  const save = '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n';
  const nft =
    'table inet own {\n\tchain out {\n\t\ttype filter hook output priority filter; policy accept;\n\t\taccept\n\t}\n}\n';

  it('reads each in its own way', () => {
    const { chains, warnings } = parseRules(save + nft);
    expect(chains.map(({ table, name }) => `${table} ${name}`)).toEqual(['nat OUTPUT', 'own out']);
    expect(warnings).toEqual([]);
  });

  it.each(['before', 'after'])('takes the sets of ipset that stand %s the rules, and prints them back', (where) => {
    const ipset = 'create probes hash:ip family inet hashsize 1024 maxelem 65536\nadd probes 10.0.0.1\n';
    const text = where === 'before' ? ipset + save : save + ipset;
    const ruleset = parseRules(text);
    expect(ruleset.warnings).toEqual([]);
    expect(ruleset.sets).toMatchObject([{ name: 'probes', type: 'hash:ip', elements: '10.0.0.1' }]);
    expect(printRules(ruleset)).toBe(text);
  });
});

describe('bad input', () => {
  it('reads a text that was cut off anywhere', () => {
    const text = readFileSync(join(import.meta.dirname, 'fixtures/with-cni_shop_dns.v4.save'), 'utf8');
    const json = readFileSync(join(import.meta.dirname, 'fixtures/kube-proxy-nftables.json'), 'utf8').slice(0, 3000);
    for (const whole of [text, json, text.replaceAll('\n', '\r\n')])
      for (let end = 0; end < whole.length; end++) expect(() => parseRules(whole.slice(0, end))).not.toThrow();
  });

  it.each([
    ['nothing', ''],
    ['blank lines', '\n\n\n'],
    ['prose', 'Unable to connect to the server: dial tcp: i/o timeout\n'],
    ['broken JSON', '{"nftables": [{"metainfo": {'],
    ['JSON of something else', '{"a": [1, null, {"rule": 3}]}'],
    [
      'JSON with odd members',
      '{"nftables": [null, 3, {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [null, 3, {}, {"match": 1}]}}]}',
    ],
    ['a cut-off table', '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p'],
    ['braces', 'table ip nat {\n chain A {\n { } } } } {\n'],
    ['half a rule', '-A\n-A X\n-A X -j\n-A X -m\n-A X ! ! !\n'],
    ['a listing without heading', 'Chain X (1 references)\nfoo bar baz\n'],
  ])('never throws on %s', (_, text) => {
    expect(() => parseRules(text)).not.toThrow();
  });

  it('never throws on random bytes, and keeps the warnings short', () => {
    let seed = 1;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 50; round++) {
      const bytes = Uint8Array.from({ length: 2000 }, () => random() * 256);
      const ruleset = parseRules(new TextDecoder().decode(bytes));
      expect(ruleset.warnings.length).toBeLessThan(30);
    }
  });

  it('reads 10 MB in a few seconds', () => {
    const line =
      '[12:720] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT\n';
    const text = `*nat\n${line.repeat(Math.ceil(10_000_000 / line.length))}COMMIT\n`;
    const start = performance.now();
    expect(parseRules(text).chains[0]?.rules.length).toBeGreaterThan(70_000);
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it('passes over 10 MB of garbage', () => {
    expect(parseRules('\u0000\u0001 garbage '.repeat(900_000)).warnings).toHaveLength(2);
    expect(parseRules('{garbage\n'.repeat(1_000_000)).warnings).toHaveLength(1);
  });
});

it('takes leading blanks before deciding on the format', () => {
  expect(recognizeFormat('\n\n  *nat\n')).toBe('iptables-save');
  expect(recognizeFormat('  {"nftables": []}')).toBe('nft-json');
});

describe('what a terminal leaves around a paste', () => {
  const save = '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n';
  const line = 'nat -A OUTPUT -p tcp -j REDIRECT --to-ports 15001';
  const json =
    '{"nftables": [{"table": {"family": "ip", "name": "nat"}}, {"chain": {"family": "ip", "table": "nat", "name": "A"}}, {"rule": {"family": "ip", "table": "nat", "chain": "A", "expr": [{"return": null}]}}]}\n';

  it.each([
    [
      'kubectl exec',
      `Defaulted container "istio-proxy" out of: istio-proxy, app\n${save}command terminated with exit code 1\n`,
      ['Line 1 ', 'Line 6 '],
    ],
    ['a prompt', `root@pod:/# iptables-save\n${save}root@pod:/# \n`, ['Line 1 ', 'Line 6 ']],
    ['a prompt in brackets', `[root@node ~]# iptables-save\n${save}[root@node ~]# `, ['Line 1 ', 'Line 6 ']],
    ['colours', save.replace('*nat', '\u001b[0m\u001b[1m*nat\u001b[0m').replace('-A', '\u001b[32m-A'), []],
    ['NUL bytes', save.replace('tcp -j', 'tcp\0-j'), ['in line 3']],
  ])('reads the rules, and names the lines of %s', (_, text, warned) => {
    const { warnings } = parseRules(text);
    expect(only(text)).toEqual([line]);
    expect(warnings).toEqual(warned.map((part) => expect.stringContaining(part) as string));
    expect(printAsRead(parseRules(text))).toBe(text);
  });

  it('reads nft -j between two prompts', () => {
    const text = `[root@node ~]# nft -j list ruleset\n${json}[root@node ~]# \n`;
    const ruleset = parseRules(text);
    expect(only(text)).toEqual(['nat -A A -j RETURN']);
    expect(ruleset.warnings).toEqual([expect.stringContaining('Line 1 '), expect.stringContaining('Line 3 ')]);
    ruleset.chains[0]!.rules[0]!.goto = false;
    expect(printAsRead(ruleset)).toBe(text);
    ruleset.chains[0]!.rules = [];
    expect(printAsRead(ruleset)).toBe(text.replace(/, \{"rule".*\}\}(?=\])/, ''));
  });

  it('counts lines through all parts of a paste', () => {
    const listing = 'Chain X (1 references)\ntarget     prot opt source               destination\nwhat is this\n';
    const { warnings } = parseRules(`${save}${listing}table ip n {\n\tchain c {\n\t}\n}\nhuh\n`);
    expect(warnings.filter((each) => each.startsWith('Line '))).toEqual([
      expect.stringContaining('Line 7 '),
      expect.stringContaining('Line 12 '),
    ]);
  });

  it('takes markup, quotes and backslashes in comments as words', () => {
    const comment = String.raw`"a \"b\" <img src=x onerror=alert(1)> \\ -j DROP ${'$'}{y}"`;
    const written = `-A X -m comment --comment ${comment} -j RETURN`;
    expect(only(`*nat\n${written}\nCOMMIT\n`)).toEqual([`nat ${written}`]);
    expect(parseRules(`*nat\n${written}\nCOMMIT\n`).chains[0]?.rules[0]?.target).toBe('RETURN');
  });

  it('names the line of a quote that is not closed, and of an option that stands where none can', () => {
    const { warnings } = parseRules(
      '*nat\n-A X -m comment --comment "open -j RETURN\n-A X --new 3 -j RETURN\nCOMMIT\n',
    );
    expect(warnings).toEqual([expect.stringContaining('Line 2:'), expect.stringContaining('Line 3 ')]);
  });

  it('keeps the options of newer modules and targets', () => {
    const written = '-A X -m future --with=equals --flag 5 --other "q q" -j NEWTARGET --fancy 1:2 --only';
    expect(only(`*nat\n${written}\nCOMMIT\n`)).toEqual([`nat ${written}`]);
  });
});

describe('pasted along with the rules', () => {
  it('takes whole commands, each with its own table', () => {
    expect(
      only(
        'sudo iptables -t nat -A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN\nip6tables -w -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP\n',
      ),
    ).toEqual([
      'nat -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN',
      'mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP',
    ]);
  });

  it('reads what istio-init logs, with a blank in the table line', () => {
    const { chains, warnings } = parseRules(
      'info\tWriting following contents to rules file\n* nat\n-N ISTIO_INBOUND\n-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN\nCOMMIT\n',
    );
    expect(chains[0]).toMatchObject({
      table: 'nat',
      name: 'ISTIO_INBOUND',
      rules: [{ text: '-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN' }],
    });
    expect(warnings).toHaveLength(1);
  });

  it('reads a listing without -n and -v, and says what it cannot show', () => {
    const { chains, warnings } = parseRules(
      'Chain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination\nRETURN     tcp  --  anywhere             anywhere             tcp dpt:http\n',
    );
    expect(chains[0]?.rules[0]?.text).toBe('-A OUTPUT -p tcp -m tcp --dport 80 -j RETURN');
    expect(warnings[0]).toContain('-v');
  });

  it('is not confused by words that every JavaScript object knows', () => {
    const words = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
    for (const word of words) {
      expect(only(`*nat\n-A ${word} -p ${word} -m ${word} --${word} ${word} -j ${word}\nCOMMIT\n`), word).toEqual([
        `nat -A ${word} -p ${word.toLowerCase()} -m ${word} --${word} ${word} -j ${word}`,
      ]);
      expect(() => parseRules(`-A X ${word} ${word}\n`)).not.toThrow();
      expect(() =>
        parseRules(`table ip ${word} {\n chain ${word} {\n  ${word} ${word} { ${word} } reject with ${word}\n }\n}\n`),
      ).not.toThrow();
    }
  });
});
