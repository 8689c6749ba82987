import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeChain } from './describe-chain.ts';
import { explainRules } from './explain-rules.ts';
import { parseRules } from './parse-rules.ts';
import { summarizeInterception } from './summarize-interception.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const explain = (text: string) => explainRules(parseRules(text));
const read = (name: string) => readFileSync(join(fixtures, name), 'utf8');
const ruleOf = (text: string, line: string) => {
  const found = explain(text).rules.find(({ rule }) => rule === line);
  if (!found) throw new Error(`no ${line}`);
  return found;
};

describe('recorded rule sets', () => {
  it.each(readdirSync(fixtures))('knows every rule of %s', (name) => {
    const explained = explain(read(name));
    expect(explained.rules.filter(({ known }) => !known)).toEqual([]);
    expect(explained.warnings).toEqual([]);
    for (const { explanation, cause } of explained.rules) {
      expect(explanation).toMatch(/\w.*\.$/);
      expect(cause).not.toBe('');
    }
  });

  it.each([
    ['sidecar-1.20.S.txt', 'sidecar-redirect'],
    ['cni-sidecar.L-n-v-x.txt', 'sidecar-redirect'],
    ['istio-init.restore.txt', 'sidecar-redirect'],
    ['with-cni_shop_ratings.v4.save', 'sidecar-tproxy'],
    ['with-cni_shop_dns.v4.save', 'sidecar-redirect'],
    ['empty.v6.save', 'none'],
    ['kube-proxy-iptables.v4.save', 'none'],
  ])('%s is %s', (name, mode) => {
    expect(explain(read(name)).mode).toBe(mode);
  });

  it('has a sentence for every chain of Istio, kube-proxy and CNI in them', () => {
    for (const name of readdirSync(fixtures))
      for (const chain of explain(read(name)).chains)
        if (chain.table !== 'kube-proxy')
          expect(describeChain(chain.table, chain.name), `${name} ${chain.name}`).toMatch(/\.$/);
  });
});

describe('a sidecar', () => {
  const dns = read('with-cni_shop_dns.v4.save');

  it('names whom a rule concerns, and why', () => {
    const line = '-A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN';
    expect(ruleOf(dns, line).explanation).toContain('Kubelet');
    expect(ruleOf(dns, line).cause).toBe('default');
  });

  it('tells a port that a user excluded from Istio’s own', () => {
    const reviews = read('with-cni_shop_reviews.v4.save');
    const excluded = ruleOf(reviews, '-A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN');
    expect(excluded.cause).toContain('traffic.sidecar.istio.io/excludeOutboundPorts');
    expect(excluded.explanation).toContain('3306');
    const inbound = ruleOf(
      '*nat\n-A ISTIO_INBOUND -p tcp -m tcp --dport 8443 -j RETURN\n-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT\nCOMMIT\n',
      '-A ISTIO_INBOUND -p tcp -m tcp --dport 8443 -j RETURN',
    );
    expect(inbound.cause).toContain('traffic.sidecar.istio.io/excludeInboundPorts');
    expect(inbound.explanation).toContain('no mTLS');
  });

  it.each([
    ['-A ISTIO_OUTPUT -d 169.254.169.254/32 -j RETURN', 'excludeOutboundIPRanges'],
    ['-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN', 'default'],
    ['-A ISTIO_OUTPUT -p udp -m udp --dport 3306 -j RETURN', 'excludeOutboundPorts'],
  ])('%s comes from %s', (line, cause) => {
    expect(ruleOf(read('with-cni_shop_reviews.v4.save'), line).cause).toContain(cause);
  });

  it('names the cause of included ports and ranges', () => {
    expect(
      ruleOf(
        read('with-cni_shop_productpage.v4.save'),
        '-A ISTIO_INBOUND -p tcp -m tcp --dport 9080 -j ISTIO_IN_REDIRECT',
      ).cause,
    ).toContain('includeInboundPorts');
    expect(
      ruleOf(read('with-cni_shop_details.v4.save'), '-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ISTIO_REDIRECT').cause,
    ).toContain('includeOutboundIPRanges');
  });

  it('learns user and ports of the proxy from the rules', () => {
    const text = read('with-cni_shop_details.v4.save')
      .replaceAll('1337', '4711')
      .replaceAll('15001', '16001')
      .replaceAll('15006', '16006');
    const { facts, rules } = explain(text);
    expect(facts).toMatchObject({ inboundPort: '16006', outboundPort: '16001' });
    expect([...facts.proxyUids]).toEqual(['4711']);
    expect(rules.every(({ known }) => known)).toBe(true);
    expect(ruleOf(text, '-A ISTIO_OUTPUT -m owner --uid-owner 4711 -j RETURN').explanation).toContain('proxy’s own');
  });

  it('tells an excluded owner group from the proxy’s own', () => {
    const text = read('sidecar-1.20.S.txt').replace(
      '-A ISTIO_OUTPUT -d 127',
      '-A ISTIO_OUTPUT -m owner --gid-owner 2001 -j RETURN\n-A ISTIO_OUTPUT -d 127',
    );
    expect(ruleOf(text, '-A ISTIO_OUTPUT -m owner --gid-owner 2001 -j RETURN').cause).toContain('OWNER_GROUPS_EXCLUDE');
    expect(ruleOf(text, '-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN').cause).toContain('istio-proxy');
  });

  it('says that a rule nobody reaches has no effect', () => {
    const line = '-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN';
    expect(ruleOf(read('with-cni_shop_ratings.v4.save'), line).explanation).toContain('no effect');
    expect(ruleOf(dns, line).explanation).not.toContain('no effect');
  });

  it.each([
    ['nat', '-A PREROUTING -i net1 -j RETURN', 'excludeInterfaces'],
    ['nat', '-A OUTPUT -o net1 -j RETURN', 'excludeInterfaces'],
    ['nat', '-A PREROUTING -i net1 -j ISTIO_REDIRECT', 'reroute-virtual-interfaces'],
    [
      'nat',
      '-A ISTIO_OUTPUT -m owner ! --gid-owner 2001 -m owner ! --gid-owner 2002 -j RETURN',
      'ISTIO_OUTBOUND_OWNER_GROUPS',
    ],
    ['nat', '-A ISTIO_OUTPUT -p tcp -m tcp --dport 8080 -j ISTIO_REDIRECT', 'includeOutboundPorts'],
    ['nat', '-A ISTIO_OUTPUT -d 127.0.0.0/8 -j RETURN', 'LOOPBACK_CIDR'],
    ['mangle', '-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP', 'INVALID_DROP'],
    ['mangle', '-A ISTIO_DROP -j DROP', 'INVALID_DROP'],
    ['nat', '-A OUTPUT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j RETURN', 'DNS_CAPTURE'],
    ['nat', '-A OUTPUT -d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053', 'DNS_CAPTURE'],
    ['raw', '-A PREROUTING -s 10.96.0.10/32 -p udp -m udp --sport 53 -j CT --zone 1', 'DNS_CAPTURE'],
  ])('%s %s: %s', (table, line, cause) => {
    const explained = ruleOf(`*${table}\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${line}\nCOMMIT\n`, line);
    expect(explained.known).toBe(true);
    expect(explained.cause).toContain(cause);
  });
});

describe('ambient', () => {
  const pod = `*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -p udp -m mark --mark 0x539/0xfff -m udp --dport 53 -j CT --zone 1
-A ISTIO_PRERT -p udp -m mark ! --mark 0x539/0xfff -m udp --sport 53 -j CT --zone 1
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
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m tcp --dport 53 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15053
-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15001
-A ISTIO_PRERT -s 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp -m tcp ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006
COMMIT
`;

  it('knows every rule in the pod', () => {
    const explained = explain(pod);
    expect(explained.mode).toBe('ambient');
    expect(explained.warnings).toEqual([]);
    expect(explained.facts).toMatchObject({
      inboundPort: '15006',
      outboundPort: '15001',
      dnsPort: '15053',
      probeAddress: '169.254.7.127',
    });
    expect(summarizeInterception(explained)).toBe(
      'Inbound plaintext TCP goes to ztunnel on 15006, mesh traffic comes in on 15008. Outbound TCP goes to ztunnel on 15001. DNS goes to 15053.',
    );
  });

  it('knows the rules on the host', () => {
    const explained = explain(
      '*nat\n:POSTROUTING ACCEPT [0:0]\n:ISTIO_POSTRT - [0:0]\n-A POSTROUTING -j ISTIO_POSTRT\n-A ISTIO_POSTRT -p tcp -m owner --socket-exists -m set --match-set istio-inpod-probes-v4 dst -j SNAT --to-source 169.254.7.127\nCOMMIT\n',
    );
    expect(explained).toMatchObject({ mode: 'ambient-host', warnings: [] });
  });
});

describe('native nftables', () => {
  it('is understood like iptables, under its own names', () => {
    const explained = explain(
      'table inet istio-proxy-nat {\n chain prerouting {\n  type nat hook prerouting priority dstnat; policy accept;\n  meta l4proto tcp counter packets 0 bytes 0 jump istio-inbound\n }\n chain istio-inbound {\n  tcp dport 15008 counter packets 0 bytes 0 return\n  meta l4proto tcp counter packets 0 bytes 0 jump istio-in-redirect\n }\n chain istio-in-redirect {\n  meta l4proto tcp counter packets 0 bytes 0 redirect to :15006\n }\n}\n',
    );
    expect(explained).toMatchObject({ mode: 'sidecar-redirect', warnings: [] });
    expect(explained.rules[1]?.table).toBe('istio-proxy-nat');
    expect(summarizeInterception(explained)).toBe(
      'Inbound TCP goes to the proxy on 15006 except 15008. Outbound TCP is not captured.',
    );
  });
});

describe('rules that nobody knows', () => {
  it('are explained from their matches, with one warning each', () => {
    const explained = explain(
      '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -m comment --comment "no ssh" -j DROP\nCOMMIT\n',
    );
    expect(explained.rules[0]).toMatchObject({
      known: false,
      explanation:
        'Packets where the source is not 10.0.0.0/8, the protocol is tcp, the destination port is 22: dropped, the sender hears nothing. Its own comment: no ssh',
    });
    expect(explained.warnings).toHaveLength(1);
  });

  it('are not taken for Istio’s when they have one condition more', () => {
    const line = '-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -m time --timestart 10:00:00 -j RETURN';
    expect(ruleOf(`*nat\n${line}\nCOMMIT\n`, line).known).toBe(false);
  });
});

describe('the summary', () => {
  it.each([
    [
      'with-cni_shop_reviews.v4.save',
      'Inbound TCP goes to the proxy on 15006 except 15008, 15020, 15021, 15090. Outbound TCP goes to the proxy on 15001 except port 3306, 169.254.169.254/32.',
    ],
    [
      'before-cni_shop_details.v4.save',
      'Inbound TCP goes to the proxy on 15006 except 15008, 15090, 15021, 15020. Outbound TCP to 10.0.0.0/8, 172.16.0.0/12 goes to the proxy on 15001, the rest leaves directly.',
    ],
    [
      'before-cni_shop_productpage.v4.save',
      'Inbound TCP to 9080, 9443 goes to the proxy on 15006, other ports go straight to the application. Outbound TCP goes to the proxy on 15001.',
    ],
    ['empty.v6.save', 'No rule of Istio is here: nothing is taken to a proxy.'],
  ])('of %s', (name, summary) => {
    expect(summarizeInterception(explain(read(name)))).toBe(summary);
  });

  it('sees that inbound is not captured when nothing leads to the chain', () => {
    const text = read('with-cni_plain_optin.v4.save').replace(/.*-A PREROUTING .*\n/, '');
    expect(summarizeInterception(explain(text))).toMatch(/^Inbound TCP is not captured/);
  });
});

it('is quick: 2,000 rules parsed and explained in less than 50 ms', () => {
  const own = read('with-cni_shop_dns.v4.save');
  const extra = Array.from(
    { length: 2000 - 31 },
    (_, at) => `[0:0] -A ISTIO_OUTPUT -d 10.${at >> 8}.${at & 255}.0/24 -j RETURN\n`,
  ).join('');
  const text = own.replace(/COMMIT\n$/, `${extra}COMMIT\n`);
  expect(explain(text).rules).toHaveLength(2000);
  const times = Array.from({ length: 15 }, () => {
    // The processor's time, not the clock's: other test files share the machine.
    const before = process.cpuUsage();
    explain(text);
    return process.cpuUsage(before).user / 1000;
  });
  expect(Math.min(...times)).toBeLessThan(50);
  console.log(`2,000 rules: best ${Math.min(...times).toFixed(1)} ms, second ${times[0]!.toFixed(1)} ms`);
});
