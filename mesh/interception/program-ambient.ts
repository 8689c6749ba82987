import * as l10n from '@vscode/l10n';
import { byAnnotation } from './causes.ts';
import { Program } from './program-rules.ts';
import type { Programmed } from './program-rules.ts';

/** Everything that decides which rules the node's agent writes into a pod of the ambient mesh. */
export interface AmbientSettings {
  captureDns: boolean;
  /** False: plaintext from outside the mesh reaches the application (annotation bypass-inbound-capture). */
  captureInbound: boolean;
  /** Interfaces behind which a virtual machine or an inner docker sends. */
  virtualInterfaces: string[];
  /** Source that the node gives to kubelet's probes. */
  probeAddress: { '4': string; '6': string };
}

export const defaultProbeAddress = { '4': '169.254.7.127', '6': 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff' };

/** ztunnel's own packets, and the connections it opened. */
const [mark, connmark] = ['0x539/0xfff', '0x111/0xfff'];

/** The rules in the pod's network namespace (main branch, 1.32), in one family. */
export function programAmbient(settings: AmbientSettings, family: '4' | '6'): Programmed {
  const program = new Program(family);
  const cause = l10n.t('ambient mode (label {0} on the namespace or pod)', 'istio.io/dataplane-mode');
  const add = (table: string, rule: string, because = cause) => program.append(table, rule, because);
  const loopback = family === '6' ? '::1/128' : '127.0.0.1/32';
  const probe = settings.probeAddress[family];
  const tables = settings.captureDns ? ['mangle', 'nat', 'raw'] : ['mangle', 'nat'];
  for (const table of tables) {
    const because = table === 'raw' ? dnsCause() : cause;
    add(table, 'PREROUTING -j ISTIO_PRERT', because);
    add(table, 'OUTPUT -j ISTIO_OUTPUT', because);
  }
  for (const nic of settings.virtualInterfaces) {
    const because = byAnnotation('istio.io/reroute-virtual-interfaces');
    add('nat', `ISTIO_PRERT -i ${nic} -p tcp -j REDIRECT --to-ports 15001`, because);
    add('nat', `ISTIO_PRERT -i ${nic} -j RETURN`, because);
  }
  add('mangle', `ISTIO_PRERT -m mark --mark ${mark} -j CONNMARK --set-xmark ${connmark}`);
  add('nat', `ISTIO_PRERT -s ${probe} -p tcp -m tcp -j ACCEPT`);
  add('nat', `ISTIO_OUTPUT -d ${probe} -p tcp -m tcp -j ACCEPT`);
  if (settings.captureInbound)
    add(
      'nat',
      `ISTIO_PRERT ! -d ${loopback} -p tcp ! --dport 15008 -m mark ! --mark ${mark} -j REDIRECT --to-ports 15006`,
    );
  add('mangle', `ISTIO_OUTPUT -m connmark --mark ${connmark} -j CONNMARK --restore-mark`);
  if (settings.captureDns) captureDns(program, loopback);
  add('nat', `ISTIO_OUTPUT -p tcp -m mark --mark ${connmark} -j ACCEPT`);
  add('nat', `ISTIO_OUTPUT ! -d ${loopback} -o lo -j ACCEPT`);
  add('nat', `ISTIO_OUTPUT ! -d ${loopback} -p tcp -m mark ! --mark ${mark} -j REDIRECT --to-ports 15001`);
  return program.done();
}

function captureDns(program: Program, loopback: string): void {
  const add = (table: string, rule: string) => program.append(table, rule, dnsCause());
  add('nat', `ISTIO_OUTPUT ! -o lo -p udp -m mark ! --mark ${mark} -m udp --dport 53 -j REDIRECT --to-ports 15053`);
  add('nat', `ISTIO_OUTPUT ! -d ${loopback} -p tcp --dport 53 -m mark ! --mark ${mark} -j REDIRECT --to-ports 15053`);
  add('raw', `ISTIO_OUTPUT -p udp -m mark --mark ${mark} -m udp --dport 53 -j CT --zone 1`);
  add('raw', `ISTIO_PRERT -p udp -m mark ! --mark ${mark} -m udp --sport 53 -j CT --zone 1`);
}

function dnsCause(): string {
  return byAnnotation('ambient.istio.io/dns-capture', 'values.cni.ambient.dnsCapture');
}
