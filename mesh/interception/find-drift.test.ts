import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectedRules } from './expected-rules.ts';
import type { ExpectedInputs } from './expected-rules.ts';
import { findDrift } from './find-drift.ts';
import { parseRules } from './parse-rules.ts';
import { printRules } from './print-rules.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');

/** A pod as written in a namespace that injects. */
function podWith(annotations: Record<string, string> = {}, more: Partial<ExpectedInputs> = {}) {
  return expectedRules({
    pod: { metadata: { name: 'reviews', namespace: 'shop', annotations }, spec: { containers: [{ name: 'app' }] } },
    namespace: { metadata: { name: 'shop', labels: { 'istio-injection': 'enabled' } } },
    ...more,
  });
}

const reviews = podWith({
  'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': '169.254.169.254/32',
});
const real = fixture('before-cni_shop_reviews.v4.save');
const drift = (text: string, expected = reviews) => findDrift(expected, parseRules(text));
const swap = (text: string, one: string, other: string) => {
  const [a, b] = [text.indexOf(one), text.indexOf(other)].sort((x, y) => x - y) as [number, number];
  expect(a).toBeGreaterThan(0);
  const [first, second] = text.startsWith(one, a) ? [one, other] : [other, one];
  return text.slice(0, a) + second + text.slice(a + first.length, b) + first + text.slice(b + second.length);
};

describe('no drift', () => {
  it('is what Istio programmed', () => {
    expect(drift(real)).toEqual({ status: 'same', differences: [] });
  });

  it.each([
    ['TPROXY', { 'sidecar.istio.io/interceptionMode': 'TPROXY' }, 'before-cni_shop_ratings.v4.save', {}],
    [
      'DNS capture',
      { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}' },
      'before-cni_shop_dns.v4.save',
      { dnsServers: ['10.96.0.10'] },
    ],
  ])('is %s as Istio programmed it', (_, annotations, file, more) => {
    expect(drift(fixture(file), podWith(annotations, more)).status).toBe('same');
  });

  it('is another order of RETURN rules for different ports', () => {
    expect(drift(swap(real, '--dport 15021', '--dport 15020')).status).toBe('same');
    // The CNI plugin and istio-init write them in different orders.
    const plain = podWith({}, { mode: 'cni' });
    expect(drift(fixture('with-cni_plain_optin.v4.save'), plain).status).toBe('same');
  });

  it('is a rule said in other words, twice, or where nothing leads', () => {
    expect(
      drift(
        real.replace(
          '-A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN\n',
          '-A ISTIO_INBOUND -p tcp -m multiport --dports 15090,15021 -j RETURN\n',
        ),
      ).status,
    ).toBe('same');
    expect(
      drift(real.replace(/(\[\d+:\d+\] )?(-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN)\n/, '$&$2\n')).status,
    ).toBe('same');
    expect(drift(real.replace('COMMIT', '-A CNI-HOSTPORT-DNAT -p tcp --dport 1 -j DROP\nCOMMIT')).status).toBe('same');
  });

  it('is what only counts or writes a log, and an empty table of somebody else', () => {
    const logged = real.replace('COMMIT', '-A OUTPUT -p tcp -j LOG --log-prefix "x "\n-A PREROUTING -p udp\nCOMMIT');
    expect(drift(`${logged}*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n`).status).toBe('same');
  });

  it('is the same meaning in the layout of an older Istio', () => {
    // No ISTIO_OUTPUT_DNS: the redirections stand in ISTIO_OUTPUT itself.
    const dns = podWith(
      { 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}' },
      { dnsServers: ['10.96.0.10'] },
    );
    const [raw, nat] = fixture('before-cni_shop_dns.v4.save').split('*nat') as [string, string];
    const lines = nat
      .split('\n')
      .filter((line) => !line.includes('A ISTIO_OUTPUT_DNS') && !line.startsWith(':ISTIO_OUTPUT_DNS'));
    const at = lines.findIndex((line) => line.includes('-j ISTIO_OUTPUT_DNS'));
    lines.splice(
      at,
      1,
      ...['tcp', 'udp'].map(
        (protocol) =>
          `-A ISTIO_OUTPUT -d 10.96.0.10/32 -p ${protocol} -m ${protocol} --dport 53 -j REDIRECT --to-ports 15053`,
      ),
    );
    expect(drift(`${raw}*nat${lines.join('\n')}`, dns)).toEqual({ status: 'same', differences: [] });
  });

  it('is nothing at all where nothing is expected', () => {
    const none = expectedRules({ pod: { spec: { hostNetwork: true } } });
    expect(findDrift(none, parseRules('')).status).toBe('same');
  });
});

describe('drift', () => {
  it('is another port, with the traffic that is treated differently', () => {
    expect(drift(real.replaceAll('--dport 3306', '--dport 3307'))).toMatchObject({
      status: 'drift',
      differences: [
        {
          kind: 'changed',
          table: 'nat',
          expected: '-A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN',
          actual: '-A ISTIO_OUTPUT -p tcp -m tcp --dport 3307 -j RETURN',
          cause: 'annotation traffic.sidecar.istio.io/excludeOutboundPorts',
          effect: 'TCP that the pod sends to port 3306 is redirected to port 15001. Expected: it is left alone.',
        },
      ],
    });
  });

  it('is a rule that is gone', () => {
    const { differences } = drift(real.replace(/^.*-d 169\.254\.169\.254\/32 -j RETURN\n/m, ''));
    expect(differences).toMatchObject([
      {
        kind: 'missing',
        expected: '-A ISTIO_OUTPUT -d 169.254.169.254/32 -j RETURN',
        cause: 'annotation traffic.sidecar.istio.io/excludeOutboundIPRanges',
      },
    ]);
    expect(differences[0]!.effect).toBe(
      'TCP that the pod sends to 169.254.169.254 is redirected to port 15001. Expected: it is left alone.',
    );
  });

  it('is a rule too many, but not its harmless neighbours', () => {
    const more = swap(real, '--dport 15021', '--dport 15020').replace(
      /^(.*-A ISTIO_INBOUND.* -j ISTIO_IN_REDIRECT)$/m,
      '-A ISTIO_INBOUND -p tcp -m tcp --dport 8080 -j RETURN\n$1',
    );
    expect(drift(more)).toMatchObject({
      status: 'drift',
      differences: [
        {
          kind: 'extra',
          table: 'nat',
          actual: '-A ISTIO_INBOUND -p tcp -m tcp --dport 8080 -j RETURN',
          effect: 'TCP that comes in to port 8080 is left alone. Expected: it is redirected to port 15006.',
        },
      ],
    });
  });

  it('is an order that matters', () => {
    const { status, differences } = drift(
      swap(real, '-A ISTIO_OUTPUT -d 169.254.169.254/32 -j RETURN', '-A ISTIO_OUTPUT -j ISTIO_REDIRECT'),
    );
    expect(status).toBe('drift');
    expect(differences).toMatchObject([{ kind: 'order' }]);
  });

  it('is another user that counts as the proxy', () => {
    const { status, differences } = drift(real.replaceAll('--uid-owner 1337', '--uid-owner 1338'));
    expect(status).toBe('drift');
    expect(differences.map(({ effect }) => effect).join('\n')).toContain('by user 1337');
  });

  it('is a rule of another tool that can change pod traffic, and a policy', () => {
    const docker = real.replace(
      'COMMIT',
      '-A OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:4\nCOMMIT',
    );
    expect(drift(docker).differences).toMatchObject([{ kind: 'extra', table: 'nat' }]);
    const filtered = `${real}*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP [0:0]\nCOMMIT\n`;
    expect(drift(filtered)).toMatchObject({
      status: 'drift',
      differences: [
        {
          kind: 'changed',
          table: 'filter',
          expected: ':OUTPUT ACCEPT',
          actual: ':OUTPUT DROP',
          effect: 'Traffic that the pod sends is dropped. Expected: it is left alone.',
        },
      ],
    });
  });

  it('is one thing where nothing was programmed', () => {
    for (const text of ['', fixture('empty.v6.save').replace('ip6', 'ip')]) {
      const { status, differences } = drift(text);
      expect(status).toBe('drift');
      expect(differences.map(({ expected }) => expected)).toEqual(reviews.rules.map(({ text: rule }) => rule));
      expect(new Set(differences.map(({ effect }) => effect)).size).toBe(1);
    }
  });

  it('is every rule of Istio in a pod that should have none', () => {
    const none = expectedRules({ pod: { spec: { hostNetwork: true } } });
    const { status, differences } = findDrift(none, parseRules(real));
    expect(status).toBe('drift');
    expect(differences.every(({ kind }) => kind === 'extra')).toBe(true);
  });

  it('is every single rule that a pod loses, but for those that never decide', () => {
    const lines = reviews.rules.map(({ text }) => text);
    const harmless = lines.filter(
      (line) =>
        drift(real.replace(new RegExp(`^(\\[.*\\] )?${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\n`, 'm'), ''))
          .status === 'same',
    );
    // Only TCP is redirected, and over lo the rules for the proxy's user have decided before those for its group.
    expect(harmless).toEqual([
      '-A ISTIO_OUTPUT -p udp -m udp --dport 3306 -j RETURN',
      '-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT',
      '-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN',
    ]);
  });
});

describe('what cannot be told', () => {
  it('is text that was not understood, where the rest is the same', () => {
    expect(drift('what is this\n')).toMatchObject({ status: 'unknown', differences: [] });
    expect(drift(`${real}-Q nonsense\n`)).toMatchObject({ status: 'unknown' });
  });

  it('is a listing without the tables that matter', () => {
    const tproxy = podWith({ 'sidecar.istio.io/interceptionMode': 'TPROXY' });
    const nat = fixture('before-cni_shop_ratings.v4.save')
      .split('*nat')[1]!
      .replace(/^:(\S+) ACCEPT.*$/gm, '-P $1 ACCEPT')
      .replace(/^:(\S+) -.*$/gm, '-N $1')
      .replace(/^COMMIT|^\[\d+:\d+\] /gm, '');
    expect(drift(nat, tproxy)).toMatchObject({
      status: 'unknown',
      whyUnknown: expect.stringContaining('mangle') as string,
    });
  });

  it('is the other family', () => {
    expect(findDrift(podWith({}, { family: '6' }), parseRules(`# Generated by iptables-save\n${real}`)).status).toBe(
      'unknown',
    );
  });
});

describe('size', () => {
  it('compares a pod with a hundred excluded ports and ranges in no time', () => {
    const ports = Array.from({ length: 60 }, (_, at) => 2000 + at * 2).join(',');
    const ranges = Array.from({ length: 40 }, (_, at) => `10.${at}.0.0/16`).join(',');
    const big = podWith({
      'traffic.sidecar.istio.io/excludeOutboundPorts': ports,
      'traffic.sidecar.istio.io/excludeOutboundIPRanges': ranges,
    });
    const text = printRules(big.ruleset);
    const start = performance.now();
    expect(drift(text, big).status).toBe('same');
    expect(drift(text.replace('--dport 2100 ', '--dport 2101 '), big).differences.length).toBe(1);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

it('sees conditions that stand without options, and whose mark is asked', () => {
  const rule = '-A PREROUTING -p tcp -j ISTIO_INBOUND';
  const bare = real.replace(rule, '-A PREROUTING -p tcp -m socket -j ISTIO_INBOUND');
  expect(drift(bare).status).toBe('drift');
  const marked = (module: string) =>
    real.replace(rule, `-A PREROUTING -p tcp -m ${module} --mark 0x1 -j DROP\n${rule}`);
  const expected = { ...reviews, ruleset: parseRules(marked('mark')) };
  expect(drift(marked('connmark'), expected).status).toBe('drift');
  expect(drift(marked('mark'), expected).status).toBe('same');
});

it('cannot tell what nft does not show, but reports what is surely different', () => {
  const hide = (text: string) => ({
    ...parseRules(
      text
        .replace(/^:.*|^#.*/gm, '')
        .replace(/-m owner (! )?--[ug]id-owner \d+/g, '-m owner')
        .replace(/ --to-ports \d+/g, ''),
    ),
    format: 'nft-json' as const,
    warnings: ['values are not shown'],
  });
  expect(findDrift(reviews, hide(real))).toMatchObject({ status: 'unknown', whyUnknown: 'values are not shown' });
  expect(findDrift(reviews, hide(real.replaceAll('--dport 3306', '--dport 3307'))).status).toBe('drift');
});
