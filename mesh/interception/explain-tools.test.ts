import { describe, expect, it } from 'vitest';
import { describeChain } from './describe-chain.ts';
import { explainRules } from './explain-rules.ts';
import { defaultSettings } from './interception-settings.ts';
import type { InterceptionSettings } from './interception-settings.ts';
import { parseRules } from './parse-rules.ts';
import { printRules } from './print-rules.ts';
import { defaultProbeAddress, programAmbient } from './program-ambient.ts';
import { programRules } from './program-rules.ts';

function explain(table: string, line: string) {
  const { rules } = explainRules(parseRules(`*${table}\n${line}\nCOMMIT\n`));
  return rules[0]!;
}

describe('rules of other tools', () => {
  it.each([
    [
      'nat',
      '-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT',
      'portmap',
      'ports that pods have opened',
    ],
    ['nat', '-A CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 8080 -j CNI-DN-1', 'portmap', 'port 8080 (tcp)'],
    ['nat', '-A CNI-DN-1 -s 10.88.0.0/16 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK', 'portmap', 'hairpin'],
    ['nat', '-A CNI-DN-1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.88.0.5:80', 'portmap', '10.88.0.5:80'],
    [
      'nat',
      '-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully',
      'flannel',
      'not 224.0.0.0/4',
    ],
    ['nat', '-A KIND-MASQ-AGENT -d 10.244.0.0/16 -j RETURN', 'kindnet', 'keep the address of the pod'],
    ['nat', '-A IP-MASQ-AGENT -j MASQUERADE', 'ip-masq-agent', 'node’s own address'],
    ['nat', '-A AWS-SNAT-CHAIN-0 ! -d 10.0.0.0/16 -j AWS-SNAT-CHAIN-1', 'Amazon', 'outside their VPC'],
    ['nat', '-A WEAVE -s 10.32.0.0/12 -d 224.0.0.0/4 -j RETURN', 'Weave', 'keep the address'],
    ['nat', '-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE', 'Docker', '172.17.0.0/16'],
    ['nat', '-A PROXY_INIT_OUTPUT -m owner --uid-owner 2102 -j RETURN', 'Linkerd', 'no loop'],
    ['filter', '-A cali-tw-cali1 -m conntrack --ctstate INVALID -j DROP', 'Calico', 'What one pod may receive'],
    ['filter', '-A CILIUM_FORWARD -o cilium_host -j ACCEPT', 'Cilium', 'outgoing interface is cilium_host'],
    [
      'filter',
      '-A KUBE-POD-FW-X -m set --match-set A dst -j KUBE-NWPLCY-Y',
      'kube-router',
      'destination is in the set A',
    ],
    ['filter', '-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP', 'kubelet', 'marked for dropping'],
    ['filter', '-A INPUT -j ufw-before-input', 'ufw', 'firewall of the machine'],
    ['filter', '-A IN_public_allow -p tcp -m tcp --dport 22 -j ACCEPT', 'firewalld', 'destination port is 22'],
    ['filter', '-A ts-input -s 100.64.0.5/32 -i lo -j ACCEPT', 'Tailscale', '100.64.0.5/32'],
    ['filter', '-A ANTREA-FORWARD -i antrea-gw0 -j ACCEPT', 'Antrea', 'antrea-gw0'],
    [
      'raw',
      '-A PREROUTING -d 169.254.20.10/32 -p udp -m udp --dport 53 -j NOTRACK',
      'NodeLocal',
      'connection tracking',
    ],
  ])('say whose they are and why they stand there: %s %s', (table, line, cause, says) => {
    const { known, ...explained } = explain(table, line);
    expect(known).toBe(true);
    expect(explained.cause).toContain(cause);
    expect(explained.explanation).toContain(says);
  });

  it('are described chain by chain', () => {
    expect(describeChain('filter', 'cali-fw-cali1')).toBe('Calico: What one pod may send.');
    expect(describeChain('nat', 'CNI-DN-1')).toContain('portmap');
    expect(describeChain('nat', 'IN-1')).toBeUndefined();
  });
});

it.each([
  ['-A A ! -s 10.0.0.0/8 -p udp -j DROP', 'the source is not 10.0.0.0/8, the protocol is udp: dropped'],
  [
    '-A A -m mark ! --mark 0x4000/0x4000 -j RETURN',
    'the mark is not 0x4000 in the bits 0x4000: no further rule of this chain',
  ],
  ['-A A -j MARK --set-xmark 0x4000/0x4000', 'their mark gets the bits 0x4000'],
  ['-A A -j MARK --set-xmark 0x0/0xff', 'their mark loses the bits 0xff'],
  ['-A A -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff', 'they get the mark of their connection'],
  ['-A A -m set ! --match-set foo src,dst -j ACCEPT', 'the source, destination is not in the set foo'],
  ['-A A -m statistic --mode random --probability 0.33333333349 -j ACCEPT', 'chance chooses it (33.3 % of them)'],
  [
    '-A A -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "x: "',
    'no more than 3/min came, up to 10 at once: logged with “x:”',
  ],
  ['-A A -m addrtype ! --dst-type LOCAL -j ACCEPT', 'is not an own address of this machine or pod (LOCAL)'],
  ['-A A -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT', 'it opens a TCP connection'],
  ['-A A -m rpfilter --validmark --invert -j DROP', 'the way back to its source does not lead'],
  [
    '-A A -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP',
    'the state of the connection is not RELATED, ESTABLISHED',
  ],
  [
    '-A A -m owner ! --uid-owner 1000 -j REJECT --reject-with tcp-reset',
    'is not 1000: refused, the sender is told so (tcp-reset)',
  ],
  ['-A A -m mystery ! --frob 7 -j FROB --hard 2', '“mystery --frob 7” does not hold: handed to FROB (--hard 2)'],
  ['-A A -g B', 'go on in chain B and do not come back'],
])('says in words what nobody knows: %s', (line, says) => {
  const { known, explanation } = explain('mangle', line);
  expect(known).toBe(false);
  expect(explanation).toContain(says);
});

const everything: InterceptionSettings = {
  ...defaultSettings,
  ipv6: true,
  captureDns: true,
  dropInvalid: true,
  excludeInterfaces: ['net1'],
  virtualInterfaces: ['vm0', 'docker0'],
  includeOutboundPorts: ['443'],
  excludeOutboundPorts: ['15020', '3306', '53'],
  excludeInboundPorts: ['15090', '15021', '15020', '22', '9090'],
  excludeOutboundRanges: ['10.1.0.0/16', 'fd00::/8'],
  dnsServers: ['10.96.0.10', 'fd00::a'],
  proxyUids: ['1337', '1338'],
  proxyGids: ['1340'],
};

it.each<[string, Partial<InterceptionSettings>, string]>([
  ['all at once', {}, 'sidecar-redirect'],
  ['all DNS', { captureAllDns: true, programmedBy: 'cni' }, 'sidecar-redirect'],
  ['TPROXY', { mode: 'TPROXY' }, 'sidecar-tproxy'],
  ['TPROXY of some ports', { mode: 'TPROXY', includeInboundPorts: ['80', '81'] }, 'sidecar-tproxy'],
  [
    'other ports and marks',
    { mode: 'TPROXY', tproxyMark: 42, tunnelPort: '16008', inboundPort: '16006' },
    'sidecar-tproxy',
  ],
  ['nothing inbound', { includeInboundPorts: [] }, 'sidecar-redirect'],
  ['ranges', { includeOutboundRanges: ['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8', '::1/128'] }, 'sidecar-redirect'],
  ['owner groups', { includeOwnerGroups: ['101', '202'] }, 'sidecar-redirect'],
  ['excluded owner groups', { excludeOwnerGroups: ['101', '202'] }, 'sidecar-redirect'],
])('knows every rule that Istio programs: %s', (_, settings, mode) => {
  for (const family of ['4', '6'] as const) {
    const text = printRules(programRules({ ...everything, ...settings }, {}, family).ruleset);
    const explained = explainRules(parseRules(text));
    expect(explained.mode).toBe(mode);
    expect(explained.rules.filter(({ known }) => !known)).toEqual([]);
  }
});

it('knows every rule of an ambient pod', () => {
  for (const family of ['4', '6'] as const) {
    const settings = { captureDns: true, captureInbound: true, virtualInterfaces: ['vm0'] };
    const { ruleset } = programAmbient({ ...settings, probeAddress: defaultProbeAddress }, family);
    const { mode, rules } = explainRules(parseRules(printRules(ruleset)));
    expect({ mode, unknown: rules.filter(({ known }) => !known) }).toEqual({ mode: 'ambient', unknown: [] });
  }
});

it('takes chains without any jump to them for what they are: left over', () => {
  const text = printRules(programRules(defaultSettings, {}, '4').ruleset).replace(/^-A (PREROUTING|OUTPUT) .*\n/gm, '');
  const { mode, warnings } = explainRules(parseRules(text));
  expect(mode).toBe('none');
  expect(warnings.join()).toContain('Chains of Istio are left over (ISTIO_INBOUND');
});
