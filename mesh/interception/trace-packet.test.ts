import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRules } from './parse-rules.ts';
import { tracePacket } from './trace-packet.ts';
import type { Packet } from './trace-packet.ts';

const fixture = (name: string) => parseRules(readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8'));
const out: Packet = { direction: 'out', protocol: 'tcp', dst: '10.0.0.9', dport: 80, localIps: ['10.7.0.2'] };
const into: Packet = { direction: 'in', protocol: 'tcp', src: '10.9.9.9', dst: '10.7.0.2', dport: 9080 };

/** Verdict and the rules that matched, without `-A`. */
function trace(rules: string, packet: Packet) {
  const { verdict, port, path } = tracePacket(parseRules(rules), packet);
  return [verdict, ...(port === undefined ? [] : [port]), ...path.map(({ text }) => text.replace(/^-A /, ''))];
}

const table = (name: string, ...rules: string[]) => {
  const own = new Set(rules.map((rule) => /^-A (\S+)/.exec(rule)?.[1] ?? ''));
  const chains = [...own].map((chain) => `:${chain} ${/^[A-Z]+$/.test(chain) ? 'ACCEPT' : '-'} [0:0]`);
  return [`*${name}`, ...chains, ...rules, 'COMMIT', ''].join('\n');
};

describe('tracePacket', () => {
  it.each<[string, string, Partial<Packet> & Pick<Packet, 'direction'>, string, RegExp]>([
    [
      'an app’s call',
      'with-cni_shop_dns.v4.save',
      { direction: 'out', uid: 1000 },
      'REDIRECT 15001',
      /outbound port 15001/,
    ],
    ['the proxy’s call', 'with-cni_shop_dns.v4.save', { direction: 'out', uid: 1337 }, 'PASS', /proxy’s own traffic/],
    [
      'a look-up',
      'with-cni_shop_dns.v4.save',
      { direction: 'out', protocol: 'udp', dport: 53 },
      'REDIRECT 15053',
      /DNS proxy/,
    ],
    [
      'an app’s call to itself',
      'with-cni_shop_dns.v4.save',
      { direction: 'out', dst: '10.7.0.2', uid: 5 },
      'PASS',
      /Stays here/,
    ],
    [
      'the proxy’s call to its own pod',
      'with-cni_shop_dns.v4.save',
      { direction: 'out', dst: '10.7.0.2', uid: 1337 },
      'REDIRECT 15006',
      /inbound port/,
    ],
    ['a call from outside', 'with-cni_shop_dns.v4.save', { direction: 'in' }, 'REDIRECT 15006', /inbound port 15006/],
    [
      'a health check',
      'with-cni_shop_dns.v4.save',
      { direction: 'in', dport: 15021 },
      'PASS',
      /listener on port 15021/,
    ],
    ['an INVALID packet', 'with-cni_shop_dns.v4.save', { direction: 'in', ctstate: 'INVALID' }, 'PASS', /INVALID/],
    [
      'a later packet',
      'with-cni_shop_dns.v4.save',
      { direction: 'in', ctstate: 'ESTABLISHED' },
      'PASS',
      /first.*15006/,
    ],
    ['a call under TPROXY', 'with-cni_shop_ratings.v4.save', { direction: 'in' }, 'TPROXY 15006', /by TPROXY/],
    [
      'a self-call under TPROXY',
      'with-cni_shop_ratings.v4.save',
      { direction: 'out', dst: '10.7.0.2', uid: 1337 },
      'REDIRECT 15006',
      /inbound/,
    ],
    [
      'IPv6 under IPv4 rules',
      'with-cni_shop_dns.v4.save',
      { direction: 'out', dst: '2001:db8::1' },
      'PASS',
      /rules are for IPv4/,
    ],
    ['a listing without table names', 'sidecar-1.20.S.txt', { direction: 'in' }, 'REDIRECT 15006', /15006/],
  ])('takes %s where the kernel takes it', (_, name, packet, verdict, says) => {
    const traced = tracePacket(fixture(name), { ...(packet.direction === 'out' ? out : into), ...packet });
    expect([traced.verdict, traced.port].filter((part) => part !== undefined).join(' ')).toBe(verdict);
    expect(traced.says).toMatch(says);
    expect(traced.warnings).toEqual([]);
  });

  it('comes back from RETURN, and from a goto to the caller of the caller', () => {
    const rules = table(
      'nat',
      '-A OUTPUT -j A',
      '-A OUTPUT -p tcp -j REDIRECT --to-ports 1',
      '-A A -g B',
      '-A A',
      '-A B -p udp',
      '-A B -j RETURN',
    );
    expect(trace(rules, out)).toEqual([
      'REDIRECT',
      1,
      'OUTPUT -j A',
      'A -g B',
      'B -j RETURN',
      'OUTPUT -p tcp -j REDIRECT --to-ports 1',
    ]);
  });

  it('ends a table at ACCEPT, not the way', () => {
    const rules =
      table('mangle', '-A OUTPUT -j ACCEPT', '-A OUTPUT -j DROP') +
      table('nat', '-A OUTPUT -p tcp -j REDIRECT --to-ports 1');
    expect(trace(rules, out)).toEqual(['REDIRECT', 1, 'OUTPUT -j ACCEPT', 'OUTPUT -p tcp -j REDIRECT --to-ports 1']);
  });

  it('shows later rules the mark that earlier ones set, and keeps it over lo', () => {
    const rules =
      table('mangle', '-A PREROUTING -i lo -m mark --mark 0x1/0xf', '-A OUTPUT -j MARK --set-xmark 0x1/0xf') +
      table('nat', '-A PREROUTING');
    expect(trace(rules, { ...out, dst: '127.0.0.1' })).toEqual([
      'PASS',
      'OUTPUT -j MARK --set-xmark 0x1/0xf',
      'PREROUTING -i lo -m mark --mark 0x1/0xf',
    ]);
  });

  it('lets a negated owner match where nobody owns the packet', () => {
    const rules = table(
      'nat',
      '-A OUTPUT -m owner ! --uid-owner 1337',
      '-A OUTPUT -m owner --uid-owner 1000-2000',
      '-A OUTPUT -m owner --gid-owner 1337',
    );
    expect(trace(rules, { ...out, uid: 1500 })).toEqual([
      'PASS',
      'OUTPUT -m owner ! --uid-owner 1337',
      'OUTPUT -m owner --uid-owner 1000-2000',
    ]);
  });

  it('sees every packet as INVALID before tracking has looked at it', () => {
    const rules =
      table('raw', '-A PREROUTING -m conntrack --ctstate INVALID') +
      table('mangle', '-A PREROUTING -m conntrack --ctstate INVALID -j DROP');
    expect(trace(rules, into)).toEqual(['PASS', 'PREROUTING -m conntrack --ctstate INVALID']);
    expect(trace(rules, { ...into, ctstate: 'INVALID' })[0]).toBe('DROP');
  });

  it('does not ask nat about what raw took out of tracking', () => {
    const rules =
      table('raw', '-A PREROUTING -j CT --notrack') + table('nat', '-A PREROUTING -p tcp -j REDIRECT --to-ports 1');
    expect(trace(rules, into)).toEqual(['PASS', 'PREROUTING -j CT --notrack']);
  });

  it('takes no flags from what raw did to the tracking', () => {
    const rules =
      table('raw', '-A PREROUTING -j CT --notrack') + table('mangle', '-A PREROUTING -p tcp -m tcp --syn -j DROP');
    expect(trace(rules, { ...into, ctstate: 'INVALID' })[0]).toBe('PASS');
    expect(trace(rules, into)[0]).toBe('DROP');
  });

  it('lets no packet leave from a loopback address, and asks filter no more', () => {
    const rules =
      table('nat', '-A OUTPUT -p tcp -j DNAT --to-destination 10.0.0.9:81') + table('filter', '-A OUTPUT -p tcp');
    const traced = tracePacket(parseRules(rules), { ...out, src: '127.0.0.1', dst: '127.0.0.1' });
    expect(traced.verdict).toBe('DROP');
    expect(traced.path).toHaveLength(1);
    expect(traced.says).toContain('route_localnet');
    expect(trace(rules, { ...out, src: '10.7.0.2', dst: '10.7.0.2' })[0]).toBe('PASS');
  });

  it('drops by policy', () => {
    const traced = tracePacket(parseRules('*filter\n:INPUT DROP [0:0]\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n'), into);
    expect(traced).toMatchObject({ verdict: 'DROP', path: [] });
    expect(traced.says).toContain('policy of chain INPUT');
  });

  it('names what it cannot know, and takes it as not matching', () => {
    const rules = table(
      'nat',
      '-A PREROUTING -m set --match-set probes src -j ACCEPT',
      '-A PREROUTING -p udp -m frob --x 1',
      '-A PREROUTING -p tcp -j REDIRECT --to-ports 15006',
    );
    const traced = tracePacket(parseRules(rules), into);
    expect(traced).toMatchObject({ verdict: 'REDIRECT', port: 15006 });
    expect(traced.warnings).toHaveLength(1);
    expect(traced.says).toContain('-m set --match-set probes src');
  });

  it('looks into a set of ipset that is pasted beside the rules', () => {
    const rules = table(
      'nat',
      '-A PREROUTING -m set --match-set probes src -j ACCEPT',
      '-A PREROUTING -p tcp -j REDIRECT --to-ports 15006',
    );
    const set = 'create probes hash:net family inet\nadd probes 10.9.0.0/16\nadd probes 10.9.9.0/24 nomatch\n';
    expect(trace(set + rules, { ...into, src: '10.9.1.1' })[0]).toBe('PASS');
    expect(trace(set + rules, into)[0]).toBe('REDIRECT');
  });

  it('takes a packet through the verdict maps of kube-proxy’s nftables mode', () => {
    const call = { ...out, dst: '10.96.173.0', dport: 80 };
    const traced = tracePacket(fixture('kube-proxy-nftables.ruleset'), call);
    expect(traced.path.some(({ text }) => text.includes('DNAT'))).toBe(true);
    expect(tracePacket(fixture('kube-proxy-nftables.json'), call).verdict).toBe(traced.verdict);
    expect(tracePacket(fixture('kube-proxy-nftables.ruleset'), { ...call, dst: '10.96.65.77' }).verdict).toBe('DROP');
  });

  it('keeps the rules of both families apart in one text', () => {
    const rules =
      table('nat', '-A OUTPUT -d 127.0.0.1/32 -j RETURN', '-A OUTPUT -p tcp -j REDIRECT --to-ports 4') +
      table('nat', '-A OUTPUT -d ::1/128 -j RETURN', '-A OUTPUT -p tcp -j REDIRECT --to-ports 6');
    expect(trace(rules, out).slice(0, 2)).toEqual(['REDIRECT', 4]);
    expect(trace(rules, { ...out, dst: '2001:db8::1' }).slice(0, 2)).toEqual(['REDIRECT', 6]);
  });

  it('sees what the kernel sees of a packet whose connection has a zone but is not looked up yet', () => {
    const packet: Packet = { ...into, protocol: 'udp' };
    const rules = table(
      'raw',
      '-A PREROUTING -j CT --zone 1',
      '-A PREROUTING -m conntrack --ctstatus CONFIRMED',
      '-A PREROUTING -m conntrack --ctstatus SEEN_REPLY',
      '-A PREROUTING -m conntrack ! --ctstatus SEEN_REPLY,ASSURED -j DROP',
    );
    expect(trace(rules, packet)).toEqual([
      'DROP',
      'PREROUTING -j CT --zone 1',
      'PREROUTING -m conntrack --ctstatus CONFIRMED',
      'PREROUTING -m conntrack ! --ctstatus SEEN_REPLY,ASSURED -j DROP',
    ]);
    // nft tells of such a connection its state alone.
    for (const [zone, of, verdict] of [
      ['ct zone set 1', 'ct status confirmed', 'PASS'],
      ['ct zone set 1', 'ct status != snat', 'PASS'],
      ['ct original zone set 1', 'ct state new', 'DROP'],
      ['notrack', 'ct state untracked', 'DROP'],
      ['notrack\nct zone set 1', 'ct state new', 'DROP'],
      ['ct zone set 1\nnotrack', 'ct state new', 'DROP'],
    ] as const) {
      const native = `table inet x {
	chain p {
		type filter hook prerouting priority raw; policy accept;
		${zone}
		${of} drop
	}
}
`;
      expect([of, tracePacket(parseRules(native), packet).verdict]).toEqual([of, verdict]);
    }
  });

  it.each(['meta mark set 0x539 tproxy ip to :15006 accept', 'tproxy ip to :15006 meta mark set 0x539 accept'])(
    'takes a packet with the mark of native TPROXY over lo: %s',
    (target) => {
      const rules = `table inet istio-proxy-mangle {
	chain prerouting {
		type filter hook prerouting priority mangle; policy accept;
		meta l4proto tcp jump istio-tproxy
	}
	chain istio-tproxy {
		ip daddr != 127.0.0.1 ${target}
	}
}
table inet istio-proxy-nat {
	chain output {
		type nat hook output priority -100; policy accept;
		oifname "lo" return
		meta l4proto tcp redirect to :15001
	}
}
`;
      expect(tracePacket(parseRules(rules), { ...out, mark: 0x539 }).verdict).toBe('TPROXY');
      expect(tracePacket(parseRules(rules), out)).toMatchObject({ verdict: 'REDIRECT', port: 15001 });
    },
  );

  it('ends where pasted rules run in a circle', () => {
    expect(trace(table('nat', '-A OUTPUT -j A', '-A A -j A'), out)[0]).toBe('PASS');
  });
});
