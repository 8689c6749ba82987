import { describe, expect, it } from 'vitest';
import type { ConfigMap, Pod } from '../kubernetes.ts';
import { expectedRules } from './expected-rules.ts';
import { explainRules } from './explain-rules.ts';
import type { ExplainedRule } from './explain-rules.ts';
import { findDrift } from './find-drift.ts';
import { defaultSettings } from './interception-settings.ts';
import { parseRules } from './parse-rules.ts';
import { printRules } from './print-rules.ts';
import { programRules } from './program-rules.ts';
import { tracePacket } from './trace-packet.ts';
import type { Packet } from './trace-packet.ts';

const ambientPod = (annotations: Record<string, string> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', annotations: { 'ambient.istio.io/redirection': 'enabled', ...annotations } },
  spec: { containers: [{ name: 'app' }] },
});
const agent = (data: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio-cni-config', namespace: 'istio-system' },
  data,
});
const lines = (inputs: Parameters<typeof expectedRules>[0]) => expectedRules(inputs).rules.map(({ text }) => text);

describe('an ambient pod', () => {
  it('gets the rules of the agent, table by table', () => {
    const { mode, by, ruleset, assumptions } = expectedRules({
      pod: ambientPod({ 'ambient.istio.io/dns-capture': 'false' }),
    });
    expect({ mode, by, assumptions }).toEqual({ mode: 'ambient', by: 'cni', assumptions: [] });
    expect(printRules(ruleset)).toBe(`*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -m connmark --mark 0x111/0xfff -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_PRERT - [0:0]
-A PREROUTING -j ISTIO_PRERT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -d 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_OUTPUT -p tcp -m mark --mark 0x111/0xfff -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -j ACCEPT
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -p tcp -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15001
-A ISTIO_PRERT -s 169.254.7.127/32 -p tcp -m tcp -j ACCEPT
-A ISTIO_PRERT ! -d 127.0.0.1/32 -p tcp -m tcp ! --dport 15008 -m mark ! --mark 0x539/0xfff -j REDIRECT --to-ports 15006
COMMIT
`);
  });

  it('follows its annotations and the settings of the agent', () => {
    const dns = '-A ISTIO_OUTPUT -p udp -m mark --mark 0x539/0xfff -m udp --dport 53 -j CT --zone 1';
    expect(lines({ pod: ambientPod() })).toContain(dns);
    expect(lines({ pod: ambientPod(), configMaps: [agent({ AMBIENT_DNS_CAPTURE: 'false' })] })).not.toContain(dns);
    const ingress = lines({ pod: ambientPod({ 'ambient.istio.io/bypass-inbound-capture': 'true' }) });
    expect(ingress.join()).not.toContain('--to-ports 15006');
    const vm = lines({ pod: ambientPod({ 'istio.io/reroute-virtual-interfaces': 'vm0' }) });
    expect(vm).toContain('-A ISTIO_PRERT -i vm0 -p tcp -j REDIRECT --to-ports 15001');
    const probes = agent({ HOST_PROBE_SNAT_IP: '169.254.9.9' });
    expect(lines({ pod: ambientPod(), configMaps: [probes] }).join()).toContain('-s 169.254.9.9/32');
    const v6 = lines({ pod: ambientPod(), family: '6' });
    expect(v6).toContain('-A ISTIO_PRERT -s fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128 -p tcp -m tcp -j ACCEPT');
    const only4 = expectedRules({ pod: ambientPod(), family: '6', configMaps: [agent({ AMBIENT_IPV6: 'false' })] });
    expect(only4).toMatchObject({ mode: 'ambient', rules: [], whyNone: expect.stringContaining('AMBIENT_IPV6') });
  });

  it('has drifted when the rule for kubelet is gone', () => {
    const expected = expectedRules({ pod: ambientPod() });
    const text = printRules(expected.ruleset);
    expect(findDrift(expected, parseRules(text)).status).toBe('same');
    const { differences } = findDrift(expected, parseRules(text.replace(/^-A ISTIO_PRERT -s .*\n/m, '')));
    expect(differences).toMatchObject([{ kind: 'missing', effect: expect.stringContaining('from 169.254.7.127') }]);
  });
});

const native = `table inet istio-proxy-nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto tcp jump istio-inbound
	}
	chain output {
		type nat hook output priority dstnat; policy accept;
		jump istio-output
	}
	chain istio-inbound {
		tcp dport 15008 return
		tcp dport 15090 return
		tcp dport 15021 return
		tcp dport 15020 return
		meta l4proto tcp jump istio-in-redirect
	}
	chain istio-redirect {
		meta l4proto tcp redirect to :15001
	}
	chain istio-in-redirect {
		meta l4proto tcp redirect to :15006
	}
	chain istio-output {
		oifname "lo" ip saddr 127.0.0.6 return
		oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skuid 1337 jump istio-in-redirect
		oifname "lo" meta skuid != 1337 return
		meta skuid 1337 return
		oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skgid 1337 jump istio-in-redirect
		oifname "lo" meta skgid != 1337 return
		meta skgid 1337 return
		ip daddr 127.0.0.1 return
		jump istio-redirect
	}
}
`;

it('compares native nftables rules by what they mean', () => {
  const args = ['-p', '15001', '-z', '15006', '-u', '1337', '-i', '*', '-b', '*', '-d', '15090,15021,15020'];
  const init = { name: 'istio-init', args: [...args, '--native-nftables'] };
  const pod = { metadata: { name: 'web' }, spec: { initContainers: [init], containers: [{ name: 'istio-proxy' }] } };
  const expected = expectedRules({ pod });
  expect(expected).toMatchObject({ rules: [], whyNone: expect.stringContaining('native nftables') });
  expect(findDrift(expected, parseRules(native)).status).toBe('same');
  const changed = findDrift(expected, parseRules(native.replace('15021', '15022')));
  expect(changed.differences[0]?.effect).toBe(
    'TCP that comes in to port 15021 is redirected to port 15006. Expected: it is left alone.',
  );
  // Its tables are for both families, and what they do to IPv6 in a pod without it is not told by iptables.
  expect(findDrift(expectedRules({ pod, family: '6' }), parseRules(native)).status).toBe('unknown');
});

it('passes over a range without a length, as Istio does', () => {
  const settings = { ...defaultSettings, excludeOutboundRanges: ['10.1.2.3', '10.1.2.4/32'] };
  const text = printRules(programRules(settings, {}, '4').ruleset);
  expect(text).toContain('-d 10.1.2.4/32 -j RETURN');
  expect(text).not.toContain('10.1.2.3');
});

/** For rules that decide by themselves: what the sentence promises is what the trace of a packet says. */
it.each<[string, Partial<Packet>, RegExp, string]>([
  ['ISTIO_INBOUND -p tcp -m tcp --dport 9090 -j RETURN', { dport: 9090 }, /directly, past the proxy/, 'PASS'],
  ['ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT', { dport: 80 }, /proxy on port 15006/, 'REDIRECT 15006'],
  ['PREROUTING -i net1 -j RETURN', { dport: 80, iface: 'net1' }, /straight to the application/, 'PASS'],
  ['PREROUTING -i vm0 -j ISTIO_REDIRECT', { dport: 80, iface: 'vm0', dst: '8.8.8.8' }, /as outbound/, 'REDIRECT 15001'],
  ['ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN', { dport: 3306, uid: 0 }, /directly, past the proxy/, 'PASS'],
  ['ISTIO_OUTPUT -p udp -m udp --dport 3306 -j RETURN', { protocol: 'udp', dport: 3306, uid: 0 }, /directly/, 'PASS'],
  ['ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN', { dport: 80, uid: 1337 }, /no loop/, 'PASS'],
  ['ISTIO_OUTPUT -m owner --gid-owner 101 -j RETURN', { dport: 80, uid: 0, gid: 101 }, /excluded/, 'PASS'],
  ['ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN', { dport: 80, uid: 0, dst: '10.1.2.3' }, /directly, past/, 'PASS'],
  ['ISTIO_OUTPUT -j ISTIO_REDIRECT', { dport: 80, uid: 0 }, /proxy on port 15001/, 'REDIRECT 15001'],
  [
    'ISTIO_OUTPUT_DNS -p udp -m udp --dport 53 -j REDIRECT',
    { protocol: 'udp', dport: 53, uid: 0 },
    /15053/,
    'REDIRECT 15053',
  ],
])('says of %s what the trace says', (start, given, says, outcome) => {
  const { ruleset } = programRules(
    {
      ...defaultSettings,
      captureDns: true,
      captureAllDns: true,
      excludeInboundPorts: ['15090', '9090'],
      excludeOutboundPorts: ['3306'],
      excludeOutboundRanges: ['10.1.0.0/16'],
      excludeInterfaces: ['net1'],
      virtualInterfaces: ['vm0'],
      excludeOwnerGroups: ['101'],
    },
    {},
    '4',
  );
  const isOut = given.uid !== undefined;
  const usual: Packet = isOut
    ? { direction: 'out', protocol: 'tcp', dst: '8.8.8.8', dport: 80, localIps: ['10.88.0.5'] }
    : { direction: 'in', protocol: 'tcp', src: '10.9.9.9', dst: '10.88.0.5', dport: 80, localIps: ['10.88.0.5'] };
  const { verdict, port, path } = tracePacket(ruleset, { ...usual, ...given });
  expect(path.map(({ text }) => text)).toContainEqual(expect.stringContaining(`-A ${start}`));
  const rule: ExplainedRule | undefined = explainRules(ruleset).rules.find(({ rule }) =>
    rule.startsWith(`-A ${start}`),
  );
  expect(rule?.explanation).toMatch(says);
  expect([verdict, port].join(' ').trim()).toBe(outcome);
});
