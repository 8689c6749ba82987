import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRules } from './parse-rules.ts';
import { printAsRead } from './print-as-read.ts';
import { printRules } from './print-rules.ts';
import type { IptablesRule, Ruleset } from './ruleset.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const texts = readdirSync(fixtures).map((name) => [name, readFileSync(join(fixtures, name), 'utf8')] as const);
const text = (name: string) => readFileSync(join(fixtures, name), 'utf8');
const linesOf = ({ chains }: Ruleset) => chains.flatMap(({ rules }) => rules.map((rule) => rule.text));
const same = (written: string) => expect(printAsRead(parseRules(written))).toBe(written);

function chainOf(ruleset: Ruleset, name: string) {
  return ruleset.chains.find((chain) => chain.name === name)!;
}

function ruleLike(line: string): IptablesRule {
  const { origin: _, ...rule } = parseRules(`*nat\n${line}\nCOMMIT\n`).chains[0]!.rules[0]!;
  return rule;
}

describe('what was not changed comes back byte for byte', () => {
  it.each(texts)('%s', (_, written) => {
    same(written);
    same(written.replaceAll('\n', '\r\n'));
    same(`\ufeff${written}`);
    for (let end = 0; end < written.length; end += Math.ceil(written.length / 40)) same(written.slice(0, end));
  });

  it('pastes of all kinds in one', () => {
    same(texts.map(([, written]) => written).join('$ kubectl exec -it shop -- iptables-save\n\u0000\n'));
    same(
      `create probes hash:ip family inet\nadd probes 10.0.0.1\n${text('with-cni_shop_dns.v4.save')}${text('cni-sidecar.L-n-v-x.txt')}`,
    );
  });

  it.each(['', '\n\n', 'no rules at all', '-F\n-A X -j Y\n-I X -j Z\n-F X\n-A X -j W', '{"nftables": [', '{}'])(
    '%j',
    (written) => {
      same(written);
    },
  );
});

describe('iptables -S', () => {
  const written = '# mine\n-P OUTPUT ACCEPT -c 5 300\n-N A\n-A OUTPUT -p tcp -c 1 60 -j A\n-A A -j RETURN\n??\n';

  it('prints what changed, and nothing else', () => {
    const ruleset = parseRules(written);
    const [rule] = chainOf(ruleset, 'OUTPUT').rules;
    rule!.counters = { packets: 2, bytes: 120 };
    chainOf(ruleset, 'A').rules.unshift(ruleLike('-A A -p udp -j ACCEPT'));
    chainOf(ruleset, 'OUTPUT').policy = 'DROP';
    ruleset.chains.push({ table: 'nat', name: 'B', rules: [] });
    const { table } = chainOf(ruleset, 'A');
    ruleset.chains.at(-1)!.table = table;
    expect(printAsRead(ruleset)).toBe(
      '# mine\n-P OUTPUT DROP -c 5 300\n-N A\n-N B\n-A OUTPUT -p tcp -c 2 120 -j A\n-A A -p udp -c 0 0 -j ACCEPT\n-A A -j RETURN\n??\n',
    );
  });

  it('removes a chain with its rules', () => {
    const ruleset = parseRules(written);
    ruleset.chains = ruleset.chains.filter(({ name }) => name !== 'A');
    expect(printAsRead(ruleset)).toBe('# mine\n-P OUTPUT ACCEPT -c 5 300\n-A OUTPUT -p tcp -c 1 60 -j A\n??\n');
  });
});

describe('iptables-save', () => {
  it('takes a new table', () => {
    const ruleset = parseRules('*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n');
    ruleset.chains.push({ table: 'raw', name: 'OUTPUT', rules: [ruleLike('-A OUTPUT -j CT --zone 1')] });
    chainOf(ruleset, 'OUTPUT').rules.push(ruleLike('-A OUTPUT -j RETURN'));
    expect(printAsRead(ruleset)).toBe(
      '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j RETURN\nCOMMIT\n*raw\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j CT --zone 1\nCOMMIT\n',
    );
  });

  it('falls back to the normal form for a changed script, whose lines have another order', () => {
    const ruleset = parseRules('*nat\n-A X -j A\n-I X -j B\nCOMMIT\n');
    ruleset.chains[0]!.rules.pop();
    expect(printAsRead(ruleset)).toBe(printRules(ruleset));
  });
});

describe('iptables -L', () => {
  const head = 'num   pkts bytes target     prot opt in     out     source               destination         ';
  const written = `Chain OUTPUT (policy ACCEPT 9 packets, 540 bytes)\n${head}\n1        0     0 A          6    --  *      *       0.0.0.0/0            0.0.0.0/0           \n2        0     0 RETURN     17   --  *      lo      0.0.0.0/0           !127.0.0.1            moon phase: full\n\nChain A (1 references)\n${head}\n`;

  it('prints changed rows to the column, and numbers the rows below anew', () => {
    const ruleset = parseRules(written);
    const chain = chainOf(ruleset, 'OUTPUT');
    chain.rules.unshift(ruleLike('-A OUTPUT -p tcp -m tcp ! --dport 80 -m owner --uid-owner 1337 -g A'));
    chain.rules[2]!.counters = { packets: 123456, bytes: 12345678 };
    chain.counters = { packets: 100000, bytes: 600 };
    expect(printAsRead(ruleset)).toBe(
      written
        .replace('9 packets, 540', '100K packets, 600')
        .replace(
          '1        0     0 A ',
          '1        0     0 A          6    --  *      *       0.0.0.0/0            0.0.0.0/0           [goto]  tcp dpt:!80 owner UID match 1337\n2        0     0 A ',
        )
        .replace('2        0     0 RETURN', '3     123K   12M RETURN'),
    );
  });

  it('removes a row and a chain', () => {
    const ruleset = parseRules(written);
    ruleset.chains.pop();
    chainOf(ruleset, 'OUTPUT').rules.shift();
    const lines = written.split('\n');
    expect(printAsRead(ruleset)).toBe(
      [lines[0], lines[1], lines[3]!.replace(/^2/, '1'), '', ''].join('\n').replace(/\n\n$/, '\n\n'),
    );
  });
});

describe('nft', () => {
  const written =
    'table ip nat { # mine\n\tchain OUTPUT {\n\t\ttype nat hook output priority -100; policy accept;\n\t\ttcp dport 80 counter packets 1 bytes 60 jump A\n\t}\n\n\tchain A {\n\t}\n}\n'.replace(
      ' # mine',
      '',
    );

  it('prints what changed in the words of nft, and as a comment what nft cannot say', () => {
    const ruleset = parseRules(written);
    chainOf(ruleset, 'OUTPUT').policy = 'DROP';
    chainOf(ruleset, 'OUTPUT').rules[0]!.counters = { packets: 2, bytes: 120 };
    chainOf(ruleset, 'OUTPUT').rules.push(ruleLike('-A OUTPUT -j CT --zone 1'));
    chainOf(ruleset, 'A').rules.push(
      ruleLike('-A A ! -d 127.0.0.1/32 -o lo -p tcp -m tcp --dport 1:9 -j REDIRECT --to-ports 15001'),
    );
    expect(printAsRead(ruleset)).toBe(
      written
        .replace('policy accept', 'policy drop')
        .replace('packets 1 bytes 60 jump A', 'packets 2 bytes 120 jump A\n\t\t# -A OUTPUT -j CT --zone 1')
        .replace(
          'chain A {',
          'chain A {\n\t\tip daddr != 127.0.0.1 oifname "lo" tcp dport 1-9 counter packets 0 bytes 0 redirect to :15001',
        ),
    );
  });

  it('does the same in JSON', () => {
    const json =
      '{"nftables": [{"table": {"family": "ip", "name": "nat", "handle": 1}}, {"chain": {"family": "ip", "table": "nat", "name": "A", "handle": 1}}, {"rule": {"family": "ip", "table": "nat", "chain": "A", "handle": 2, "expr": [{"counter": {"packets": 1, "bytes": 60}}, {"return": null}]}}]}';
    const ruleset = parseRules(json);
    chainOf(ruleset, 'A').rules[0]!.counters = { packets: 2, bytes: 61 };
    chainOf(ruleset, 'A').rules.push(ruleLike('-A A -p tcp -j ACCEPT'));
    expect(printAsRead(ruleset)).toBe(
      `${json.slice(0, -2).replace('"packets": 1, "bytes": 60', '"packets": 2, "bytes": 61')}, {"rule": {"family": "ip", "table": "nat", "chain": "A", "expr": [{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}, {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}}]}`,
    );
    chainOf(ruleset, 'A').rules = [];
    expect(printAsRead(ruleset)).toBe(`${json.slice(0, json.indexOf(', {"rule"'))}]}`);
  });
});

describe('whatever is changed reads back as it was meant', () => {
  it.each(texts.filter(([name]) => !name.startsWith('istio-init') && !name.startsWith('kube-proxy-nft')))(
    '%s',
    (name, written) => {
      for (let at = 0; at < 12; at++) {
        const ruleset = parseRules(written);
        const chains = ruleset.chains.filter(({ rules }) => rules.length > at % 3);
        const chain = chains[at % Math.max(1, chains.length)];
        if (!chain) return;
        if (at % 4 === 0) chain.rules.splice(at % chain.rules.length, 1);
        if (at % 4 === 1) chain.rules.reverse();
        if (at % 4 === 2) chain.rules.push(ruleLike(`-A ${chain.name} -p udp -m udp --dport ${at + 50} -j RETURN`));
        if (at % 4 === 3) chain.rules[0] = ruleLike(`-A ${chain.name} -d 10.9.0.0/16 -j ACCEPT`);
        const again = parseRules(printAsRead(ruleset));
        expect(linesOf(again).sort(), `${name} ${at}`).toEqual(linesOf(ruleset).sort());
        expect(
          again.chains
            .find((each) => each.name === chain.name && each.table === chain.table)
            ?.rules.map((rule) => rule.text),
        ).toEqual(chain.rules.map((rule) => rule.text));
      }
    },
  );

  it('prints computed rules as iptables-save does', () => {
    const { source: _, ...computed } = parseRules('-A X -j Y\n');
    expect(printAsRead(computed)).toBe(printRules(computed));
  });
});
